package corefile_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// cdnBlock is a cdn block of these lines.
func cdnBlock(name string, lines ...string) string {
	return "cdn " + name + " {\n" + strings.Join(lines, "\n") + "\n}\n"
}

// readCDNs reads a directive of these parts and returns its CDNs and sites.
func readCDNs(parts ...string) ([]*site.WatchedCDN, []*site.Site, error) {
	d := caddyfile.NewDispenser("Corefile", strings.NewReader("cdnredirect {\n"+strings.Join(parts, "")+"}\n"))
	c := corefile.New(health.Check)
	if _, err := c.Add(&d, origins("example.org.")); err != nil {
		return nil, nil, err
	}
	sites, err := c.Complete()
	return c.CDNs(), sites, err
}

// The lines of a CDN that is judged.
const (
	aProbe = "probe http http://big.example/"
	aFeed  = "feed used_bandwidth json http://big.example/use now"
)

// readCDN returns the CDN of some lines.
func readCDN(t *testing.T, lines ...string) *site.WatchedCDN {
	t.Helper()
	cdns, _, err := readCDNs(cdnBlock("big", lines...))
	if err != nil || len(cdns) != 1 {
		t.Fatalf("Expected a CDN of %q, got %v, %v", lines, cdns, err)
	}
	return cdns[0]
}

// TestCDNEffects shows what each property of a cdn block changes.
func TestCDNEffects(t *testing.T) {
	base := readCDN(t, aProbe, aFeed)
	half := site.Threshold{Signal: site.ErrorRatio, Limit: 0.5, Recover: 0.25, Window: time.Minute}
	if !base.ThirdParty || !base.Watch.Public || base.Capacity != 0 || !reflect.DeepEqual(base.Watch.Thresholds, []site.Threshold{half}) {
		t.Errorf("Expected a third party's CDN of which half of the probes may fail, got %+v, %+v", base, base.Watch.Thresholds)
	}
	for _, p := range base.Watch.Paths() {
		if !p.Target.Public {
			t.Errorf("Expected %s on the public Internet", p.Target.URL)
		}
	}
	for _, tt := range []struct {
		lines []string
		check func(*site.WatchedCDN) bool
	}{
		{[]string{"operated own"}, func(c *site.WatchedCDN) bool { return !c.ThirdParty && !c.Watch.Paths()[0].Target.Public }},
		{[]string{"operated third-party"}, func(c *site.WatchedCDN) bool { return c.ThirdParty }},
		{[]string{"capacity 10Gbit"}, func(c *site.WatchedCDN) bool {
			return c.Capacity == 10e9 && c.Soft == 8e9 && c.Watch.Thresholds[0] == site.Threshold{Signal: site.UsedBandwidth, Limit: 10e9, Recover: 8e9}
		}},
		{[]string{"capacity 10Gbit soft 9Gbit"}, func(c *site.WatchedCDN) bool { return c.Soft == 9e9 && c.Watch.Thresholds[0].Recover == 9e9 }},
		{[]string{"capacity 10Gbit", "threshold available_bandwidth 2Gbit"}, func(c *site.WatchedCDN) bool {
			return len(c.Watch.Thresholds) == 2 && c.Watch.Thresholds[0].Limit == 2e9
		}},
		{[]string{"threshold error_ratio 10%"}, func(c *site.WatchedCDN) bool { return len(c.Watch.Thresholds) == 1 && c.Watch.Thresholds[0].Limit == 0.1 }},
		{[]string{"threshold response_time 1s"}, func(c *site.WatchedCDN) bool { return len(c.Watch.Thresholds) == 2 }},
	} {
		if c := readCDN(t, append(tt.lines, aProbe, aFeed)...); !tt.check(c) {
			t.Errorf("%q: Expected its effect, got %+v, %+v", tt.lines, c, c.Watch.Thresholds)
		}
	}
	slow := readCDN(t, "probe http http://big.example/ every 2m")
	if slow.Watch.Thresholds[0].Window != 0 {
		t.Errorf("Expected three periods of a slow probe, got %s", slow.Watch.Thresholds[0].Window)
	}
}

