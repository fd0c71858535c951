package engine_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestADeadOriginWhoseCDNHasNothingToAnswerWith is left for the CDN in the end,
// whichever of the two is noticed first, at the default times.
func TestADeadOriginWhoseCDNHasNothingToAnswerWith(t *testing.T) {
	for _, before := range []time.Duration{10 * time.Millisecond, 400 * time.Millisecond} {
		for _, every := range []time.Duration{time.Second, 10 * time.Second} {
			for offset := range 10 {
				bubble.Test(t, func(t *testing.T) {
					w := newWorld()
					e, _ := w.checkedEngine(t)
					w.set(url("192.0.2.1"), before)
					s := checked(newSite(www, "192.0.2.1"))
					s.Probes[0].Every, s.Probes[0].Timeout = 10*time.Second, 5*time.Second
					s.Ready.Check.Every, s.Ready.Check.Timeout = every, every/2
					g := offer(e, s)
					time.Sleep(5*time.Minute + time.Duration(offset)*time.Second)
					w.set(url("192.0.2.1"), time.Hour)
					w.failFor(www, site.FailureStatus)
					time.Sleep(10 * time.Minute)
					synctest.Wait()
					if got := answer(g, www); got != edge {
						t.Errorf("It took %s before, checks every %s, offset %d s: Expected the CDN, got %s, %s", before, every, offset, got, why(t, e, www))
					}
				})
			}
		}
	}
}

// TestAStartWithADeadOrigin has the CDN fail before the first probe has.
func TestAStartWithADeadOrigin(t *testing.T) {
	for _, takes := range []time.Duration{time.Millisecond, 900 * time.Millisecond} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld()
			e, _ := w.checkedEngine(t)
			w.change(func(w *world) {
				w.answers[checkURL(edgeAddr)] = func() health.Result {
					time.Sleep(takes)
					return health.Result{Failure: site.FailureStatus, Err: fmt.Errorf("status 503"), Phases: health.Phases{FirstByte: takes}}
				}
			})
			w.set(url("192.0.2.1"), time.Hour)
			g := offer(e, checked(newSite(www, "192.0.2.1")))
			time.Sleep(time.Minute)
			expect(t, g, edge)
		})
	}
}

// TestAPanicInALookupOfATarget is followed by the next lookup.
func TestAPanicInALookupOfATarget(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(edgeA, "panic")
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		g := offer(e, checked(newSite(www, "192.0.2.1")))
		time.Sleep(time.Minute)
		wantWhy(t, e, "not ready: it could not be checked: the check panicked")
		w.resolvers.set(edgeA, "edge.example.net. 20 A "+edgeAddr)
		time.Sleep(time.Minute)
		expect(t, g, edge)
		w.resolvers.set(edgeA, "panic")
		time.Sleep(time.Minute)
		expect(t, g, edge)
		w.resolvers.set(edgeA, "NXDOMAIN")
		time.Sleep(time.Minute)
		expect(t, g, "1 A")
	})
}

// TestAWarmUpWhereOnlyDNSIsChecked is done all the same.
func TestAWarmUpWhereOnlyDNSIsChecked(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), time.Hour)
		s := resolved(newSite(www, "192.0.2.1"))
		s.Ready.Warmup = "https://{target}/a"
		expect(t, offer(e, s), edge)
		if got := w.hitsOf(checkURL(edgeAddr) + "a"); got != 1 {
			t.Errorf("Expected one fetch, got %d", got)
		}
	})
}

// TestWhatWasResolvedStaysForTenMinutes also where one family has always failed.
func TestWhatWasResolvedStaysForTenMinutes(t *testing.T) {
	for _, aaaa := range []string{"", "SERVFAIL"} {
		for _, a := range []string{"SERVFAIL", "error"} {
			t.Run(aaaa+"/"+a, func(t *testing.T) {
				bubble.Test(t, func(t *testing.T) {
					w := newWorld()
					e, _ := w.checkedEngine(t)
					w.resolvers.set(edgeAAAA, aaaa)
					w.set(url("192.0.2.1"), time.Hour)
					g := offer(e, checked(newSite(www, "192.0.2.1")))
					time.Sleep(time.Hour)
					expect(t, g, edge)
					w.resolvers.set(edgeA, a)
					w.resolvers.set(edgeAAAA, a)
					time.Sleep(9 * time.Minute)
					expect(t, g, edge)
				})
			})
		}
	}
}

