package route_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/miekg/dns"
)

// forms are the three types of answer.
var forms = map[string]site.Answer{
	"switch":  {Form: site.FormSwitch, Keyed: true},
	"cname":   {Form: site.FormCNAME, Host: "origin.example.org."},
	"address": {Form: site.FormAddress},
}

// servedBy returns an origin with a weight and the address 192.0.2.n.
func servedBy(n byte, weight int) site.Served {
	return site.Served{Name: fmt.Sprint("o", n), Weight: weight, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, n})}}
}

// divided returns the table of a site whose clients are divided among origins
// and CDNs, the n-th of which is at 203.0.113.n with form address.
func divided(form site.Answer, share float64, origins []site.Served, cdns []site.CDN) *route.Table {
	s := site.New("www.example.org.")
	s.Zone, s.CDNs, s.Answer = "example.org.", cdns, form
	d := &site.Decision{Side: site.SideOrigin, Share: share, CDNs: cdns, Origins: origins, TTL: 30 * time.Second}
	for _, o := range origins {
		s.Origins = append(s.Origins, site.Origin{Name: o.Name, Weight: o.Weight, Addresses: o.Addresses})
		d.Addresses = append(d.Addresses, o.Addresses...)
	}
	news := route.News{Decision: d}
	for i := range cdns {
		news.Found = append(news.Found, site.Found{TTL: time.Minute, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, byte(i + 1)})}})
	}
	e := route.NewEntry(s, route.NewZone(s.Zone, ""), route.NewSeed("seed"))
	e.Publish(news)
	return route.NewTable(e)
}

// place is where records lead: a CDN, or the last digits of an origin's address.
func place(r *route.Records) string {
	if r.CDN != "" || len(r.A) != 1 {
		return r.CDN
	}
	return fmt.Sprint("o", r.A[0][3])
}

// shares returns which part of the clients gets what.
func shares(a *route.Answers) map[string]float64 {
	got := map[string]float64{}
	for i := range networks {
		got[place(a.For(network(i)))] += 1. / networks
	}
	return got
}

// wantShares allows five standard deviations.
func wantShares(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name := range got {
		if want[name] == 0 {
			t.Errorf("Expected nobody at %q, got %g", name, got[name])
		}
	}
	for name, p := range want {
		if math.Abs(got[name]-p) > 5*math.Sqrt(p*(1-p)/networks) {
			t.Errorf("Expected %g of the clients at %s, got %g", p, name, got[name])
		}
	}
}

// TestClientsAreDividedAmongOriginsAndCDNs has all at the origins, some of them
// diverted, and all.
func TestClientsAreDividedAmongOriginsAndCDNs(t *testing.T) {
	origins := []site.Served{servedBy(1, 3), servedBy(2, 1)}
	cdns := []site.CDN{weighted("x", 2), weighted("y", 3)}
	for name, form := range forms {
		for _, share := range []float64{0, 0.4, 1} {
			t.Run(fmt.Sprint(name, share), func(t *testing.T) {
				table := divided(form, share, origins, cdns)
				e := table.Lookup("www.example.org.")
				want := map[string]float64{}
				for key, p := range map[string]float64{
					"o1": (1 - share) * 0.75, "o2": (1 - share) * 0.25, "x": share * 0.4, "y": share * 0.6,
				} {
					if p > 0 {
						want[key] = p
					}
				}
				wantShares(t, shares(e.Answers()), want)
				if !e.Tailored || !e.Answers().ClientsDiffer() {
					t.Error("Expected answers that depend on the client")
				}
			})
		}
	}
}

// TestTheOriginsOwnNameFollows has the name behind the CNAME lead where the
// address in the same answer does, whoever is diverted.
func TestTheOriginsOwnNameFollows(t *testing.T) {
	origins := []site.Served{servedBy(1, 3), servedBy(2, 1)}
	table := divided(forms["cname"], 0.4, origins, []site.CDN{weighted("x", 1)})
	at, alias := table.Lookup("www.example.org.").Answers(), table.Lookup("origin.example.org.")
	if !alias.Tailored {
		t.Error("Expected answers that depend on the client")
	}
	wantShares(t, shares(alias.Answers()), map[string]float64{"o1": 0.75, "o2": 0.25})
	for i := range networks {
		here, there := at.For(network(i)), alias.Answers().For(network(i))
		if there.Target != "" || here.CDN == "" && (here.Target != "origin.example.org." || place(here) != place(there)) {
			t.Fatalf("%v: %+v, and behind it %+v", network(i), here, there)
		}
	}
}

// TestOnlyTheClientsOfAnOriginMove: one that leaves moves its own clients only,
// and the diverted ones stay so.
func TestOnlyTheClientsOfAnOriginMove(t *testing.T) {
	origins := []site.Served{servedBy(1, 3), servedBy(2, 1), servedBy(3, 5)}
	cdns := []site.CDN{weighted("x", 2), weighted("y", 3)}
	for name, form := range forms {
		all := divided(form, 0.3, origins, cdns).Lookup("www.example.org.").Answers()
		for gone := range origins {
			left := slices.Delete(slices.Clone(origins), gone, gone+1)
			after := divided(form, 0.3, left, cdns).Lookup("www.example.org.").Answers()
			moved := 0
			for i := range networks {
				was, is := place(all.For(network(i))), place(after.For(network(i)))
				if was != is && was != origins[gone].Name {
					t.Fatalf("%s: without %s the client %d moves from %s to %s", name, origins[gone].Name, i, was, is)
				}
				if was != is {
					moved++
				}
			}
			if moved < networks/20 {
				t.Errorf("%s: expected the clients of %s to move, got %d", name, origins[gone].Name, moved)
			}
		}
	}
}

// TestAllTypesAgree has one client led to one place by each type: addresses of
// both families are of one origin.
func TestAllTypesAgree(t *testing.T) {
	a, b := servedBy(1, 1), servedBy(2, 1)
	a.Addresses = append(a.Addresses, netip.MustParseAddr("2001:db8::1"))
	b.Addresses = append(b.Addresses, netip.MustParseAddr("2001:db8::2"))
	for name, form := range forms {
		answers := divided(form, 0, []site.Served{a, b}, []site.CDN{weighted("x", 1)}).Lookup("www.example.org.").Answers()
		for i := range 1000 {
			r := answers.For(network(i))
			if len(r.A) != 1 || len(r.AAAA) != 1 || r.A[0][3] != r.AAAA[0][15] {
				t.Fatalf("%s: %+v", name, r)
			}
		}
		if !answers.Owns(dns.TypeA) || !answers.Owns(dns.TypeAAAA) || !answers.Owns(dns.TypeHTTPS) {
			t.Errorf("%s: addresses are not the site's", name)
		}
	}
}

// TestOneOriginLeftIsForAll: there is nothing to divide.
func TestOneOriginLeftIsForAll(t *testing.T) {
	for name, form := range forms {
		a := divided(form, 0, []site.Served{servedBy(2, 0)}, []site.CDN{weighted("x", 1)}).Lookup("www.example.org.").Answers()
		if a.ClientsDiffer() || place(a.For(network(7))) != "o2" {
			t.Errorf("%s: %+v", name, a.Records)
		}
	}
}
