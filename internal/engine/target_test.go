package engine_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
)

// newFlat is a diverted site with the CDNs edge and spare, whose addresses it
// answers.
func newFlat(w *world, name string) *site.Site {
	w.set(url("192.0.2.1"), time.Hour)
	s := newSite(name, "192.0.2.1")
	s.Answer.Form = site.FormAddress
	s.CDNs = append(s.CDNs, site.CDN{Name: "spare", Target: "spare.example.net."})
	return s
}

// offerLooked offers sites of which all targets are looked up.
func offerLooked(e *engine.Engine, sites ...*site.Site) *engine.Generation {
	return e.Offer(context.Background(), engine.Sites{
		Sites: sites, Resolvers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")},
	})
}

// whole is all that is answered for www, with its TTL and where it leads.
func whole(g *engine.Generation) string {
	synctest.Wait()
	a := g.Table.Lookup(www).Answers()
	addrs := written(a)
	return fmt.Sprint(a.Summary(), " ", a.Target, addrs[0], addrs[1], " ", a.TTL)
}

func expectWhole(t *testing.T, g *engine.Generation, want string) {
	t.Helper()
	if got := whole(g); got != want {
		t.Fatalf("Expected %q, got %q", want, got)
	}
}

// plain reads a gauge without labels.
func plain(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("Expected a series %s", name)
	return 0
}

const (
	edgeA    = "edge.example.net. A"
	edgeAAAA = "edge.example.net. AAAA"
	spareA   = "spare.example.net. A"
)

func TestTheAddressesOfTheTargetAreAnswered(t *testing.T) {
	for _, tc := range []struct{ name, v4, v6, want string }{
		{"both families, and the smallest TTL", "edge.example.net. 20 A 198.51.100.1", "edge.example.net. 9 AAAA 2001:db8::1",
			"cdn edge [198.51.100.1] [2001:db8::1] 9"},
		{"a TTL above the site's", "edge.example.net. 900 A 198.51.100.1", "", "cdn edge [198.51.100.1] [] 30"},
		{"no IPv6", "edge.example.net. 20 A 198.51.100.1", "", "cdn edge [198.51.100.1] [] 20"},
		{"no IPv4", "", "edge.example.net. 20 AAAA 2001:db8::1", "cdn edge [] [2001:db8::1] 20"},
		{"no answer for IPv6", "edge.example.net. 20 A 198.51.100.1", "error", "cdn edge [198.51.100.1] [] 20"},
		{"none: the next CDN", "NXDOMAIN", "NXDOMAIN", "cdn spare [203.0.113.1] [] 20"},
		{"none yet: the next CDN", "error", "error", "cdn spare [203.0.113.1] [] 20"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				w.resolvers.set(edgeA, tc.v4)
				w.resolvers.set(edgeAAAA, tc.v6)
				w.resolvers.set(spareA, "spare.example.net. 20 A 203.0.113.1")
				e, _ := w.engine(t)
				expectWhole(t, offer(e, newFlat(w, www)), tc.want)
			})
		})
	}
}

func TestNoTargetHasAnAddress(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.resolvers.set(edgeA, "error")
		w.resolvers.set(spareA, "NXDOMAIN")
		e, _ := w.engine(t)
		g := offer(e, newFlat(w, www))
		expectWhole(t, g, "origin [192.0.2.1] [] 30")
		if got := g.Table.Lookup(www).Answers().Decision.Reason.Cause; got != site.CauseNoCDN {
			t.Errorf("Expected the cause no_cdn, got %q", got)
		}
		w.resolvers.set(spareA, "spare.example.net. 20 A 203.0.113.1")
		time.Sleep(70 * time.Second)
		expectWhole(t, g, "cdn spare [203.0.113.1] [] 20")
		w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
		time.Sleep(20 * time.Second) // the pause after so many failures is 40 s, and up to a tenth more
		expectWhole(t, g, "cdn edge [198.51.100.1] [] 20")
	})
}

// TestNewAddressesOfATargetNeedNoDecision follows one target through changes,
// failure, which keeps what was known, and the loss of a family.
func TestNewAddressesOfATargetNeedNoDecision(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
		e, _ := w.engine(t)
		g := offer(e, newFlat(w, www))
		epoch := g.Table.Lookup(www).Answers().Decision.Epoch
		for _, step := range []struct{ v4, v6, want string }{
			{"edge.example.net. 20 A 198.51.100.2", "", "cdn edge [198.51.100.2] [] 20"},
			{"edge.example.net. 7 A 198.51.100.2", "", "cdn edge [198.51.100.2] [] 7"},
			{"error", "error", "cdn edge [198.51.100.2] [] 7"},
			{"SERVFAIL", "edge.example.net. 9 AAAA 2001:db8::1", "cdn edge [198.51.100.2] [2001:db8::1] 7"},
			{"", "error", "cdn edge [] [2001:db8::1] 9"},
		} {
			w.resolvers.set(edgeA, step.v4)
			w.resolvers.set(edgeAAAA, step.v6)
			time.Sleep(45 * time.Second)
			expectWhole(t, g, step.want)
		}
		if got := g.Table.Lookup(www).Answers().Decision.Epoch; got != epoch {
			t.Errorf("Expected no new decision, got epoch %d after %d", got, epoch)
		}
	})
}

