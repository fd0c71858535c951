package engine_test

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
)

const bigURL = "http://big.example:80/"

// watchedBig is a CDN that is probed each second.
func watchedBig() *site.WatchedCDN {
	c := site.NewWatchedCDN("big")
	c.Watch.Probes = []site.Source{{
		Kind: "http", URL: "http://big.example/", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Status: site.DefaultStatus()},
	}}
	c.Finish()
	return c
}

// bigOrEdge is a site that prefers big and has edge behind it.
func bigOrEdge(name, addr string) *site.Site {
	s := newSite(name, addr)
	s.CDNs = []site.CDN{{Name: "big", Target: "big.example.net.", Watched: true}, {Name: "edge", Target: "edge.example.net."}}
	return s
}

func offerCDN(e *engine.Engine, c *site.WatchedCDN, sites ...*site.Site) *engine.Generation {
	return e.Offer(context.Background(), engine.Sites{Sites: sites, CDNs: []*site.WatchedCDN{c}})
}

// atBig returns the part of the clients that are answered with big, of those at
// any CDN; all of them have to be.
func atBig(t *testing.T, g *engine.Generation, name string) float64 {
	t.Helper()
	const clients = 4096
	n := 0
	answers := g.Table.Lookup(name).Answers()
	for i := range clients {
		client := route.ClientOf(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 32)
		switch cdn := answers.For(client).CDN; cdn {
		case "big":
			n++
		case "edge":
		default:
			t.Fatalf("Expected a CDN for everybody, got %q", cdn)
		}
	}
	return float64(n) / clients
}

func wantBig(t *testing.T, g *engine.Generation, name string, want, within float64) {
	t.Helper()
	synctest.Wait()
	if got := atBig(t, g, name); math.Abs(got-want) > within {
		t.Errorf("Expected %g of the clients at big, got %g", want, got)
	}
}

// down has the origin of the tests dead.
func down(w *world) { w.takes[url("192.0.2.1")] = time.Hour }

// bigIs has big answer or not.
func bigIs(up bool) func(*world) {
	return func(w *world) {
		w.takes[bigURL] = 10 * time.Millisecond
		if !up {
			w.takes[bigURL] = time.Hour
		}
	}
}

// TestACDNThatDiesIsSkippedAndComesBackSlowly kills the CDN at which a site is.
func TestACDNThatDiesIsSkippedAndComesBackSlowly(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const name = "www.example.org."
		w := newWorld()
		w.change(down)
		w.change(bigIs(true))
		e, reg := w.engine(t)
		g := offerCDN(e, watchedBig(), bigOrEdge(name, "192.0.2.1"))
		time.Sleep(time.Minute)
		wantBig(t, g, name, 1, 0)

		w.change(bigIs(false))
		time.Sleep(3 * time.Second)
		wantBig(t, g, name, 1, 0)
		time.Sleep(4 * time.Second)
		wantBig(t, g, name, 0, 0)
		w.wantLine(t, `warning: cdn "big": it takes no visitors, time 1 of late: down: `)
		time.Sleep(5 * time.Second)
		if part := gauge(t, reg, "coredns_cdnredirect_cdn_part", "big"); part != 0 {
			t.Errorf("Expected the series to say that it is out, got %g", part)
		}

		w.change(bigIs(true))
		began := time.Now()
		for synctest.Wait(); atBig(t, g, name) == 0; synctest.Wait() {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took < 20*time.Second || took > 150*time.Second {
			t.Errorf("Expected it back after an ejection, got %s", took)
		}
		time.Sleep(50 * time.Second)
		wantBig(t, g, name, 0.5, 0.07)
		time.Sleep(60 * time.Second)
		wantBig(t, g, name, 1, 0)
		w.wantLine(t, `info: cdn "big": it takes its visitors back, part by part: recovered: `)
		for series, want := range map[string]float64{"part": 1, "sites": 1, "ejections_total": 1} {
			if got := gauge(t, reg, "coredns_cdnredirect_cdn_"+series, "big"); got != want {
				t.Errorf("Expected %s %g, got %g", series, want, got)
			}
		}
	})
}

// wantLine fails unless the log has one line that begins so.
func (w *world) wantLine(t *testing.T, begin string) {
	t.Helper()
	n := 0
	for _, line := range w.logged() {
		if strings.HasPrefix(line, begin) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("Expected one line that begins with %q, got %d in %q", begin, n, w.logged())
	}
}

// TestF28AllCDNsOutMeansTheOrigin: the site stays at its origin, and its answers are not empty.
func TestF28AllCDNsOutMeansTheOrigin(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 400*time.Millisecond) // slow
		w.change(bigIs(true))
		e, _ := w.engine(t)
		s := bigOrEdge("www.example.org.", "192.0.2.1")
		s.CDNs = s.CDNs[:1]
		g := offerCDN(e, watchedBig(), s)
		synctest.Wait()
		if got := answer(g, "www.example.org."); got != "big.example.net." {
			t.Fatalf("Expected a slow origin to be left, got %s", got)
		}
		w.change(bigIs(false))
		time.Sleep(8 * time.Second)
		synctest.Wait()
		if got := answer(g, "www.example.org."); got != "1 A" {
			t.Errorf("Expected the origin while the only CDN is out, got %s", got)
		}
	})
}

