package redirect_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/prometheus/client_golang/prometheus"
)

// The site that most tests redirect, and where it leads.
const (
	www      = "www.example.org"
	atOrigin = "www.origin.example.net"
	atCDN    = "www.bigcdn.example"
	atOwn    = "www.edge.example"
)

// redirected is a site with two CDNs, of which one has a host of its own.
func redirected(change func(*site.Site), names ...string) *site.Site {
	s := site.New(names...)
	s.Zone, s.Hosts = "example.org.", []string{www}
	s.CDNs = []site.CDN{{Name: "big", Target: atCDN + ".", Weight: 1}, {Name: "own", Target: "www.nodes.example.", Weight: 1}}
	s.Redirect = &site.Redirect{Host: atOrigin, Status: http.StatusFound, CDNs: []site.HostOf{{CDN: "own", Host: atOwn}}}
	if change != nil {
		change(s)
	}
	return s
}

// bed is a handler with sites to redirect.
type bed struct {
	*redirect.Handler
	reg   *prometheus.Registry
	view  redirect.View
	sites map[string]*site.Site
	entry map[string]*route.Entry
}

func newBed(sites ...*site.Site) *bed {
	if sites == nil {
		sites = []*site.Site{redirected(nil, www+".")}
	}
	b := &bed{reg: prometheus.NewRegistry(), sites: map[string]*site.Site{}, entry: map[string]*route.Entry{}}
	b.Handler = redirect.NewHandler(redirect.NewMetrics(b.reg))
	zone := route.NewZone("example.org.", "")
	var entries []*route.Entry
	for _, s := range sites {
		e := route.NewEntry(s, zone, route.NewSeed("seed"))
		b.sites[s.Name()], b.entry[s.Name()] = s, e
		entries = append(entries, e)
	}
	b.view.Table = route.NewTable(entries...)
	b.use(nil)
	for _, s := range sites {
		b.decide(s.Name(), 0)
	}
	return b
}

// use changes what the handler goes by.
func (b *bed) use(change func(*redirect.View)) {
	if change != nil {
		change(&b.view)
	}
	view := b.view
	b.Use(&view)
}

// decide has a share of a site's clients diverted: to its first CDN, or to all of
// them where there is a share.
func (b *bed) decide(name string, share float64) {
	d := &site.Decision{Epoch: 7, Side: site.SideOrigin, TTL: 30 * time.Second, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")}}
	d.Reason = site.Reason{Cause: site.CauseBelow}
	if share > 0 {
		d.Side, d.Share, d.CDNs = site.SideCDN, share, b.sites[name].CDNs[:1]
		d.Reason = site.Reason{Cause: site.CauseThreshold, Signal: site.ResponseTime, Value: 0.39, Limit: 0.3, V: 1.3, Age: time.Second}
	}
	if share > 0 && share < 1 {
		d.CDNs = b.sites[name].CDNs
	}
	b.entry[name].Publish(route.News{Decision: d})
}

// ask sends a request as a server would have read it.
func (b *bed) ask(method, target string, change func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.TLS = www, nil
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Result()
}

// summary is what a response says.
func summary(r *http.Response) string {
	if location := r.Header.Get("Location"); location != "" {
		return fmt.Sprint(r.StatusCode, " ", location)
	}
	return fmt.Sprint(r.StatusCode)
}

func (b *bed) want(t *testing.T, want, method, target string, change func(*http.Request)) *http.Response {
	t.Helper()
	r := b.ask(method, target, change)
	if got := summary(r); got != want {
		t.Errorf("%s %s: expected %q, got %q", method, target, want, got)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s %s: expected that nobody stores it, got %q", method, target, got)
	}
	return r
}

// count returns a counter's value.
func (b *bed) count(t *testing.T, answer, code string) float64 {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); len(l) == 2 && l[0].GetValue() == answer && l[1].GetValue() == code {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("Expected a series of %s %s", answer, code)
	return 0
}

// host has a request ask another host.
func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

// headers gives a request headers, in pairs.
func headers(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		for i := 0; i < len(pairs); i += 2 {
			r.Header.Add(pairs[i], pairs[i+1])
		}
	}
}

// from has a request come from an address.
func from(addr string, more func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(addr), 4711).String()
		if more != nil {
			more(r)
		}
	}
}
