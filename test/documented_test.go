//go:build linux

package test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	internal "github.com/cdnredirect/cdnredirect/internal/site"
)

// ownSeries is what the names of our metrics begin with.
const ownSeries = "coredns_cdnredirect_"

// documentedSeries is a bullet of the README's section about metrics.
var documentedSeries = regexp.MustCompile("(?m)^\\* `(" + ownSeries + "\\w+)(?:\\{([^}]*)\\})?`")

// series returns the README's metrics with their labels, sorted.
func series(t *testing.T) map[string][]string {
	t.Helper()
	_, section, found := strings.Cut(readme(t), "\n## Metrics\n")
	if !found {
		t.Fatal("Expected a section about metrics in README.md")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	all := make(map[string][]string)
	for _, bullet := range documentedSeries.FindAllStringSubmatch(section, -1) {
		labels := strings.FieldsFunc(bullet[2], func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(labels)
		all[bullet[1]] = labels
	}
	return all
}

// shown returns the metrics of a page with their labels, sorted. A histogram
// is one metric.
func shown(t *testing.T, page string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for _, one := range samples(t, page) {
		if !strings.HasPrefix(one.name, ownSeries) {
			continue
		}
		name := one.name
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if histogram := strings.TrimSuffix(name, part); strings.Contains(page, "# TYPE "+histogram+" histogram\n") {
				name = histogram
			}
		}
		delete(one.labels, "le")
		all[name] = slices.Sorted(maps.Keys(one.labels))
	}
	return all
}

func TestMetricsAreExactlyTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	watched := "cdn example {\n operated own\n node one 127.0.0.1\n probe http http://{node}:$origin/\n }"
	s := spec{corefile: block(metrics, siteBlock([]string{watched}, []string{site})), vars: at(startOrigin(t))}.start(t)
	await(t, patience, atOrigin, s.answer)
	awaitTrue(t, "the series of a CDN", func() bool { return strings.Contains(s.page(t), ownSeries+"cdn_performance_value{") })

	page, documented := shown(t, s.page(t)), series(t)
	for name, labels := range documented {
		if got, found := page[name]; !found {
			t.Errorf("Expected %s of README.md in /metrics", name)
		} else if !slices.Equal(got, labels) {
			t.Errorf("Expected %s with the labels %v of README.md, got %v", name, labels, got)
		}
	}
	for name := range page {
		if _, found := documented[name]; !found {
			t.Errorf("Expected %s of /metrics in README.md", name)
		}
	}
}

// documentedValues is what a bullet says of a label: "`task` is `schedule`,
// `decide` (always) or `probe`."
var documentedValues = regexp.MustCompile("`(\\w+)` is ((?:`\\w+`|[^.`])+)\\.")

// values returns the README's values of each label of a metric, sorted.
func values(t *testing.T, name string) map[string][]string {
	t.Helper()
	_, bullet, found := strings.Cut(readme(t), "\n* `"+name+"{")
	if !found {
		t.Fatalf("Expected %s with labels in README.md", name)
	}
	bullet, _, _ = strings.Cut(bullet, "\n")
	all := make(map[string][]string)
	for _, label := range documentedValues.FindAllStringSubmatch(bullet, -1) {
		words := regexp.MustCompile("`\\w+`").FindAllString(label[2], -1)
		for _, word := range words {
			all[label[1]] = append(all[label[1]], strings.Trim(word, "`"))
		}
		slices.Sort(all[label[1]])
	}
	return all
}

// TestMetricsHaveTheDocumentedValues compares the words of the README with those
// of the code, and with the series that are there before anything has happened.
func TestMetricsHaveTheDocumentedValues(t *testing.T) {
	t.Parallel()
	s := spec{corefile: block(metrics, ours()), vars: at(startOrigin(t))}.start(t)
	results := []string{"ok"}
	for _, failure := range internal.Failures() {
		results = append(results, string(failure))
	}
	for _, c := range []struct {
		metric, label string
		want          []string
	}{
		{"probes_total", "result", results},
		{"probes_total", "kind", slices.Concat(internal.ProbeKinds(), internal.FeedKinds())},
		{"panics_total", "task", s.labels(t, "panics_total", "task")},
		{"gates", "state", s.labels(t, "gates", "state")},
		{"decision_changes_total", "cause", s.labels(t, "decision_changes_total", "cause")},
		{"probe_duration_seconds", "phase", s.labels(t, "probe_duration_seconds_count", "phase")},
	} {
		slices.Sort(c.want)
		if got := values(t, ownSeries+c.metric)[c.label]; !slices.Equal(got, c.want) {
			t.Errorf("Expected the values %v of %s in README.md, got %v", c.want, c.metric, got)
		}
	}
	slices.Sort(results)
	if got := slices.Sorted(slices.Values(s.labels(t, "checks_total", "result"))); !slices.Equal(got, results) {
		t.Errorf("Expected checks to have the results of probes, %v, got %v", results, got)
	}
}

// labels returns the values of a label that are on the metrics page.
func (s *server) labels(t *testing.T, name, label string) (values []string) {
	t.Helper()
	for _, one := range samples(t, s.page(t)) {
		if one.name == ownSeries+name && !slices.Contains(values, one.labels[label]) {
			values = append(values, one.labels[label])
		}
	}
	return values
}

func TestMetricsAreWellNamed(t *testing.T) {
	t.Parallel()
	s := spec{corefile: block(metrics, ours()), vars: at(startOrigin(t))}.start(t)
	problems, err := promlint.New(strings.NewReader(s.page(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		if strings.HasPrefix(problem.Metric, ownSeries) {
			t.Errorf("Expected a name by the rules: %s: %s", problem.Metric, problem.Text)
		}
	}
}

func TestMetricsCountEveryQuery(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(metrics, ours()), vars: at(web)}.start(t)
	sent := s.askEverything(t)
	web.kill("127.0.0.1")
	awaitTrue(t, "the diversion", func() bool { sent++; return s.answer() == atCDN })
	sent += s.askEverything(t)

	counted := func() string { return fmt.Sprint(s.total(t, ownSeries+"responses_total"), " responses") }
	await(t, 0, fmt.Sprint(sent, " responses"), counted) // the last may still be on its way into the counter
	for _, answer := range []string{"address", "cname", "nodata", "none"} {
		if s.total(t, ownSeries+"responses_total", "answer", answer) == 0 {
			t.Errorf("Expected some responses with answer=%q", answer)
		}
	}
}

// askEverything sends one query of each sort over UDP and TCP, and returns how
// many these were.
func (s *server) askEverything(t *testing.T) (sent int) {
	t.Helper()
	queries := []*dns.Msg{
		question("other.example.org.", dns.TypeA), question("example.org.", dns.TypeSOA),
		question(site, dns.TypeAXFR), question("example.org.", dns.TypeAXFR),
		new(dns.Msg).SetNotify(site), new(dns.Msg).SetNotify("example.org."),
	}
	for _, qtype := range dataTypes {
		queries = append(queries, question(site, qtype))
	}
	for _, c := range []client{s.udp(), s.tcp()} {
		for _, q := range queries {
			c.must(t, q)
			sent++
		}
	}
	return sent
}
