package engine_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestOneFamilyOfATargetIsEnough has the servers of a CDN fail whoever asks for the
// family that it has no addresses of, as some do.
func TestOneFamilyOfATargetIsEnough(t *testing.T) {
	for _, page := range []string{"SERVFAIL", "error"} {
		t.Run(page, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				w.set(url("192.0.2.1"), 400*time.Millisecond) // above the limit, but up
				w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
				w.resolvers.set(edgeAAAA, page)
				e, _ := w.engine(t)
				s := newSite(www, "192.0.2.1")
				s.Ready = site.Ready{Level: site.ReadyResolve, Check: site.Source{Every: 10 * time.Second}}
				g := offerLooked(e, s)
				expect(t, g, edge)
			})
		})
	}
}

// TestAFailureNeedsNoWords has checks fail of which nothing is said but how.
func TestAFailureNeedsNoWords(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
		w.set(url("198.51.100.1"), time.Hour)
		e, reg := w.engine(t)
		s := newSite(www, "192.0.2.1")
		s.Ready = site.Ready{Level: site.ReadyProbe, Check: site.Source{Kind: "http", URL: "http://{target}/", Every: 10 * time.Second, Timeout: time.Second}}
		expect(t, offerLooked(e, s), "1 A")
		time.Sleep(5 * time.Second) // until gates are counted
		if n := w.said("cdn edge is not ready: timeout"); n != 1 {
			t.Errorf("Expected a line that says how it failed, got %q", w.logged())
		}
		for name, want := range map[string]float64{"closed": 1, "open": 0, "unchecked": 0} {
			if got := gauge(t, reg, "coredns_cdnredirect_gates", name); got != want {
				t.Errorf("Expected %g gates %s, got %g", want, name, got)
			}
		}
		if got := gauge(t, reg, "coredns_cdnredirect_panics_total", "check"); got != 0 {
			t.Errorf("Expected no panic, got %g", got)
		}
	})
}

// probed are ten sites at one origin that ask what is at the first address of their
// one CDN, and whose checks are good at the start.
func (w *world) probed() []*site.Site {
	w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
	w.resolvers.set(edgeAAAA, "")
	var sites []*site.Site
	for i := range 10 {
		s := newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1")
		s.Ready = site.Ready{Level: site.ReadyProbe, Check: site.Source{Kind: "http", URL: "http://{target}/", Every: 10 * time.Second, Timeout: time.Second}}
		sites = append(sites, s)
	}
	return sites
}

// forCanaries is until a CDN is found out that fails for everybody, by three of its
// sites.
const forCanaries = 45 * time.Second

// TestAReloadKeepsWhatChecksOfOtherSitesFound has a CDN fail while nobody needs it,
// and then a reload.
func TestAReloadKeepsWhatChecksOfOtherSitesFound(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		offerLooked(e, w.probed()...)
		time.Sleep(time.Second)
		w.set(url("198.51.100.1"), time.Hour)
		time.Sleep(forCanaries)
		notReady := func(when string) {
			t.Helper()
			if got := e.CDNs()[0].NotReady; got != 10 {
				t.Errorf("Expected the CDN not to be ready for all 10 sites %s, got %d", when, got)
			}
		}
		notReady("before the reload")
		offerLooked(e, w.probed()...)
		e.Promote()
		notReady("after the reload")
	})
}

// TestABadCheckOfItsOwnOpensNoGate has a CDN fail while nobody needs it, and then a
// site need it: its first checks have no more to say than those of the others.
func TestABadCheckOfItsOwnOpensNoGate(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		sites := w.probed()
		sites[9] = newSite(www, "192.0.2.2")
		sites[9].Ready = sites[0].Ready
		g := offerLooked(e, sites...)
		time.Sleep(time.Second)
		w.set(url("198.51.100.1"), time.Hour)
		time.Sleep(forCanaries)
		w.set(url("192.0.2.2"), 400*time.Millisecond)
		for range 120 {
			time.Sleep(time.Second)
			expect(t, g, "1 A")
		}
		if why := whyOf(t, e, www); why != "not ready: timeout" {
			t.Errorf("Expected the CDN out by the site's own checks in the end, got %q", why)
		}
		w.set(url("198.51.100.1"), 0)
		time.Sleep(2 * time.Minute)
		expect(t, g, edge)
	})
}

// whyOf is what is said of a site's first CDN.
func whyOf(t *testing.T, e *engine.Engine, name string) string {
	t.Helper()
	explained, err := e.Explain(name, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	return explained.Candidates[0].Why
}
