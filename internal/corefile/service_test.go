package corefile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// servedSite is a site with a line of the CDN big, and more words behind it.
func servedSite(name, more string) string {
	return "site " + name + " {\n" + strings.Join(needed, "\n") + "\ncdn big " + strings.Split(name, ".")[0] + ".big.example " + more + "\n}\n"
}

// The feeds of services.
const (
	fastly     = "feed map fastly https://rt.fastly.example/ header Fastly-Key file:/run/key"
	bunny      = "feed map bunny https://api.bunny.example/statistics"
	cloudflare = "feed map cloudflare https://api.cloudflare.example/client/v4/graphql"
)

// TestServices shows where a service goes: into each feed of its CDN that asks for
// it, whichever line names it first.
func TestServices(t *testing.T) {
	cdns, sites, err := readCDNs(
		servedSite("b.example.org", "service two.2 priority 3"), servedSite("a.example.org", "service one-1"),
		servedSite("c.example.org", "service one-1"), servedSite("d.example.org", "service one-1"),
		cdnBlock("big", aProbe, fastly, cloudflare,
			"feed load json https://big.example/v1/{service}/load?of={service} load delay 90s",
			"feed connections promql https://big.example/ sum(open{service=\"{service}\"})",
			"feed fci https://big.example/{service}/fci delay 30s", aFeed))
	if err != nil {
		t.Fatal(err)
	}
	if sites[0].CDNs[1].Service != "two.2" || sites[0].CDNs[1].Priority != 3 {
		t.Errorf("Expected the service of the line, got %+v", sites[0].CDNs)
	}
	want := []string{"one-1 two.2", "one-1 two.2", "one-1 two.2", "one-1 two.2", "one-1 two.2", ""}
	for i, f := range cdns[0].Watch.Feeds {
		if f.Ask.Services != want[i] {
			t.Errorf("Expected %s to read %q, got %q", f.Key(), want[i], f.Ask.Services)
		}
	}
	paths := cdns[0].Watch.Paths()
	if got := paths[2].Target.URL; got != "https://big.example:443/v1/{service}/load?of={service}" {
		t.Errorf("Expected one target of all services, got %s", got)
	}
	if got := paths[2].Target.Shown(); got != "https://big.example:443/v1/{service}/load" {
		t.Errorf("Expected it shown as it was written, got %s", got)
	}
}

// TestDelays shows how far behind feeds are, and how often they are read.
func TestDelays(t *testing.T) {
	cdns, _, err := readCDNs(servedSite("a.example.org", "service 1"), cdnBlock("big", aProbe, fastly, cloudflare,
		bunny+" every 20m", "feed load json https://big.example/ load delay 90s", aFeed))
	if err != nil {
		t.Fatal(err)
	}
	w := cdns[0].Watch
	for i, want := range []struct{ behind, every time.Duration }{
		{10 * time.Second, 10 * time.Second}, {5 * time.Minute, time.Minute}, {70 * time.Minute, 20 * time.Minute}, {90 * time.Second, 10 * time.Second}, {0, 10 * time.Second},
	} {
		if f := w.Feeds[i]; f.Ask.Behind() != want.behind || f.Every != want.every {
			t.Errorf("Expected of %s %+v, got %s and %s", f.Key(), want, f.Ask.Behind(), f.Every)
		}
	}
	if len(w.Paths()) != 4 || len(w.Informs()) != 2 {
		t.Errorf("Expected two feeds that only inform, got %+v", w.Informs())
	}
	if w.Thresholds[0] != (site.Threshold{Signal: site.ErrorRatio, Limit: 0.5, Recover: 0.5, Window: 200 * time.Second}) {
		t.Errorf("Expected half of the probes, got %+v", w.Thresholds)
	}
}

// TestFastlyMayBeFurtherBehind, and decides unless that is too far.
func TestFastlyMayBeFurtherBehind(t *testing.T) {
	for delay, decides := range map[time.Duration]int{time.Minute: 1, 2 * time.Minute: 1, 3 * time.Minute: 0} {
		cdns, _, err := readCDNs(servedSite("a.example.org", "service 1"), cdnBlock("big", aProbe, fastly+" delay "+delay.String()))
		if err != nil {
			t.Fatal(err)
		}
		w := cdns[0].Watch
		if got := w.Feeds[0].Ask.Behind(); got != delay || len(w.Paths()) != 1+decides {
			t.Errorf("Expected a feed %s behind, got %s and %d paths", delay, got, len(w.Paths()))
		}
	}
}

// TestALateFeedBesideAFreshOne is fine: the fresh one is the source.
func TestALateFeedBesideAFreshOne(t *testing.T) {
	cdns, _, err := readCDNs(servedSite("a.example.org", "service 1"), cdnBlock("big", "capacity 10Gbit", fastly, cloudflare, "threshold requests 1000"))
	if err != nil {
		t.Fatal(err)
	}
	if o := cdns[0].Watch.Origins[0]; len(o.Thresholds) != 1 || o.Thresholds[0].Limit != 10e9 {
		t.Errorf("Expected the capacity as a limit, got %+v", o.Thresholds)
	}
}