// resolved returns s with the targets of its CDNs checked to have addresses.
func resolved(s *site.Site) *site.Site {
	s.Ready = site.Ready{Level: site.ReadyResolve, Check: site.Source{Every: 5 * time.Second}}
	return s
}

// TestADeadTargetIsLeft lets the target of a CNAME go and come back.
func TestADeadTargetIsLeft(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), time.Hour)
		w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
		e, _ := w.engine(t)
		g := offer(e, resolved(newSite(www, "192.0.2.1")))
		expect(t, g, edge)
		for i := range 2 {
			w.resolvers.set(edgeA, "error")
			w.resolvers.set(edgeAAAA, "NXDOMAIN")
			time.Sleep(30 * time.Second)
			expect(t, g, edge) // only one of the families says so
			w.resolvers.set(edgeA, "NXDOMAIN")
			time.Sleep(12 * time.Second) // at most so long is a failure followed by the next lookup
			expect(t, g, "1 A")
			if n := w.said(`warning: site "www.example.org.": cdn edge is not ready: the target 'edge.example.net.' has no address`); n != i+1 {
				t.Errorf("Expected one line of the dead target, got %q", w.logged())
			}
			// A reload knows it from the start.
			g = offer(e, resolved(newSite(www, "192.0.2.1")))
			e.Promote()
			expect(t, g, "1 A")
			w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
			time.Sleep(10 * time.Minute) // for 5 of them an answer without an SOA is believed
			expect(t, g, edge)
		}
		if n := w.said(`info: site "www.example.org.": cdn edge is ready again`); n != 2 {
			t.Errorf("Expected two lines of the return, got %q", w.logged())
		}
	})
}

// TestATargetThatIsDeadAtTheStart is never diverted to, and said.
func TestATargetThatIsDeadAtTheStart(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), time.Hour)
		e, _ := w.engine(t)
		g := offer(e, resolved(newSite(www, "192.0.2.1")))
		expect(t, g, "1 A")
		if n := w.said("has no address"); n != 1 {
			t.Errorf("Expected one line, got %q", w.logged())
		}
		// A reload that brings one is silent about it while it is on offer only.
		other := resolved(newSite("other.example.org.", "192.0.2.1"))
		other.CDNs[0].Target = "other.example.net."
		offer(e, resolved(newSite(www, "192.0.2.1")), other)
		if n := w.said("has no address"); n != 1 {
			t.Errorf("Expected no further line yet, got %q", w.logged())
		}
		e.Promote()
		if n := w.said(`site "other.example.org.": cdn edge is not ready: the target 'other.example.net.' has no address`); n != 1 {
			t.Errorf("Expected one more line, got %q", w.logged())
		}
	})
}

// TestATargetThatCannotBeLookedUp has no resolver answer, which is told of rarely.
func TestATargetThatCannotBeLookedUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), time.Hour)
		w.resolvers.set(edgeA, "error")
		w.resolvers.set(edgeAAAA, "error")
		e, _ := w.engine(t)
		expect(t, offer(e, resolved(newSite(www, "192.0.2.1"))), edge)
		time.Sleep(150 * time.Second)
		if n := w.said("looking up targets of CDNs: "); n < 2 || n > 3 {
			t.Errorf("Expected a line a minute, got %d in %q", n, w.logged())
		}
	})
}

// TestATargetOfManySitesIsLookedUpOnce also has all of them follow it.
func TestATargetOfManySitesIsLookedUpOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
		e, _ := w.engine(t)
		sites := []*site.Site{newFlat(w, www)}
		for i := range 100 {
			sites = append(sites, newFlat(w, fmt.Sprintf("s%d.example.org.", i)))
		}
		g := offer(e, sites...)
		if got := w.resolvers.asked(edgeA); got != 1 {
			t.Errorf("Expected one question, got %d", got)
		}
		w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.2")
		time.Sleep(25 * time.Second)
		synctest.Wait()
		for _, s := range sites {
			if got := addresses(g, s.Name()); got != "[198.51.100.2]" {
				t.Errorf("%s: expected the new address, got %s", s.Name(), got)
			}
		}
	})
}

// TestResolversThatHangDelayTheStartFiveSeconds and not more.
func TestResolversThatHangDelayTheStartFiveSeconds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.resolvers.set(edgeA, "wait")
		w.resolvers.set(edgeAAAA, "wait")
		w.resolvers.set(spareA, "spare.example.net. 20 A 203.0.113.1")
		e, _ := w.engine(t)
		began := time.Now()
		g := offer(e, newFlat(w, www))
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("Expected 5 s and the first probe, got %s", took)
		}
		expectWhole(t, g, "cdn spare [203.0.113.1] [] 20")
	})
}
