package health

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// exposition is a page of metrics in the text format of Prometheus, version
// 0.0.4, by the name of the metric.
type exposition map[string]*dto.MetricFamily

// parseExposition reads those lines of a page that the wanted metrics need:
// they are few, and the rest takes time and may hold what the parser does not
// know. Its error quotes nothing of the page.
func parseExposition(page []byte, wanted []metric) (exposition, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(needed(page, wanted)))
	var bad expfmt.ParseError
	if errors.As(err, &bad) {
		return nil, fmt.Errorf("reading the metrics: line %d of those that matter is not in the text format", bad.Line)
	}
	if err != nil {
		return nil, errors.New("reading the metrics: not in the text format")
	}
	return families, nil
}

// needed returns the lines of the wanted metrics and of their parts, in the
// place of the page.
func needed(page []byte, wanted []metric) []byte {
	names := make(map[string]bool)
	for _, m := range wanted {
		for _, query := range m.selectors() {
			names[metricOf(query)] = true
			names[whole(metricOf(query))] = true
		}
	}
	kept := page[:0]
	for line := range bytes.Lines(page) {
		if name := lineMetric(line); name != "" && (names[name] || names[whole(name)]) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// metricOf returns the name of the metric in a selector.
func metricOf(query string) string {
	name, _, _ := strings.Cut(query, "{")
	return strings.TrimSpace(name)
}

// lineMetric returns the metric that a line has a type or a value of; else "".
func lineMetric(line []byte) string {
	line = trimBlanks(line)
	if comment, is := bytes.CutPrefix(line, []byte("#")); is {
		typed, is := bytes.CutPrefix(trimBlanks(comment), []byte("TYPE"))
		if !is {
			return ""
		}
		line = trimBlanks(typed)
	}
	end := bytes.IndexAny(line, "{ \t\n")
	return string(line[:max(0, end)])
}

func trimBlanks(text []byte) []byte { return bytes.TrimLeft(text, " \t") }

// whole returns the histogram or summary that name may be a part of.
func whole(name string) string {
	if before, found := strings.CutSuffix(name, sumPart); found {
		return before
	}
	return strings.TrimSuffix(name, countPart)
}

// kind is how a metric's value comes about.
type kind int

const (
	gauge   kind = iota // it is the value
	counter             // by its rate
	mean                // by the rate of its sum over that of its count: histograms and summaries
)

// picked is the series of a metric that a selector chose.
type picked struct {
	kind   kind
	series []Counter // of a gauge, the values
	counts []Counter // of a mean; series are the sums
	at     time.Time // of the oldest of them; zero: they have no times
}

// pick chooses by the selector in query, and by those of the extra matchers
// whose label the metric has.
func (e exposition) pick(query string, extra []site.Matcher) (picked, error) {
	selector, err := site.ParseSelector(query)
	if err != nil {
		return picked{}, err
	}
	family, part := e.family(selector.Metric)
	for _, m := range extra {
		if hasLabel(family, m.Label) {
			selector.Matchers = append(selector.Matchers, m)
		}
	}
	p := picked{kind: kindOf(family, part)}
	for _, m := range family.GetMetric() {
		if selector.Matches(func(name string) string { return label(m, name) }) {
			p.add(m, part)
		}
	}
	if p.series == nil {
		return picked{}, fmt.Errorf("no series matches '%s'", query)
	}
	return p, nil
}

// Parts of a histogram or summary that are metrics of their own.
const sumPart, countPart = "_sum", "_count"

// family returns a metric, or that of which name is a part; nil: there is none.
func (e exposition) family(name string) (family *dto.MetricFamily, part string) {
	if family := e[name]; family != nil {
		return family, ""
	}
	if family := e[whole(name)]; hasParts(family) {
		return family, name[len(whole(name)):]
	}
	return nil, ""
}

func hasParts(family *dto.MetricFamily) bool {
	t := family.GetType()
	return family != nil && (t == dto.MetricType_HISTOGRAM || t == dto.MetricType_SUMMARY)
}

func kindOf(family *dto.MetricFamily, part string) kind {
	t := family.GetType()
	switch {
	case hasParts(family) && part == "":
		return mean
	case hasParts(family), t == dto.MetricType_COUNTER:
		return counter
	case t == dto.MetricType_UNTYPED && strings.HasSuffix(family.GetName(), "_total"):
		return counter
	}
	return gauge
}

func (p *picked) add(m *dto.Metric, part string) {
	if p.kind == mean {
		part = sumPart
		p.counts = append(p.counts, series(m, countPart))
	}
	p.series = append(p.series, series(m, part))
	if m.TimestampMs == nil {
		return
	}
	if at := time.UnixMilli(m.GetTimestampMs()); p.at.IsZero() || at.Before(p.at) {
		p.at = at
	}
}

// series returns one series, named by its labels.
func series(m *dto.Metric, part string) Counter {
	var b strings.Builder
	for _, l := range m.Label {
		b.WriteString(l.GetName() + "\xff" + l.GetValue() + "\xff") // no byte of UTF-8
	}
	return Counter{Series: b.String(), Value: metricValue(m, part)}
}

// metricValue returns NaN for what the page leaves out.
func metricValue(m *dto.Metric, part string) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	case m.Untyped != nil:
		return m.Untyped.GetValue()
	case part == sumPart && m.Summary != nil && m.Summary.SampleSum != nil:
		return *m.Summary.SampleSum
	case part == sumPart && m.Histogram != nil && m.Histogram.SampleSum != nil:
		return *m.Histogram.SampleSum
	case part == countPart && m.Summary != nil && m.Summary.SampleCount != nil:
		return exact(*m.Summary.SampleCount)
	case part == countPart && m.Histogram != nil && m.Histogram.SampleCount != nil:
		return exact(*m.Histogram.SampleCount)
	}
	return math.NaN()
}

// exact returns NaN above what a float64 can count to: the parser makes such a
// number of a count that is none.
func exact(count uint64) float64 {
	if count > 1<<53 {
		return math.NaN()
	}
	return float64(count)
}

// label returns "" for a label that the series lacks.
func label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func hasLabel(family *dto.MetricFamily, name string) bool {
	for _, m := range family.GetMetric() {
		if label(m, name) != "" {
			return true
		}
	}
	return false
}
