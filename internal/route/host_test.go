package route_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

func redirectedEntry(own ...netip.Addr) *route.Entry {
	s := site.New("www.example.org.", "*.wild.example.org.")
	s.Zone, s.Hosts, s.TTL = "example.org.", []string{"shop.example.com"}, site.NewTTL(60*time.Second)
	s.CDNs = []site.CDN{{Name: "edge", Target: "edge.example.net."}}
	s.Redirect = &site.Redirect{Host: "origin.example.net", Status: 307, Own: own}
	return route.NewEntry(s, route.NewZone(s.Zone, ""), route.NewSeed(""))
}

// divertedTo is a decision for the site's only CDN, with a short TTL.
var divertedTo = &site.Decision{Side: site.SideCDN, Share: 1, CDNs: []site.CDN{{Name: "edge", Target: "edge.example.net."}}, TTL: 5 * time.Second}

// TestOwnAnswersAreTheRedirectors with the full TTL and all other types left to
// the next plugin, while the redirector goes by the decision.
func TestOwnAnswersAreTheRedirectors(t *testing.T) {
	e := redirectedEntry(netip.MustParseAddr("192.0.2.80"))
	e.Publish(route.News{Decision: divertedTo})
	a := e.Answers()
	if got := fmt.Sprintf("%v %q %d %t %t", a.A, a.Target, a.TTL, a.Owns(dns.TypeA), a.Owns(dns.TypeMX)); got != `[[192 0 2 80]] "" 60 true false` {
		t.Errorf("Expected the redirector's address for good, got %s", got)
	}
	r := a.Decides().Of(netip.MustParseAddr("192.0.2.1"))
	if got := fmt.Sprintf("%s %s %d", r.Summary(), r.Host, r.Code); got != "cdn edge edge.example.net 307" {
		t.Errorf("Expected the way to the CDN, got %s", got)
	}
}

// TestFollowAnswersAreTheUsualOnes, and the same for the redirector.
func TestFollowAnswersAreTheUsualOnes(t *testing.T) {
	e := redirectedEntry()
	e.Publish(route.News{Decision: divertedTo})
	if a := e.Answers(); a.Target != "edge.example.net." || a.Redirect != a || a.TTL != 5 {
		t.Errorf("Expected one set of answers, got %+v", a)
	}
}

func TestHosts(t *testing.T) {
	e := redirectedEntry()
	table := route.NewTable(e, newEntry(site.Decision{}, "other.example.org.", "here.wild.example.org."))
	for host, want := range map[string]struct{ known, named bool }{
		"www.example.org": {true, true}, "shop.example.com": {true, true}, "a.wild.example.org": {true, false},
		"here.wild.example.org": {}, "wild.example.org": {}, "other.example.org": {}, "example.org": {}, "": {}, ".": {}, "www.example.org.": {},
	} {
		if known, named := table.Host(host) == e, table.Named(host); known != want.known || named != want.named {
			t.Errorf("%q: expected %+v, got %t, %t", host, want, known, named)
		}
	}
}

func TestRequestsGoOn(t *testing.T) {
	before, after, plain := redirectedEntry(), redirectedEntry(), newEntry(site.Decision{}, "a.example.org.")
	before.Requested()
	after.Succeed(before)
	before.Requested()
	after.Requested()
	plain.Succeed(before)
	if n, _ := after.Requests(); n != 3 {
		t.Errorf("Expected 3, got %d", n)
	}
	if _, known := plain.Requests(); known {
		t.Error("Expected nothing to be counted of a site that is not redirected")
	}
}
