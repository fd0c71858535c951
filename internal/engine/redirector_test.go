package engine_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// redirectedSite is newSite with a host for its visitors, which counts requests
// once a second.
func redirectedSite(host string) *site.Site {
	s := newSite(www, "192.0.2.1")
	s.Hosts = []string{"www.example.org"}
	s.Redirect = &site.Redirect{Host: host, Status: http.StatusFound}
	s.Feeds = []site.Source{{
		Kind: "redirector", URL: "redirector:///www.example.org", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Signal: site.Requests},
	}}
	return s
}

// TestRequestsAreASignal, over a reload as well: 50 a second are too many.
func TestRequestsAreASignal(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		s := redirectedSite("origin.example.net")
		s.Thresholds = append(s.Thresholds, site.Threshold{Signal: site.Requests, Limit: 20, Recover: 10})
		g := offer(e, s)
		visit := func(seconds int) {
			for range seconds * 50 {
				g.Table.Lookup(www).Requested()
				time.Sleep(20 * time.Millisecond)
			}
		}
		time.Sleep(5 * time.Second)
		expect(t, g, "1 A")
		visit(3)
		g = offer(e, s)
		e.Promote()
		visit(3)
		expect(t, g, edge)
		time.Sleep(20 * time.Second)
		expect(t, g, "1 A")
	})
}

// listenAt returns redirectors at these addresses.
func listenAt(addrs ...netip.AddrPort) []site.Redirector {
	return []site.Redirector{{Addresses: addrs, Connections: 100}}
}

func freeAddress(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// leads returns where a redirector leads, or that nobody is there.
func leads(addr netip.AddrPort) string {
	r, _ := http.NewRequest("GET", fmt.Sprintf("http://%s/", addr), nil)
	r.Host, r.Close = "www.example.org", true
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return "nowhere"
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

// TestRedirectorsFollowTheGenerationInForce: what is on offer listens, and answers
// once it is promoted; what is dropped, or gone, listens no more.
func TestRedirectorsFollowTheGenerationInForce(t *testing.T) {
	w := newWorld()
	e, _ := w.engine(t)
	first, second := freeAddress(t), freeAddress(t)
	expectAt := func(when, wantFirst, wantSecond string) {
		t.Helper()
		if got := leads(first); got != wantFirst {
			t.Errorf("%s: expected %q at the first address, got %q", when, wantFirst, got)
		}
		if wantSecond == "" {
			return // it would wait
		}
		if got := leads(second); got != wantSecond {
			t.Errorf("%s: expected %q at the second address, got %q", when, wantSecond, got)
		}
	}
	take := func(host string, addrs ...netip.AddrPort) {
		t.Helper()
		if err := e.Redirect(listenAt(addrs...)); err != nil {
			t.Fatal(err)
		}
		offer(e, redirectedSite(host))
	}
	take("a.example.net", first)
	expectAt("at the start", "http://a.example.net/", "nowhere")
	take("b.example.net", first, second)
	expectAt("on offer", "http://a.example.net/", "")
	e.Drop()
	expectAt("dropped", "http://a.example.net/", "nowhere")
	take("c.example.net", first, second)
	e.Promote()
	expectAt("promoted", "http://c.example.net/", "http://c.example.net/")
	if err := e.Redirect(listenAt(first, listening(t))); err == nil {
		t.Error("Expected an address that is taken to be refused")
	}
	expectAt("after an error", "http://c.example.net/", "http://c.example.net/")
	take("d.example.net", second)
	e.Promote()
	expectAt("without the first", "nowhere", "http://d.example.net/")
	e.Close()
	expectAt("closed", "nowhere", "nowhere")
}

// listening returns an address that somebody else has.
func listening(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// TestExplainSaysWhereHTTPLeads, also where DNS always leads to the redirector.
func TestExplainSaysWhereHTTPLeads(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), time.Hour)
		e, _ := w.engine(t)
		s := redirectedSite("origin.example.net")
		s.Redirect.Own = []netip.Addr{netip.MustParseAddr("192.0.2.80")}
		e.Offer(t.Context(), engine.Sites{Sites: []*site.Site{s}})
		x, err := e.Explain(www, netip.Addr{})
		if err != nil || x.Answer == nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(x.Answer.CDN, " ", x.Answer.Host, " ", x.Answer.Records); got != "edge edge.example.net [www.example.org. 30 IN A 192.0.2.80]" {
			t.Errorf("Expected both, got %s", got)
		}
	})
}
