package engine_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestACDNThatHangsForManySites is left by all of them once its canaries are over,
// and holds up no check of another CDN.
func TestACDNThatHangsForManySites(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const many = 1000
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(spareA, "spare.example.net. 300 A 203.0.113.1")
		w.set(checkURL("203.0.113.1"), time.Millisecond)
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		var all []*site.Site
		for i := range many {
			all = append(all, checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1")))
		}
		other := checked(newSite(www, "192.0.2.2"))
		other.CDNs = []site.CDN{{Name: "spare", Target: "spare.example.net."}}
		g := offer(e, append(all, other)...)
		time.Sleep(30 * time.Second)
		atEdge := func() (n int) {
			synctest.Wait()
			for _, s := range all {
				if answer(g, s.Name()) == edge {
					n++
				}
			}
			return n
		}
		if n := atEdge(); n != many {
			t.Fatalf("Expected all sites at the CDN, got %d", n)
		}
		w.change(func(w *world) {
			delete(w.answers, checkURL(edgeAddr))
			w.takes[checkURL(edgeAddr)] = time.Hour
		})
		time.Sleep(20 * time.Second)
		w.set(url("192.0.2.2"), time.Hour)
		time.Sleep(5 * time.Second)
		expect(t, g, "spare.example.net.")
		time.Sleep(25 * time.Second) // three canaries and what they take
		if n := atEdge(); n > 0 {
			t.Errorf("Expected nobody at a CDN that hangs, got %d sites", n)
		}
		w.edgeIs("")
		time.Sleep(3 * time.Minute)
		if n := atEdge(); n != many {
			t.Errorf("Expected all sites back, got %d", n)
		}
	})
}

// TestAMonitorWithOneFamily can reach none of the many IPv6 addresses of a CDN.
func TestAMonitorWithOneFamily(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		var v6 []string
		for i := range 8 {
			v6 = append(v6, fmt.Sprintf("edge.example.net. 60 AAAA 2001:db8::%d", i+1))
			w.change(func(w *world) {
				w.answers[checkURL(fmt.Sprintf("[2001:db8::%d]", i+1))] = func() health.Result {
					return health.Result{Failure: site.FailureConnect, Err: fmt.Errorf("network is unreachable")}
				}
			})
		}
		w.resolvers.set(edgeAAAA, strings.Join(v6, ";"))
		w.set(url("192.0.2.1"), time.Hour)
		g := offer(e, checked(newSite(www, "192.0.2.1")))
		for range 300 {
			expect(t, g, edge)
			time.Sleep(time.Second)
		}
		if w.hitsOf(checkURL("[2001:db8::8]")) == 0 {
			t.Error("Expected all addresses to be asked in turn")
		}
	})
}

// TestWarmUpsThatHangHoldNobodyUp of those that need their CDN, nor the checks of
// other sites.
func TestWarmUpsThatHangHoldNobodyUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(checkURL(edgeAddr)+"a", time.Hour)
		var all []*site.Site
		for i := range 600 {
			s := checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1"))
			s.Ready.Warmup = "https://{target}/a https://{target}/a"
			all = append(all, s)
		}
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		w.set(url("192.0.2.2"), time.Hour)
		slow := checked(newSite("slow.example.org.", "192.0.2.2"))
		slow.Ready.Warmup = "https://{target}/a"
		g := offer(e, append(all, checked(newSite(www, "192.0.2.2")), slow)...)
		time.Sleep(3 * time.Minute)
		expect(t, g, edge)
		if got := answer(g, "slow.example.org."); got != edge {
			t.Errorf("Expected a warm-up that hangs to hold nobody up, got %q", got)
		}
	})
}

// TestAWarmUpIsDoneAgainWhenTheCDNComesToBeNeeded and not while it has visitors, and
// anew where its URLs are others.
func TestAWarmUpIsDoneAgainWhenTheCDNComesToBeNeeded(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), time.Hour)
		warmed := func(path string) *site.Site {
			s := checked(newSite(www, "192.0.2.1"))
			s.Ready.Warmup = "https://{target}/" + path
			return s
		}
		offer(e, warmed("a"))
		time.Sleep(5 * time.Hour)
		if got := w.hitsOf(checkURL(edgeAddr) + "a"); got != 1 {
			t.Errorf("Expected one warm-up while it has visitors, got %d", got)
		}
		offer(e, warmed("b"))
		e.Promote()
		time.Sleep(time.Minute)
		if got := w.hitsOf(checkURL(edgeAddr) + "b"); got != 1 {
			t.Errorf("Expected the other URL to be fetched, got %d", got)
		}
	})
}