// TestSitesKnowWhichCDNsAreWatched also of blocks that come after them.
func TestSitesKnowWhichCDNsAreWatched(t *testing.T) {
	aSite := "site www.example.org {\n" + strings.Join(needed, "\n") + "\ncdn big www.big.example\n}\n"
	_, sites, err := readCDNs(aSite, cdnBlock("big", aProbe))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range sites[0].CDNs {
		if c.Watched != (c.Name == "big") {
			t.Errorf("Expected big alone to be watched, got %+v", c)
		}
	}
	if !sites[0].ClientsDiffer() {
		t.Error("Expected clients to differ while a CDN takes its own back")
	}
}

func TestCDNErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
	}{
		{"no name", cdnBlock("", aProbe), "Corefile:2 - Error during parsing: Wrong argument count or unexpected line ending after 'cdn'"},
		{"no block", "cdn big\n", "Corefile:2 - Error during parsing: '{' is missing at the end of the line 'cdn big'"},
		{"twice", cdnBlock("big", aProbe) + cdnBlock("big", aProbe), "Corefile:5 - Error during parsing: cdn 'big' is already defined at Corefile:2"},
		{"unknown property", cdnBlock("big", "node a"), "Corefile:3 - Error during parsing: unknown property 'node': operated, capacity, probe, feed, threshold are known"},
		{"repeated property", cdnBlock("big", "operated own", "operated own"), "Corefile:4 - Error during parsing: property 'operated' is already given on line 3"},
		{"unknown operator", cdnBlock("big", "operated mine"), "Corefile:3 - Error during parsing: unknown operator 'mine': own, third-party are known"},
		{"nothing to be judged by", cdnBlock("big", "operated own"), "Corefile:2 - Error during parsing: cdn 'big' has nothing to be judged by: it takes a probe, or a feed and a threshold"},
		{"a feed alone", cdnBlock("big", aFeed), "Corefile:2 - Error during parsing: cdn 'big' has nothing to be judged by: it takes a probe, or a feed and a threshold"},
		{"capacity of nothing", cdnBlock("big", aProbe, "capacity 10Gbit"), "Corefile:4 - Error during parsing: nothing says how much of the capacity is used: it takes a feed of used_bandwidth"},
		{"capacity without a unit", cdnBlock("big", aFeed, "capacity 10"), "Corefile:4 - Error during parsing: invalid bit rate '10': write a unit, such as 200Mbit or 10Gbit"},
		{"soft above hard", cdnBlock("big", aFeed, "capacity 10Gbit soft 11Gbit"), "Corefile:4 - Error during parsing: soft 11Gbit is above the capacity 10Gbit"},
		{"placeholder", cdnBlock("big", "probe http http://{origin}/"), "Corefile:3 - Error during parsing: unexpected placeholder in 'http://{origin}/': a cdn block knows none"},
		{"placeholder of a feed", cdnBlock("big", aProbe, "feed load json http://{name}/ n"), "Corefile:4 - Error during parsing: unexpected placeholder in 'http://{name}/': a cdn block knows none"},
		{"threshold of nothing", cdnBlock("big", aProbe, "threshold load 5"), "Corefile:4 - Error during parsing: no probe or feed supplies load"},
		{"limit above the timeout", cdnBlock("big", aProbe, "threshold response_time 5s"), "Corefile:4 - Error during parsing: limit 5s is not below the timeout 5s of the probe that measures it"},
		{"probes a site", cdnBlock("big", "probe http http://www.example.org/") + "site www.example.org {\n" + strings.Join(needed, "\n") + "\n}\n", "Corefile:2 - Error during parsing: probe http of cdn 'big' asks 'www.example.org', a name of the site 'www.example.org.', which leads where the decision says"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := readCDNs(tt.text)
			wantError(t, err, tt.want)
		})
	}
}