// TestACDNThatIsDeadAtTheStartGetsNobody: its first round is awaited as that of
// the sites is.
func TestACDNThatIsDeadAtTheStartGetsNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(down)
		w.change(bigIs(false))
		e, _ := w.engine(t)
		g := offerCDN(e, watchedBig(), bigOrEdge("www.example.org.", "192.0.2.1"))
		wantBig(t, g, "www.example.org.", 0, 0)
	})
}

// TestAReloadKeepsWhatIsKnownOfACDN in the middle of its return.
func TestAReloadKeepsWhatIsKnownOfACDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const name = "www.example.org."
		w := newWorld()
		w.change(down)
		w.change(bigIs(false))
		e, reg := w.engine(t)
		g := offerCDN(e, watchedBig(), bigOrEdge(name, "192.0.2.1"))
		w.change(bigIs(true))
		for synctest.Wait(); atBig(t, g, name) < 0.4; synctest.Wait() {
			time.Sleep(time.Second)
		}
		g = offerCDN(e, watchedBig(), bigOrEdge(name, "192.0.2.1"))
		wantBig(t, g, name, 0.4, 0.07)
		if !e.Promote() {
			t.Fatal("Expected a promotion")
		}
		time.Sleep(5 * time.Second)
		wantBig(t, g, name, 0.45, 0.07)
		if got := gauge(t, reg, "coredns_cdnredirect_cdn_ejections_total", "big"); got != 1 {
			t.Errorf("Expected one ejection, got %g", got)
		}

		e.Offer(context.Background(), engine.Sites{Sites: []*site.Site{newSite(name, "192.0.2.1")}})
		e.Promote()
		if got := gauges(t, reg, "coredns_cdnredirect_cdn_part"); got != 0 {
			t.Errorf("Expected no series of a CDN that is gone, got %d", got)
		}
	})
}

// gauges counts the series of a name.
func gauges(t *testing.T, reg *prometheus.Registry, name string) int {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return len(f.GetMetric())
		}
	}
	return 0
}

// TestAMonitorThatIsCutOffEjectsNoCDN, whatever its probes say.
func TestAMonitorThatIsCutOffEjectsNoCDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const name = "www.example.org."
		w := newWorld()
		w.change(down)
		w.change(bigIs(true))
		e, _ := w.engine(t)
		g := e.Offer(context.Background(), engine.Sites{Sites: []*site.Site{bigOrEdge(name, "192.0.2.1")}, CDNs: []*site.WatchedCDN{watchedBig()}, Guard: watchful})
		time.Sleep(2 * time.Minute)
		wantBig(t, g, name, 1, 0)
		w.change(cut)
		for range 120 {
			time.Sleep(time.Second)
			wantBig(t, g, name, 1, 0)
		}
		w.change(mend)
		for range 120 {
			time.Sleep(time.Second)
			wantBig(t, g, name, 1, 0)
		}
		w.change(bigIs(false))
		time.Sleep(20 * time.Second)
		wantBig(t, g, name, 0, 0)
	})
}

// TestASlowFeedDoesNotHoldADeadCDN: a moment without an anchor puts off for as long
// as samples of probes count, and not of a feed that is read every five minutes.
func TestASlowFeedDoesNotHoldADeadCDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const name = "www.example.org."
		w := newWorld()
		w.change(down)
		w.change(bigIs(true))
		e := w.fedEngine(t, func(string) float64 { return 1 })
		c := site.NewWatchedCDN("big")
		c.Watch.Probes = watchedBig().Watch.Probes
		c.Watch.Feeds = []site.Source{{Kind: "json", URL: "http://big.example/use", Every: 5 * time.Minute, Timeout: time.Second, Ask: site.Ask{Signal: site.UsedBandwidth, Query: "n"}}}
		c.Finish()
		g := e.Offer(context.Background(), engine.Sites{Sites: []*site.Site{bigOrEdge(name, "192.0.2.1")}, CDNs: []*site.WatchedCDN{c}, Guard: watchful})
		time.Sleep(2 * time.Minute)
		w.change(mute)
		time.Sleep(3 * time.Second)
		w.change(noise)
		w.change(bigIs(false))
		time.Sleep(20 * time.Second)
		wantBig(t, g, name, 0, 0)
	})
}