// manySites has more services than a CDN may have.
func manySites() string {
	var b strings.Builder
	for i := range 101 {
		b.WriteString(servedSite(fmt.Sprintf("s%d.example.org", i), fmt.Sprintf("service %d", i)))
	}
	return b.String()
}

func TestServiceErrors(t *testing.T) {
	one := servedSite("a.example.org", "service 1")
	const behind = " is 5m0s behind: what is more than 2m0s behind decides nothing, so "
	for _, tt := range []struct {
		name, text, want string
	}{
		{"no service", cdnBlock("big", aProbe, fastly) + servedSite("a.example.org", ""), "Corefile:2 - Error during parsing: feed map fastly of cdn 'big' reads services, and no site's line names one: write 'cdn big TARGET service ID'"},
		{"no service for a URL", cdnBlock("big", aProbe, "feed load json http://big.example/{service} n"), "Corefile:2 - Error during parsing: feed load of cdn 'big' reads services, and no site's line names one: write 'cdn big TARGET service ID'"},
		{"a site without a service", cdnBlock("big", aProbe, cloudflare, fastly) + one + servedSite("b.example.org", ""), "Corefile:14 - Error during parsing: cdn 'big' of the site has no service, and feed map cloudflare reads services: write 'cdn big TARGET service ID', and the same ID on the lines of sites that share one"},
		{"a line that hides the service of the class", cdnBlock("big", aProbe, "feed load json http://big.example/{service} n") + one +
			"class web {\n" + strings.Join(needed, "\n") + "\ncdn big w.big.example service 7\n}\nsite b.example.org class web {\ncdn big b.big.example\n}\n",
			"Corefile:20 - Error during parsing: cdn 'big' of the site has no service, and feed load reads services: write 'cdn big TARGET service ID', and the same ID on the lines of sites that share one"},
		{"a pull zone's name", cdnBlock("big", aProbe, bunny) + one + servedSite("b.example.org", "service zone1"), "Corefile:13 - Error during parsing: service 'zone1' of cdn 'big' is not the number of a pull zone, which feed map bunny asks for"},
		{"a dead service", cdnBlock("big", aProbe, aFeed) + one, "Corefile:6 - Error during parsing: service '1' of cdn 'big' is read by nothing: its block needs a feed with {service}, or a map of its API"},
		{"a service of a CDN without a block", one, "Corefile:2 - Error during parsing: service '1' of cdn 'big' is read by nothing: its block needs a feed with {service}, or a map of its API"},
		{"no word", servedSite("a.example.org", "service"), "Corefile:7 - Error during parsing: Wrong argument count or unexpected line ending after 'service'"},
		{"no word of one", servedSite("a.example.org", "service ../x"), "Corefile:7 - Error during parsing: '../x' is not a service: begin with a letter or a digit, go on with letters, digits, -, _ and ., at most 64"},
		{"too long", servedSite("a.example.org", "service "+strings.Repeat("x", 65)), "Corefile:7 - Error during parsing: '" + strings.Repeat("x", 65) + "' is not a service: begin with a letter or a digit, go on with letters, digits, -, _ and ., at most 64"},
		{"too many", cdnBlock("big", aProbe, fastly) + manySites(), "Corefile:2 - Error during parsing: cdn 'big' has 101 services on the sites' lines: more than 100 take too long to read"},
		{"counters", cdnBlock("big", aProbe, "feed requests prometheus http://big.example/{service} r_total") + one, "Corefile:4 - Error during parsing: feed prometheus cannot have {service}: have its counters added up by a Prometheus server, and write 'feed SIGNAL promql'"},
		{"an exporter", cdnBlock("big", aProbe, "feed map varnish http://big.example/{service}") + one, "Corefile:4 - Error during parsing: feed map cannot have {service}: have its counters added up by a Prometheus server, and write 'feed SIGNAL promql'"},
		{"a selector", cdnBlock("big", aProbe, "feed load prometheus http://big.example/ load{s=\"{service}\"}") + one, "Corefile:4 - Error during parsing: a placeholder for services may stand in the URL and in the query of promql, and nowhere else"},
		{"a divisor", cdnBlock("big", aProbe, "feed load prometheus http://big.example/ load over all{s=\"{service}\"}") + one, "Corefile:4 - Error during parsing: a placeholder for services may stand in the URL and in the query of promql, and nowhere else"},
		{"a path", cdnBlock("big", aProbe, "feed load json http://big.example/ load.{service}") + one, "Corefile:4 - Error during parsing: a placeholder for services may stand in the URL and in the query of promql, and nowhere else"},
		{"a path beside the URL", cdnBlock("big", aProbe, "feed load json http://big.example/{service} load.{service}") + one, "Corefile:4 - Error during parsing: a placeholder for services may stand in the URL and in the query of promql, and nowhere else"},
		{"a label", cdnBlock("big", aProbe, "feed map varnish http://big.example/ labels s=\"{service}\"") + one, "Corefile:4 - Error during parsing: a placeholder for services may stand in the URL and in the query of promql, and nowhere else"},
		{"a header", cdnBlock("big", aProbe, "feed load json http://big.example/{service} n header X-Service {service}") + one, "Corefile:4 - Error during parsing: a placeholder for services may stand in the URL and in the query of promql, and nowhere else"},
		{"a header of a probe", cdnBlock("big", aFeed, "probe http http://big.example/ header X-Service {service}") + one, "Corefile:4 - Error during parsing: a placeholder for services may stand in the URL and in the query of promql, and nowhere else"},
		{"a probe", cdnBlock("big", "probe http http://big.example/{service}") + one, "Corefile:3 - Error during parsing: unexpected placeholder in 'http://big.example/{service}': {node} is known, in a cdn block with nodes"},
		{"nodes", cdnBlock("big", "operated own", "node a 192.0.2.1", aNodeProbe, fastly) + one, "Corefile:6 - Error during parsing: services are of a CDN as a whole, and cdn 'big' has nodes"},
		{"labels", cdnBlock("big", aProbe, "feed map fastly http://big.example/ labels a=\"b\"") + one, "Corefile:4 - Error during parsing: unknown word 'labels': every, timeout, tls_verify, delay, header are known"},
		{"a period of bunny", cdnBlock("big", aProbe, bunny+" every 599s") + one, "Corefile:4 - Error during parsing: every 9m59s is shorter than 10m0s, the least for feed map bunny: it would read the same again"},
		{"a period of cloudflare", cdnBlock("big", aProbe, cloudflare+" every 59s") + one, "Corefile:4 - Error during parsing: every 59s is shorter than 1m0s, the least for feed map cloudflare: it would read the same again"},
		{"a delay of a map", cdnBlock("big", aProbe, "feed map bunny http://big.example/ delay 1s") + one, "Corefile:4 - Error during parsing: unknown word 'delay': every, timeout, tls_verify, header are known"},
		{"a delay of nothing", cdnBlock("big", aProbe, aFeed+" delay 0s"), "Corefile:4 - Error during parsing: invalid duration '0s': it must be above zero"},
		{"a delay of days", cdnBlock("big", aProbe, aFeed+" delay 25h"), "Corefile:4 - Error during parsing: delay 25h0m0s is not from 0s to 24h0m0s"},
		{"a late threshold", cdnBlock("big", aProbe, cloudflare, "threshold requests 5") + one, "Corefile:5 - Error during parsing: feed map cloudflare" + behind + "requests needs another source"},
		{"a late threshold of what is left", cdnBlock("big", aProbe, "capacity 1Gbit", fastly, "feed available_bandwidth json http://big.example/ n delay 121s", "threshold available_bandwidth 5Mbit") + one, ""},
		{"a late capacity", cdnBlock("big", aProbe, cloudflare, "capacity 10Gbit") + one, "Corefile:5 - Error during parsing: feed map cloudflare" + behind + "used_bandwidth needs another source"},
		{"a late feed alone", cdnBlock("big", cloudflare) + one, "Corefile:2 - Error during parsing: cdn 'big' has nothing to be judged by: it takes a probe, or a feed and a threshold"},
		{"a late advertisement alone", cdnBlock("big", "feed fci http://big.example/ delay 3m"), "Corefile:2 - Error during parsing: cdn 'big' has nothing to be judged by: it takes a probe, or a feed and a threshold"},
		{"a late feed of a site", "site a.example.org {\n" + strings.Join(needed, "\n") + "\nfeed load json http://big.example/ n delay 3m\nthreshold load 5\n}\n", "Corefile:8 - Error during parsing: feed load is 3m0s behind: what is more than 2m0s behind decides nothing, so load needs another source"},
		{"a map of a site", "site a.example.org {\n" + strings.Join(needed, "\n") + "\n" + fastly + "\n}\n", "Corefile:7 - Error during parsing: feed map fastly reads the services of a CDN: write it in a cdn block"},
		{"a map of an origin", "origin fra {\naddress 192.0.2.1\n" + fastly + "\n}\n", "Corefile:4 - Error during parsing: feed map fastly reads the services of a CDN: write it in a cdn block"},
		{"a query of a site", "site a.example.org {\n" + strings.Join(needed, "\n") + "\nfeed load promql http://big.example/ x{service}\n}\n", "Corefile:7 - Error during parsing: feed load reads the services of a CDN: write it in a cdn block"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := readCDNs(tt.text)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Expected no error, got %v", err)
				}
				return
			}
			wantError(t, err, tt.want)
		})
	}
}