// TestChecksThatAskLessAreNoCanaries beside those that ask more.
func TestChecksThatAskLessAreNoCanaries(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		var all []*site.Site
		for i := range 30 {
			s := checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1"))
			if i%3 == 2 {
				s.Ready.Level = site.ReadyResolve
			}
			all = append(all, s)
		}
		offer(e, all...)
		time.Sleep(5 * time.Second)
		w.edgeIs(site.FailureStatus)
		time.Sleep(time.Minute)
		if got := why(t, e, "s27.example.org."); got != "not ready: checks of other sites fail: it says status" {
			t.Errorf("Expected a site that asks as much to be warned, got %q", got)
		}
		if got := why(t, e, "s29.example.org."); got != "ready" {
			t.Errorf("Expected a site that asks less not to be, got %q", got)
		}
	})
}

// TestAReloadThatAsksSomethingElseMovesNobody before it is known what comes of it.
func TestAReloadThatAsksSomethingElseMovesNobody(t *testing.T) {
	for name, change := range map[string]func(*site.Site){
		"path": func(s *site.Site) { s.Ready.Check.URL = "https://{target}/other" },
		"host": func(s *site.Site) { s.Hosts = []string{"other.example.org"} },
		"none": func(s *site.Site) { s.Ready = site.Ready{Level: site.ReadyNone} },
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				e, _ := w.checkedEngine(t)
				w.set(url("192.0.2.1"), time.Hour)
				w.set(checkURL(edgeAddr)+"other", 900*time.Millisecond)
				before, after := checked(newSite(www, "192.0.2.1")), checked(newSite(www, "192.0.2.1"))
				if change(after); name == "none" {
					before, after = after, before
				}
				expect(t, offer(e, before), edge)
				w.change(func(w *world) {
					w.takes[checkURL(edgeAddr)] = 900 * time.Millisecond
					delete(w.answers, checkURL(edgeAddr))
				})
				g := offer(e, after)
				e.Promote()
				for range 300 {
					expect(t, g, edge)
					time.Sleep(100 * time.Millisecond)
				}
			})
		})
	}
}

// TestATargetThatNobodyCanResolveAnyMore is left after ten minutes: till then what was
// known holds.
func TestATargetThatNobodyCanResolveAnyMore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), time.Hour)
		g := offer(e, checked(newSite(www, "192.0.2.1")))
		time.Sleep(time.Minute)
		w.resolvers.set(edgeA, "SERVFAIL")
		w.resolvers.set(edgeAAAA, "SERVFAIL")
		time.Sleep(9 * time.Minute)
		expect(t, g, edge)
		time.Sleep(2 * time.Minute)
		expect(t, g, "1 A")
	})
}

// TestWhatACDNSaysIsShownInOneLine and not all of it.
func TestWhatACDNSaysIsShownInOneLine(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.change(func(w *world) {
			w.answers[checkURL(edgeAddr)] = func() health.Result {
				return health.Result{Failure: site.FailureTLS, Err: fmt.Errorf("a\n\x1b[31m%s", strings.Repeat("b", 1000))}
			}
		})
		w.set(url("192.0.2.1"), time.Hour)
		offer(e, checked(newSite(www, "192.0.2.1")))
		wantWhy(t, e, "not ready: a??[31m"+strings.Repeat("b", 193)+"...")
	})
}

// TestACheckIsAVisitOfItsOwn that knows nothing of the one before.
func TestACheckIsAVisitOfItsOwn(t *testing.T) {
	s := checked(newSite(www, "192.0.2.1"))
	addr := netip.MustParseAddr(edgeAddr)
	if !s.CheckOf(s.CDNs[0], addr, true).Ask.Value().Fresh || !s.WarmupOf("https://{target}/", time.Second, s.CDNs[0], addr, true).Ask.Value().Fresh {
		t.Error("Expected checks and warm-ups to be fresh")
	}
}

// TestChecksWhileTheOriginMoves are made of a site whose addresses change under them:
// run it with -race.
func TestChecksWhileTheOriginMoves(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		delete(w.answers, checkURL(edgeAddr))
		w.set(checkURL(edgeAddr), 700*time.Millisecond)
		w.next.set(wwwA, "www.example.org. 1 A 192.0.2.1")
		w.set(url("192.0.2.1"), time.Hour)
		w.set(url("192.0.2.2"), time.Hour)
		s := checked(newNext(www))
		s.Ready.Check.Every = time.Second
		g := w.offerNext(e, s)
		for i := range 30 {
			w.next.set(wwwA, fmt.Sprintf("www.example.org. 1 A 192.0.2.%d", 1+i%2))
			time.Sleep(1100 * time.Millisecond)
		}
		expect(t, g, edge)
	})
}