// TestAReloadWhileTheMonitorIsCutOffEjectsNoCDN, when its new guard has not asked
// anybody yet.
func TestAReloadWhileTheMonitorIsCutOffEjectsNoCDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const name = "www.example.org."
		w := newWorld()
		w.change(down)
		w.change(bigIs(true))
		e, _ := w.engine(t)
		offer := func() *engine.Generation {
			c := watchedBig()
			c.Watch.Thresholds = append(c.Watch.Thresholds, site.Threshold{Signal: site.ResponseTime, Limit: 0.3, Recover: 0.24})
			return e.Offer(context.Background(), engine.Sites{Sites: []*site.Site{bigOrEdge(name, "192.0.2.1")}, CDNs: []*site.WatchedCDN{c}, Guard: watchful})
		}
		offer()
		time.Sleep(2 * time.Minute)
		w.change(cut)
		time.Sleep(5 * time.Second)
		g := offer()
		time.Sleep(4 * time.Second)
		e.Promote()
		for range 30 {
			time.Sleep(time.Second)
			wantBig(t, g, name, 1, 0)
		}
	})
}

// TestAFullCDNGetsNoFurtherSites keeps the site that it has.
func TestAFullCDNGetsNoFurtherSites(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const first, second = "a.example.org.", "b.example.org."
		w := newWorld()
		w.change(bigIs(true))
		w.set(url("192.0.2.1"), time.Hour)
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		var used atomic.Int64
		used.Store(5e9)
		e := w.fedEngine(t, func(string) float64 { return float64(used.Load()) })
		c := watchedBig()
		c.Capacity = 10e9
		c.Watch.Feeds = []site.Source{{Kind: "json", URL: "http://big.example/use", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Signal: site.UsedBandwidth, Query: "n"}}}
		c.Finish()
		g := offerCDN(e, c, bigOrEdge(first, "192.0.2.1"), bigOrEdge(second, "192.0.2.2"))
		wantBig(t, g, first, 1, 0)

		used.Store(8.5e9)
		time.Sleep(5 * time.Second)
		w.set(url("192.0.2.2"), time.Hour)
		time.Sleep(5 * time.Second)
		wantBig(t, g, first, 1, 0)
		wantBig(t, g, second, 0, 0)
		w.wantLine(t, `warning: cdn "big": it is at its soft limit, and gets no further sites while another one takes them`)
		wantCandidate(t, e, second, "big", "full: it gets no further sites while another CDN takes them")
		wantCandidate(t, e, first, "big", "taken")

		used.Store(11e9)
		time.Sleep(8 * time.Second)
		wantBig(t, g, first, 0, 0)
		wantCandidate(t, e, first, "big", "out: threshold: used_bandwidth 11Gbit is 110 % of the limit 10Gbit (age 0s)")
		state := e.CDNs()[0]
		if state.Standing != api.StandingOut || state.Operated != "third-party" || !state.Full || state.Part != 0 || state.Sites != 0 || state.Capacity != 10e9 || state.Soft != 8e9 || state.Left == nil || *state.Left != 0 || state.Used != 11e9 {
			t.Errorf("Expected what is known of the CDN, got %+v", state)
		}
		if len(state.Record) != 2 || state.Record[1].Signal != site.UsedBandwidth || state.Record[1].Value != 11e9 || state.Record[1].Age > api.Seconds(time.Second) {
			t.Errorf("Expected a record of two signals with their ages, got %+v", state.Record)
		}
	})
}

func wantCandidate(t *testing.T, e *engine.Engine, name, cdn, why string) {
	t.Helper()
	x, err := e.Explain(name, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range x.Candidates {
		if c.Name == cdn {
			if c.Why != why {
				t.Errorf("%s: Expected of %s %q, got %q", name, cdn, why, c.Why)
			}
			return
		}
	}
	t.Errorf("%s: Expected %s among %+v", name, cdn, x.Candidates)
}

// fedEngine returns an engine in this world that also reads what is used at a URL.
func (w *world) fedEngine(t *testing.T, used func(url string) float64) *engine.Engine {
	t.Helper()
	e, _ := w.engineOver(t, kinds{"http": w.probe, "json": func(_ context.Context, target site.Target) health.Result {
		return health.Result{Readings: []health.Reading{{Signal: site.UsedBandwidth, Value: used(target.URL)}}}
	}})
	return e
}

// TestManySitesFollowACDN: each of them, whichever line has it.
func TestManySitesFollowACDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(bigIs(true))
		var sites []*site.Site
		for i := range 50 {
			addr := fmt.Sprintf("192.0.2.%d", i+1)
			w.set(url(addr), time.Hour)
			sites = append(sites, bigOrEdge(fmt.Sprintf("s%d.example.org.", i), addr))
		}
		e, _ := w.engine(t)
		g := offerCDN(e, watchedBig(), sites...)
		w.change(bigIs(false))
		time.Sleep(8 * time.Second)
		for _, s := range sites {
			wantBig(t, g, s.Name(), 0, 0)
		}
	})
}
