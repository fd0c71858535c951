package route_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func newEntry(d site.Decision, names ...string) *route.Entry {
	s := site.New(names...)
	s.Zone = "example.org."
	e := route.NewEntry(s, route.NewZone(s.Zone, ""), route.NewSeed(""))
	e.Publish(route.News{Decision: &d})
	return e
}

func TestLookup(t *testing.T) {
	first := newEntry(site.Decision{}, "a.example.org.", "b.example.org.")
	second := newEntry(site.Decision{}, "c.example.org.")
	table := route.NewTable(first)
	for name, want := range map[string]*route.Entry{"a.example.org.": first, "b.example.org.": first, "c.example.org.": nil} {
		if got := table.Lookup(name); got != want {
			t.Errorf("%s: expected %p, got %p", name, want, got)
		}
	}
	table.Replace([]*route.Entry{second})
	for name, want := range map[string]*route.Entry{"a.example.org.": nil, "c.example.org.": second} {
		if got := table.Lookup(name); got != want {
			t.Errorf("%s after Replace: expected %p, got %p", name, want, got)
		}
	}
}

func TestPublishReplacesAllAnswersAtOnce(t *testing.T) {
	e := newEntry(site.Decision{
		Side: site.SideOrigin, TTL: 30 * time.Second,
		Addresses: []netip.Addr{netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::1")},
	}, "www.example.org.")
	a := e.Answers()
	got := fmt.Sprint(a.Summary(), a.TTL, a.Target, a.A, a.AAAA)
	if want := "origin30[[192 0 2 9] [192 0 2 10]] [[32 1 13 184 0 0 0 0 0 0 0 0 0 0 0 1] [32 1 13 184 0 0 0 0 0 0 0 0 0 0 0 2]]"; got != want {
		t.Errorf("Expected %q, got %q", want, got)
	}
	e.Publish(route.News{Decision: &site.Decision{Side: site.SideCDN, Share: 1, CDNs: []site.CDN{{Name: "edge", Target: "edge.example.net."}}, TTL: 5 * time.Second}})
	b := e.Answers()
	if b.Target != "edge.example.net." || b.TTL != 5 || b.Summary() != "cdn edge" {
		t.Errorf("Expected the answers of the CDN, got %+v", b)
	}
	if a.Target != "" {
		t.Error("Expected answers that were loaded before to stay as they were")
	}
}

func TestNotDivertedWithoutAShare(t *testing.T) {
	e := newEntry(site.Decision{Side: site.SideCDN, CDNs: []site.CDN{{Name: "edge", Target: "edge.example.net."}}}, "www.example.org.")
	if a := e.Answers(); a.Target != "" || a.Summary() != "origin" {
		t.Errorf("Expected the origin, got %q, %q", a.Summary(), a.Target)
	}
}

func TestSOA(t *testing.T) {
	for _, tc := range []struct {
		zone *route.Zone
		want string
	}{
		{route.NewZone("example.org.", "ns1.example.net."),
			"example.org.\t5\tIN\tSOA\tns1.example.net. hostmaster.example.org. 1 14400 3600 604800 5"},
		{route.NewZone("example.org.", ""),
			"example.org.\t5\tIN\tSOA\tns.dns.example.org. hostmaster.example.org. 1 14400 3600 604800 5"},
		{route.NewZone(".", ""), ".\t5\tIN\tSOA\tns.dns. hostmaster. 1 14400 3600 604800 5"},
	} {
		if got := tc.zone.SOA(5).String(); got != tc.want {
			t.Errorf("Expected %q, got %q", tc.want, got)
		}
	}
}

// TestRule13Wildcards follows RFC 4592, sections 2.2.1 and 3.3: *.shop.example.org
// beside a site below it, an empty non-terminal, and a wildcard further down.
func TestRule13Wildcards(t *testing.T) {
	wild := newEntry(site.Decision{}, "*.shop.example.org.")
	closer := newEntry(site.Decision{}, "a.shop.example.org.")
	deep := newEntry(site.Decision{}, "x.ent.shop.example.org.")
	inner := newEntry(site.Decision{}, "*.in.shop.example.org.")
	table := route.NewTable(wild, closer, deep, inner)
	for name, want := range map[string]*route.Entry{
		"b.shop.example.org.":         wild, // one label below
		"e.d.c.b.shop.example.org.":   wild, // many labels below
		"*.shop.example.org.":         wild, // asked for literally
		"b.*.shop.example.org.":       nil,  // below the wildcard itself
		"shop.example.org.":           nil,  // the name above
		"example.org.":                nil,
		"a.shop.example.org.":         closer,
		"b.a.shop.example.org.":       nil, // a closer name is there
		"ent.shop.example.org.":       nil, // an empty non-terminal is there
		"b.ent.shop.example.org.":     nil, // and is a closer name
		"x.ent.shop.example.org.":     deep,
		"b.in.shop.example.org.":      inner,
		"in.shop.example.org.":        nil,
		`b\.shop.example.org.`:        nil, // one label with a dot in it
		`b\.c.shop.example.org.`:      wild,
		"bshop.example.org.":          nil,
		"b.shop.example.net.":         nil,
		".":                           nil,
		"other.example.org.":          nil,
		"b.c.x.ent.shop.example.org.": nil,
	} {
		if got := table.Lookup(name); got != want {
			t.Errorf("%s: expected %p, got %p", name, want, got)
		}
	}
}

func TestRule12EmptyNonTerminals(t *testing.T) {
	deep := newEntry(site.Decision{}, "a.b.c.example.org.", "*.w.example.org.")
	middle := newEntry(site.Decision{}, "c.example.org.")
	table := route.NewTable(deep, middle)
	for name, want := range map[string]*route.Entry{
		"b.c.example.org.":     deep,
		"w.example.org.":       deep,
		"c.example.org.":       nil, // a site itself
		"a.b.c.example.org.":   nil,
		"example.org.":         nil, // the apex has data
		"x.b.c.example.org.":   nil,
		"org.":                 nil,
		"x.a.b.c.example.org.": nil,
	} {
		if got := table.Empty(name); got != want {
			t.Errorf("%s: expected %p, got %p", name, want, got)
		}
	}
}
