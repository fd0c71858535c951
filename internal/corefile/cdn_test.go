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

// aNodeProbe asks each node.
const aNodeProbe = "probe http http://{node}/"

// ownCDN is a cdn block whose DNS is ours.
func ownCDN(name, zone string) string {
	return cdnBlock(name, "operated own", "dns "+zone, "node n"+name+" 192.0.2.1", aNodeProbe)
}

// TestNodes shows what each part of a node's line changes.
func TestNodes(t *testing.T) {
	c := readCDN(t, "operated own", "dns edge.example.org", "ttl 20s", "node a 192.0.2.1 2001:db8::1 capacity 1Gbit", "node b 192.0.2.2 2001:db8::2 capacity 4Gbit drain",
		aNodeProbe, "feed used_bandwidth json http://{node}:9000/ n")
	a, b := c.Watch.Origins[0], c.Watch.Origins[1]
	if a.Name != "a" || len(a.Addresses) != 2 || a.Capacity != 1e9 || a.Drain || a.Weight != 1000 || a.Thresholds[0].Limit != 1e9 {
		t.Errorf("Expected node a, got %+v", a)
	}
	if b.Name != "b" || len(b.Addresses) != 2 || b.Capacity != 4e9 || !b.Drain || b.Weight != 4000 || b.Thresholds[0].Limit != 4e9 {
		t.Errorf("Expected node b, got %+v", b)
	}
	if c.Zone != "edge.example.org." || c.Watch.Zone != "example.org." || c.Watch.Name() != "*.edge.example.org." || c.Watch.TTL.Full != 20*time.Second {
		t.Errorf("Expected the DNS of the CDN, got %+v, %+v", c, c.Watch)
	}
	if paths := c.Watch.Paths(); len(paths) != 8 || paths[0].Target.URL != "http://192.0.2.1:80/" || paths[1].Target.URL != "http://[2001:db8::1]:80/" {
		t.Errorf("Expected each address of each node asked, got %+v", paths)
	}
}

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
	half := site.Threshold{Signal: site.ErrorRatio, Limit: 0.5, Recover: 0.5, Window: 200 * time.Second}
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
		{[]string{"host www.example.com"}, func(c *site.WatchedCDN) bool { return c.Watch.Paths()[0].Target.Host == "www.example.com" }},
		{[]string{"operated third-party"}, func(c *site.WatchedCDN) bool { return c.Watch.Paths()[0].Target.Host == "" }},
		{[]string{"operated third-party"}, func(c *site.WatchedCDN) bool { return c.ThirdParty }},
		{[]string{"capacity 10Gbit"}, func(c *site.WatchedCDN) bool {
			return c.Capacity == 10e9 && c.Soft == 8e9 && c.Watch.Origins[0].Thresholds[0] == site.Threshold{Signal: site.UsedBandwidth, Limit: 10e9, Recover: 8e9}
		}},
		{[]string{"capacity 10Gbit soft 9Gbit"}, func(c *site.WatchedCDN) bool { return c.Soft == 9e9 && c.Watch.Origins[0].Thresholds[0].Recover == 9e9 }},
		{[]string{"capacity 10Gbit", "threshold available_bandwidth 2Gbit"}, func(c *site.WatchedCDN) bool {
			return len(c.Watch.Thresholds) == 2 && c.Watch.Thresholds[0].Limit == 2e9 && c.Watch.Origins[0].Thresholds[0].Limit == 10e9
		}},
		{[]string{"feed fci https://big.example/fci every 30s timeout 3s header Authorization x tls_verify off"}, func(c *site.WatchedCDN) bool {
			f := c.Watch.Feeds[0]
			return c.Advertises() && f.Kind == "fci" && f.Every == 30*time.Second && f.Timeout == 3*time.Second && f.Ask.SkipVerify && f.Ask.Headers == "Authorization: x" &&
				c.Watch.Thresholds[0] == site.Threshold{Signal: site.Load, Limit: 1, Recover: 0.8}
		}},
		{[]string{"feed fci http://big.example/fci", "threshold load 2"}, func(c *site.WatchedCDN) bool { return c.Watch.Thresholds[0].Limit == 2 }},
		{[]string{"threshold error_ratio 10%"}, func(c *site.WatchedCDN) bool {
			return len(c.Watch.Thresholds) == 1 && c.Watch.Thresholds[0].Limit == 0.1
		}},
		{[]string{"threshold response_time 1s"}, func(c *site.WatchedCDN) bool { return len(c.Watch.Thresholds) == 2 }},
	} {
		if c := readCDN(t, append(tt.lines, aProbe, aFeed)...); !tt.check(c) {
			t.Errorf("%q: Expected its effect, got %+v, %+v", tt.lines, c, c.Watch.Thresholds)
		}
	}
	slow := readCDN(t, "probe http http://big.example/ every 2m")
	if slow.Watch.Thresholds[0].Window != 40*time.Minute {
		t.Errorf("Expected twenty periods of a slow probe, got %s", slow.Watch.Thresholds[0].Window)
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
		{"unknown property", cdnBlock("big", "foo a"), "Corefile:3 - Error during parsing: unknown property 'foo': operated, host, dns, node, ttl, capacity, probe, feed, threshold, deploy, webhook, manual are known"},
		{"repeated property", cdnBlock("big", "operated own", "operated own"), "Corefile:4 - Error during parsing: property 'operated' is already given on line 3"},
		{"fci without a URL", cdnBlock("big", "feed fci"), "Corefile:3 - Error during parsing: Wrong argument count or unexpected line ending after 'fci'"},
		{"fci of no URL", cdnBlock("big", "feed fci big.example"), "Corefile:3 - Error during parsing: 'big.example' is not an http:// or https:// URL"},
		{"fci twice", cdnBlock("big", "feed fci http://a.example/", "feed fci http://b.example/"), "Corefile:4 - Error during parsing: property 'feed fci' is already given on line 3"},
		{"unknown operator", cdnBlock("big", "operated mine"), "Corefile:3 - Error during parsing: unknown operator 'mine': own, third-party are known"},
		{"nothing to be judged by", cdnBlock("big", "operated own"), "Corefile:2 - Error during parsing: cdn 'big' has nothing to be judged by: it takes a probe, or a feed and a threshold"},
		{"a feed alone", cdnBlock("big", aFeed), "Corefile:2 - Error during parsing: cdn 'big' has nothing to be judged by: it takes a probe, or a feed and a threshold"},
		{"capacity of nothing", cdnBlock("big", aProbe, "capacity 10Gbit"), "Corefile:4 - Error during parsing: nothing says how much of the capacity is used: it takes a feed of used_bandwidth"},
		{"capacity without a unit", cdnBlock("big", aFeed, "capacity 10"), "Corefile:4 - Error during parsing: invalid bit rate '10': write a unit, such as 200Mbit or 10Gbit"},
		{"a limit above the capacity", cdnBlock("big", aFeed, "capacity 10Gbit", "threshold used_bandwidth 25Gbit"), "Corefile:5 - Error during parsing: limit 25Gbit is above the capacity 10Gbit, at which the CDN is out"},
		{"soft above hard", cdnBlock("big", aFeed, "capacity 10Gbit soft 11Gbit"), "Corefile:4 - Error during parsing: soft 11Gbit is above the capacity 10Gbit"},
		{"placeholder", cdnBlock("big", "probe http http://{origin}/"), "Corefile:3 - Error during parsing: unexpected placeholder in 'http://{origin}/': {node} is known, in a cdn block with nodes"},
		{"placeholder of a feed", cdnBlock("big", aProbe, "feed load json http://{name}/ n"), "Corefile:4 - Error during parsing: unexpected placeholder in 'http://{name}/': {node} is known, in a cdn block with nodes, and {service}"},
		{"{node} without nodes", cdnBlock("edge", "operated own", "probe http http://{node}/"), "Corefile:4 - Error during parsing: unexpected placeholder in 'http://{node}/': {node} is known, in a cdn block with nodes"},
		{"node without an address", cdnBlock("edge", "operated own", "node a"), "Corefile:4 - Error during parsing: Wrong argument count or unexpected line ending after 'a'"},
		{"node with a capacity alone", cdnBlock("edge", "operated own", "node a capacity 1Gbit"), "Corefile:4 - Error during parsing: Wrong argument count or unexpected line ending after '1Gbit'"},
		{"node with a bad name", cdnBlock("edge", "node 192.0.2.1 192.0.2.2"), "Corefile:3 - Error during parsing: '192.0.2.1' is not a name of a node: begin with a letter, go on with letters, digits, - and _"},
		{"node with a bad address", cdnBlock("edge", "node a 192.0.2"), "Corefile:3 - Error during parsing: '192.0.2' is not an IPv4 or IPv6 address"},
		{"node at an address of nobody", cdnBlock("edge", "operated own", "node a 0.0.0.0", aNodeProbe), "Corefile:4 - Error during parsing: '0.0.0.0' is not an address that visitors can reach"},
		{"node twice", cdnBlock("edge", "operated own", "node a 192.0.2.1", "node a 192.0.2.2"), "Corefile:5 - Error during parsing: property 'node a' is already given on line 4"},
		{"address twice", cdnBlock("edge", "operated own", "node a 192.0.2.1", "node b 192.0.2.1", aNodeProbe), "Corefile:5 - Error during parsing: node 'b' has an address of node 'a'"},
		{"one capacity of two", cdnBlock("edge", "operated own", "node a 192.0.2.1 capacity 1Gbit", "node b 192.0.2.2", aNodeProbe), "Corefile:5 - Error during parsing: node 'b' and node 'a': give a capacity to both or to neither"},
		{"nodes of two families", cdnBlock("edge", "operated own", "node a 192.0.2.1", "node b 2001:db8::1", aNodeProbe), "Corefile:5 - Error during parsing: node 'b' and node 'a': give both an IPv4 address, an IPv6 address, or one of each: a client is sent to one node for every type"},
		{"advertisement of nodes", cdnBlock("edge", "operated own", "node a 192.0.2.1", "feed fci http://{node}/"), "Corefile:5 - Error during parsing: an advertisement is of a CDN as a whole, and cdn 'edge' has nodes"},
		{"name server in the DNS", "ns ns1.edge.example.org\n" + ownCDN("edge", "edge.example.org"), "Corefile:2 - Error during parsing: name server 'ns1.edge.example.org.' is in the dns zone 'edge.example.org.' of cdn 'edge', where every name has the addresses of nodes"},
		{"name of an origin in the DNS", ownCDN("edge", "edge.example.org") + "site www.example.org {\nanswer cname o.edge.example.org\n" + strings.Join(needed, "\n") + "\n}\n", "Corefile:8 - Error during parsing: the name 'o.edge.example.org.' of the site 'www.example.org.' is in the dns zone 'edge.example.org.' of cdn 'edge' at Corefile:2"},
		{"capacity of a CDN with nodes", cdnBlock("edge", "operated own", "capacity 1Gbit", "node a 192.0.2.1", aNodeProbe), "Corefile:4 - Error during parsing: the capacity of cdn 'edge' is the sum of those of its nodes: give it to them"},
		{"nodes of a third party", cdnBlock("edge", "node a 192.0.2.1", aNodeProbe), "Corefile:3 - Error during parsing: cdn 'edge' has nodes or a DNS of ours: write 'operated own'"},
		{"DNS without nodes", cdnBlock("edge", "operated own", "dns edge.example.org", aProbe), "Corefile:4 - Error during parsing: cdn 'edge' has no node: nothing can be answered below 'edge.example.org.'"},
		{"ttl of nothing", cdnBlock("edge", "operated own", "ttl 5s", "node a 192.0.2.1", aNodeProbe), "Corefile:4 - Error during parsing: ttl is of the answers below a dns zone, and cdn 'edge' has none"},
		{"ttl of two sides", cdnBlock("edge", "operated own", "ttl 5s diverted 4s"), "Corefile:4 - Error during parsing: unknown word 'diverted': min is known"},
		{"ttl of too long", cdnBlock("edge", "operated own", "dns edge.example.org", "ttl 48h", "node a 192.0.2.1", aNodeProbe), "Corefile:5 - Error during parsing: ttl 48h0m0s is not a number of whole seconds from 0s to 24h0m0s"},
		{"DNS elsewhere", cdnBlock("edge", "operated own", "dns edge.example.net", "node a 192.0.2.1", aNodeProbe), "Corefile:2 - Error during parsing: dns zone 'edge.example.net.' of cdn 'edge' is outside every served zone: 'example.org.'"},
		{"DNS in DNS", ownCDN("edge", "edge.example.org") + ownCDN("far", "far.edge.example.org"), "Corefile:2 - Error during parsing: dns zone 'edge.example.org.' of cdn 'edge' at Corefile:2 holds that of cdn 'far' at Corefile:8"},
		{"site in the DNS", ownCDN("edge", "example.org") + "site www.example.org {\n" + strings.Join(needed, "\n") + "\n}\n", "Corefile:8 - Error during parsing: the name 'www.example.org.' of the site 'www.example.org.' is in the dns zone 'example.org.' of cdn 'edge' at Corefile:2"},
		{"target outside the DNS", ownCDN("edge", "edge.example.org") + "site www.example.org {\n" + strings.Join(needed, "\n") + "\n}\n", "Corefile:8 - Error during parsing: target 'edge.example.net.' of cdn 'edge' is not below its dns zone 'edge.example.org.', which is at Corefile:2"},
		{"threshold of nothing", cdnBlock("big", aProbe, "threshold load 5"), "Corefile:4 - Error during parsing: no probe or feed supplies load"},
		{"limit above the timeout", cdnBlock("big", aProbe, "threshold response_time 5s"), "Corefile:4 - Error during parsing: limit 5s is not below the timeout 5s of the probe that measures it"},
		{"probes a site", cdnBlock("big", "probe http http://www.example.org/") + "site www.example.org {\n" + strings.Join(needed, "\n") + "\n}\n", "Corefile:2 - Error during parsing: probe http of cdn 'big' at Corefile:2 asks 'www.example.org', a name of the site 'www.example.org.' at Corefile:5, which leads where the decision says"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := readCDNs(tt.text)
			wantError(t, err, tt.want)
		})
	}
}
