package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	wwwMX  = www + " MX"
	wwwTXT = www + " TXT"
	mx     = www + " 60 MX 10 mail.example.org."
	txt    = www + ` 60 TXT "a"`
)

// newDown is a site whose origin is down.
func newDown(w *world) *site.Site {
	w.set(url("192.0.2.1"), time.Hour)
	return newSite(www, "192.0.2.1")
}

// expectHeld asserts that www is at its origin for the sake of some types, or,
// of "", that it is diverted; that those types are left to the next plugin; and
// the metric.
func expectHeld(t *testing.T, g *engine.Generation, reg *prometheus.Registry, types string) {
	t.Helper()
	synctest.Wait()
	a := g.Table.Lookup(www).Answers()
	summary, sites, reason := "origin", 1.0, "hides "+types+": response_time "
	if types == "" {
		summary, sites, reason = "cdn edge", 0, "down: response_time "
	}
	if a.Summary() != summary || !strings.HasPrefix(a.Decision.Reason.String(), reason) {
		t.Errorf("Expected %q for %q, got %q for %q", summary, reason, a.Summary(), a.Decision.Reason)
	}
	for _, qtype := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeTXT, dns.TypeCAA} {
		if passed := strings.Contains(types, dns.Type(qtype).String()) && qtype != dns.TypeA; a.Owns(qtype) == passed {
			t.Errorf("Expected %s passed on: %v", dns.Type(qtype), passed)
		}
	}
	if got := plain(t, reg, "coredns_cdnredirect_sites_held"); got != sites {
		t.Errorf("Expected sites_held %g, got %g", sites, got)
	}
}

// TestASiteIsHeldBackByWhatItWouldHide adds data, has lookups fail, and takes it
// away again.
func TestASiteIsHeldBackByWhatItWouldHide(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwMX, mx)
		e, reg := w.engine(t)
		g := w.offerNext(e, newDown(w))
		expectHeld(t, g, reg, "MX")
		if n := w.said(`warning: site "www.example.org." is not diverted: the next plugin has MX at its name, ` +
			`which a CNAME would hide; 'hides MX' accepts that`); n != 1 {
			t.Errorf("Expected one line, got %q", w.logged())
		}
		for _, step := range []struct{ mx, txt, want string }{
			{mx, txt, "MX TXT"},
			{"", "error", "MX TXT"},
			{"", txt, "TXT"},
			{"NXDOMAIN", "NXDOMAIN", ""},
			{"error", "error", ""},
			{mx, "", "MX"},
		} {
			w.next.set(wwwMX, step.mx)
			w.next.set(wwwTXT, step.txt)
			time.Sleep(6 * time.Minute)
			expectHeld(t, g, reg, step.want)
		}
		if n := w.said(`info: site "www.example.org." hides nothing of the next plugin any more`); n != 1 {
			t.Errorf("Expected one line of the release, got %q", w.logged())
		}
	})
}

func TestWhatIsAcceptedHoldsNothingBack(t *testing.T) {
	https := func(s *site.Site) { s.HTTPS = []dns.SVCBKeyValue{&dns.SVCBAlpn{Alpn: []string{"h2"}}} }
	hides := func(types ...uint16) func(*site.Site) { return func(s *site.Site) { s.Hides = types } }
	for _, tc := range []struct {
		name   string
		change func(*site.Site)
		pages  map[string]string
		want   string
	}{
		{"both", hides(dns.TypeTXT, dns.TypeMX), map[string]string{wwwMX: mx, wwwTXT: txt}, ""},
		{"one", hides(dns.TypeTXT), map[string]string{wwwMX: mx, wwwTXT: txt}, "MX"},
		{"an HTTPS record of its own", https, map[string]string{www + " HTTPS": www + " 60 HTTPS 1 ."}, ""},
		{"another's HTTPS record", hides(), map[string]string{www + " HTTPS": www + " 60 HTTPS 1 ."}, "HTTPS"},
		{"a delegation", hides(), map[string]string{www + " NS": "|" + www + " 60 NS ns.example.net."}, "NS"},
		{"a CNAME", hides(), map[string]string{wwwTXT: www + ` 60 CNAME a.example.org.; a.example.org. 60 TXT "a"`}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				for question, page := range tc.pages {
					w.next.set(question, page)
				}
				e, reg := w.engine(t)
				s := newDown(w)
				tc.change(s)
				expectHeld(t, w.offerNext(e, s), reg, tc.want)
			})
		})
	}
}

// TestAReloadKnowsWhatASiteWouldHide although no lookup succeeds any more, until
// the site accepts it, or loses its next plugin.
func TestAReloadKnowsWhatASiteWouldHide(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwMX, mx)
		w.next.set(wwwTXT, txt)
		e, reg := w.engine(t)
		w.offerNext(e, newDown(w))
		w.next.set(wwwMX, "error")
		w.next.set(wwwTXT, "error")
		g := w.offerNext(e, newDown(w))
		e.Promote()
		expectHeld(t, g, reg, "MX TXT")
		if n := w.said("is not diverted"); n != 1 {
			t.Errorf("Expected nothing said again, got %q", w.logged())
		}
		accepting := newDown(w)
		accepting.Hides = []uint16{dns.TypeMX}
		g = w.offerNext(e, accepting)
		e.Promote()
		expectHeld(t, g, reg, "TXT")
		g = offer(e, newDown(w))
		e.Promote()
		expectHeld(t, g, reg, "")
	})
}

// TestASiteOfAddressesHidesNothing: other types are not its own.
func TestASiteOfAddressesHidesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwMX, mx)
		w.resolvers.set(edgeA, "edge.example.net. 20 A 198.51.100.1")
		e, reg := w.engine(t)
		g := w.offerNext(e, newFlat(w, www))
		expectWhole(t, g, "cdn edge [198.51.100.1] [] 20")
		if plain(t, reg, "coredns_cdnredirect_sites_held") != 0 || w.next.asked(wwwMX) != 0 {
			t.Error("Expected the site not held back, and nobody asked")
		}
	})
}