// TestReloadsDoNotMultiplyTheChecksOfACDN that hangs, nor keep another one waiting.
func TestReloadsDoNotMultiplyTheChecksOfACDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(spareA, "spare.example.net. 300 A 203.0.113.1")
		w.set(checkURL("203.0.113.1"), time.Millisecond)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		inside, most := 0, 0
		w.change(func(w *world) {
			w.answers[checkURL(edgeAddr)] = func() health.Result {
				w.change(func(*world) { inside++; most = max(most, inside) })
				time.Sleep(time.Minute)
				w.change(func(*world) { inside-- })
				return health.Result{Failure: site.FailureTimeout}
			}
		})
		for range 20 {
			var all []*site.Site
			for i := range 300 {
				s := checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1"))
				s.Ready.Check.Timeout = time.Minute
				all = append(all, s)
			}
			other := checked(newSite(www, "192.0.2.2"))
			other.CDNs = []site.CDN{{Name: "spare", Target: "spare.example.net."}}
			offer(e, append(all, other)...)
			e.Promote()
			time.Sleep(2 * time.Second)
		}
		before := w.hitsOf(checkURL("203.0.113.1"))
		time.Sleep(25 * time.Second)
		if got := w.hitsOf(checkURL("203.0.113.1")) - before; most > 64 || got < 2 {
			t.Errorf("Expected at most 64 checks at once, and the other CDN to be checked, got %d and %d", most, got)
		}
	})
}

// TestManyCDNsThatHang hold up no check of a site that is at another one.
func TestManyCDNsThatHang(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		w.set(url("192.0.2.2"), time.Hour)
		var all []*site.Site
		for i := range 30 {
			name := fmt.Sprintf("h%d.example.net.", i)
			w.resolvers.set(name+" A", fmt.Sprintf("%s 300 A 203.0.112.%d", name, i))
			w.set(checkURL(fmt.Sprintf("203.0.112.%d", i)), time.Hour)
			for j := range 100 {
				s := checked(newSite(fmt.Sprintf("s%d-%d.example.org.", i, j), "192.0.2.1"))
				s.Ready.Check.Timeout = 9 * time.Second
				s.CDNs = []site.CDN{{Name: name, Target: name}}
				all = append(all, s)
			}
		}
		var at []*site.Site
		for i := range 20 {
			at = append(at, checked(newSite(fmt.Sprintf("x%d.example.org.", i), "192.0.2.2")))
		}
		offer(e, append(all, at...)...)
		time.Sleep(5 * time.Second)
		worst := time.Duration(0)
		for range 90 {
			time.Sleep(2 * time.Second)
			synctest.Wait()
			for _, s := range at {
				x, err := e.Explain(s.Name(), netip.Addr{})
				if err != nil {
					t.Fatal(err)
				}
				worst = max(worst, time.Since(x.Candidates[0].Checked))
			}
		}
		if worst > 21*time.Second { // two periods, and a little
			t.Errorf("Expected checks of sites at a CDN in their time, the oldest was of %s ago", worst)
		}
	})
}

// TestOneBadCanaryTakesNoClients of a site whose own checks are good, while its CDN
// takes others back.
func TestOneBadCanaryTakesNoClients(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(spareA, "spare.example.net. 20 A 203.0.113.1")
		w.set(checkURL("203.0.113.1"), time.Millisecond)
		w.set(url("192.0.2.2"), time.Hour)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		var all []*site.Site
		for i := range 30 {
			all = append(all, checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1")))
		}
		s := checked(newSite(www, "192.0.2.2"))
		s.CDNs = append(s.CDNs, site.CDN{Name: "spare", Target: "spare.example.net."})
		s.Answer = site.Answer{Form: site.FormSwitch, Keyed: true}
		g := offer(e, append(all, s)...)
		time.Sleep(5 * time.Second)
		failing := func(every int) {
			w.change(func(w *world) {
				w.fails = map[string]site.Failure{}
				for i := 0; every > 0 && i < 30; i += every {
					w.fails[fmt.Sprintf("s%d.example.org.", i)] = site.FailureTLS
				}
			})
		}
		failing(1)
		time.Sleep(50 * time.Second)
		failing(0)
		for range 600 {
			time.Sleep(500 * time.Millisecond)
			expect(t, g, edge)
			if w.said(`cdn "edge": it is ready again`) == 1 {
				failing(2)
			}
		}
		if w.said(`cdn "edge": it is ready again`) == 0 {
			t.Error("Expected the canaries to be good again")
		}
	})
}

// TestWarmUpsOfOneCDNKeepNoOtherWaiting though hundreds of them hang.
func TestWarmUpsOfOneCDNKeepNoOtherWaiting(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(spareA, "spare.example.net. 300 A 203.0.113.1")
		w.set(checkURL("203.0.113.1"), time.Millisecond)
		w.set(checkURL("203.0.113.1")+"b", time.Millisecond)
		w.set(checkURL(edgeAddr)+"a", time.Hour)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		w.set(url("192.0.2.2"), time.Hour)
		var all []*site.Site
		for i := range 200 {
			s := checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1"))
			s.Ready.Warmup = "https://{target}/a https://{target}/a"
			all = append(all, s)
		}
		offer(e, all...)
		e.Promote()
		time.Sleep(20 * time.Second)
		other := checked(newSite(www, "192.0.2.2"))
		other.CDNs = []site.CDN{{Name: "spare", Target: "spare.example.net."}}
		other.Ready.Warmup = "https://{target}/b"
		g := offer(e, append(all, other)...)
		expect(t, g, "spare.example.net.")
		if w.hitsOf(checkURL("203.0.113.1")+"b") != 1 {
			t.Error("Expected the warm-up before the first visitor")
		}
	})
}
