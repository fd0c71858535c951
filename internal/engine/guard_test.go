package engine_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
)

// watchful is a guard with one anchor.
var watchful = site.Guard{Share: 0.3, Within: time.Minute, Anchors: []netip.AddrPort{netip.MustParseAddrPort("198.51.100.53:53")}}

// fleet is some sites, each at an address of its own. Every fourth leaves with
// the first sample that is bad, and every fifth looks back for two minutes.
func fleet(n int) []*site.Site {
	var sites []*site.Site
	for i := range n {
		s := newSite(fmt.Sprintf("s%d.example.org.", i), fmt.Sprintf("192.0.2.%d", i+1))
		if i%4 == 1 {
			s.Enter, s.Thresholds[0].Statistic = 1, site.Last
		}
		if i%5 == 2 {
			s.Thresholds[0].Statistic, s.Thresholds[0].Window = site.Max, 2*time.Minute
		}
		sites = append(sites, s)
	}
	return sites
}

func offerGuarded(e *engine.Engine, guard site.Guard, sites ...*site.Site) *engine.Generation {
	return e.Offer(context.Background(), engine.Sites{Sites: sites, Guard: guard})
}

// gone counts the sites whose visitors are at a CDN.
func gone(g *engine.Generation, sites int) (n int) {
	synctest.Wait()
	for i := range sites {
		if answer(g, fmt.Sprintf("s%d.example.org.", i)) == edge {
			n++
		}
	}
	return n
}

// stays watches over a time in which so many sites are gone.
func stays(t *testing.T, g *engine.Generation, sites, want int, d time.Duration) {
	t.Helper()
	began := time.Now()
	for end := began.Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got := gone(g, sites); got != want {
			t.Fatalf("Expected %d of %d sites gone for %s, got %d after %s", want, sites, d, got, time.Since(began))
		}
	}
}

// guardSaid counts the lines of the guard with a word.
func (w *world) guardSaid(word string) (n int) {
	for _, line := range w.logged() {
		if strings.Contains(line, "guard:") && strings.Contains(line, word) {
			n++
		}
	}
	return n
}

func wantBlind(t *testing.T, w *world, reg *prometheus.Registry, blind float64, alarms, ends int) {
	t.Helper()
	if got := plain(t, reg, "coredns_cdnredirect_blind"); got != blind {
		t.Errorf("Expected blind %g, got %g", blind, got)
	}
	if a, b := w.guardSaid("stay where they are"), w.guardSaid("no longer"); a != alarms || b != ends {
		t.Errorf("Expected %d alarms and %d ends, got %q", alarms, ends, w.logged())
	}
}

func cut(w *world)   { w.cutOff = true }
func mend(w *world)  { w.cutOff = false }
func mute(w *world)  { w.mute = true }
func noise(w *world) { w.mute = false }

// TestAMonitorThatIsCutOffDivertsNobody cuts it off at different moments of its
// probes, for longer than the guard's time.
func TestAMonitorThatIsCutOffDivertsNobody(t *testing.T) {
	for part := range 10 {
		bubble.Test(t, func(t *testing.T) {
			const n = 20
			w := newWorld()
			for i := range n {
				w.set(url(fmt.Sprintf("192.0.2.%d", i+1)), 50*time.Millisecond)
			}
			e, reg := w.engine(t)
			g := offerGuarded(e, watchful, fleet(n)...)
			time.Sleep(10*time.Second + time.Duration(part)*100*time.Millisecond + 20*time.Millisecond)
			wantBlind(t, w, reg, 0, 0, 0)
			w.change(cut)
			stays(t, g, n, 0, 3*time.Minute)
			wantBlind(t, w, reg, 1, 1, 0)
			w.change(mend)
			stays(t, g, n, 0, 4*time.Minute)
			wantBlind(t, w, reg, 0, 1, 1)
			if got := e.Waiting(g); got != 0 {
				t.Errorf("Expected nobody waiting, got %d", got)
			}
			w.set(url("192.0.2.1"), time.Hour)
			time.Sleep(3*time.Second + 500*time.Millisecond + 600*time.Millisecond)
			if got := gone(g, n); got != 1 {
				t.Errorf("Expected the guard to let a dead origin be left, got %d gone", got)
			}
		})
	}
}

// TestASiteThatIsDeadWhenTheMonitorIsBackIsLeft has one origin die meanwhile,
// be it that of a site which looks back for two minutes (i%5 == 2).
func TestASiteThatIsDeadWhenTheMonitorIsBackIsLeft(t *testing.T) {
	for _, dead := range []string{"192.0.2.1", "192.0.2.3"} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld()
			e, _ := w.engine(t)
			g := offerGuarded(e, watchful, fleet(20)...)
			w.change(cut)
			time.Sleep(time.Minute)
			w.set(url(dead), time.Hour)
			w.change(mend)
			stays(t, g, 20, 0, 4*time.Second)
			time.Sleep(5 * time.Second)
			if got := gone(g, 20); got != 1 {
				t.Errorf("%s: Expected the dead one gone, got %d", dead, got)
			}
		})
	}
}

// TestAnchorsThatAnswerHoldNobodyUp kills all origins at once: they are left
// within half a second of the usual time, and what an anchor takes to answer.
func TestAnchorsThatAnswerHoldNobodyUp(t *testing.T) {
	for _, far := range []time.Duration{0, 200 * time.Millisecond} {
		bubble.Test(t, func(t *testing.T) {
			const n = 30
			w := newWorld()
			w.far = far
			e, reg := w.engine(t)
			sites := fleet(n)
			for i := range 40 { // always a sample newer than any answer
				sites[0].Origins[0].Addresses = append(sites[0].Origins[0].Addresses, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
			}
			g := offerGuarded(e, watchful, sites...)
			time.Sleep(10 * time.Second)
			w.change(func(w *world) {
				for _, s := range sites {
					for _, addr := range s.Origins[0].Addresses {
						w.takes[url(addr.String())] = time.Hour
					}
				}
			})
			time.Sleep(3*time.Second + 500*time.Millisecond + 500*time.Millisecond + far + 10*time.Millisecond)
			if got := gone(g, n); got != n {
				t.Errorf("Expected all gone, got %d", got)
			}
			wantBlind(t, w, reg, 0, 0, 0)
		})
	}
}

// TestFewLeaveAfterTheGuardsTime has anchors silent while too few sites for a
// mass want to leave.
func TestFewLeaveAfterTheGuardsTime(t *testing.T) {
	for _, tc := range []struct{ sites, dead int }{{20, 1}, {20, 9}, {40, 11}, {9, 9}} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld()
			e, reg := w.engine(t)
			g := offerGuarded(e, watchful, fleet(tc.sites)...)
			time.Sleep(10 * time.Second)
			w.change(mute)
			time.Sleep(5 * time.Second)
			for i := range tc.dead {
				w.set(url(fmt.Sprintf("192.0.2.%d", i+1)), time.Hour)
			}
			stays(t, g, tc.sites, 0, watchful.Within)
			time.Sleep(5 * time.Second)
			if got := gone(g, tc.sites); got != tc.dead {
				t.Errorf("Expected %d of %d gone, got %d", tc.dead, tc.sites, got)
			}
			wantBlind(t, w, reg, 0, 0, 0)
		})
	}
}

// TestAMassIsOfAllSites has as many leave as make one, and one fewer.
func TestAMassIsOfAllSites(t *testing.T) {
	for dead, blind := range map[int]float64{11: 0, 12: 1} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld()
			e, reg := w.engine(t)
			offerGuarded(e, watchful, fleet(40)...)
			time.Sleep(10 * time.Second)
			w.change(mute)
			for i := range dead {
				w.set(url(fmt.Sprintf("192.0.2.%d", i+1)), time.Hour)
			}
			time.Sleep(10 * time.Second)
			if got := plain(t, reg, "coredns_cdnredirect_blind"); got != blind {
				t.Errorf("Expected blind %g with %d of 40 sites, got %g", blind, dead, got)
			}
		})
	}
}

func TestWithoutAGuardSitesLeaveAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		g := offer(e, fleet(20)...)
		time.Sleep(10 * time.Second)
		w.change(cut)
		time.Sleep(3*time.Second + 500*time.Millisecond + 10*time.Millisecond)
		if got := gone(g, 20); got != 20 {
			t.Errorf("Expected all gone, got %d", got)
		}
	})
}

// TestAMonitorThatStartsBlindDivertsNobody is cut off before it has heard
// anything.
func TestAMonitorThatStartsBlindDivertsNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.cutOff = true
		e, reg := w.engine(t)
		g := offerGuarded(e, watchful, fleet(20)...)
		stays(t, g, 20, 0, 2*time.Minute)
		wantBlind(t, w, reg, 1, 1, 0)
		w.change(mend)
		stays(t, g, 20, 0, 4*time.Minute)
		wantBlind(t, w, reg, 0, 1, 1)
		if got := gauge(t, reg, "coredns_cdnredirect_sites", "origin"); got != 20 {
			t.Errorf("Expected all at their origins, got %g", got)
		}
	})
}

// TestAReloadWhileBlindDivertsNobody reloads again and again.
func TestAReloadWhileBlindDivertsNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, reg := w.engine(t)
		offerGuarded(e, watchful, fleet(20)...)
		time.Sleep(10 * time.Second)
		w.change(cut)
		time.Sleep(3 * time.Second) // some want to leave, and it is not yet known why
		for range 6 {
			g := offerGuarded(e, watchful, fleet(20)...)
			stays(t, g, 20, 0, 2*time.Second)
			e.Promote()
			stays(t, g, 20, 0, 20*time.Second)
			wantBlind(t, w, reg, 1, 1, 0)
		}
		w.change(mend)
		g := offerGuarded(e, watchful, fleet(20)...)
		e.Promote()
		stays(t, g, 20, 0, 4*time.Minute)
		wantBlind(t, w, reg, 0, 1, 1)
	})
}

// TestAGuardThatIsSwitchedOffIsNotBlind takes it out of the Corefile.
func TestAGuardThatIsSwitchedOffIsNotBlind(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, reg := w.engine(t)
		offerGuarded(e, watchful, fleet(20)...)
		time.Sleep(10 * time.Second)
		w.change(cut)
		time.Sleep(10 * time.Second)
		wantBlind(t, w, reg, 1, 1, 0)
		g := offer(e, fleet(20)...)
		e.Promote()
		time.Sleep(2 * time.Second)
		wantBlind(t, w, reg, 0, 1, 1)
		if got := gone(g, 20); got != 20 {
			t.Errorf("Expected all gone, got %d", got)
		}
	})
}

// TestReloadsDoNotProlongTheWait reloads more often than the guard's time.
func TestReloadsDoNotProlongTheWait(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		g := offerGuarded(e, watchful, fleet(20)...)
		time.Sleep(10 * time.Second)
		w.change(mute)
		w.set(url("192.0.2.1"), time.Hour)
		for range 4 {
			time.Sleep(20 * time.Second)
			g = offerGuarded(e, watchful, fleet(20)...)
			e.Promote()
		}
		if got := gone(g, 20); got != 1 {
			t.Errorf("Expected the dead one gone, got %d", got)
		}
		w.change(noise)
		w.set(url("192.0.2.1"), 0)
		time.Sleep(time.Minute)
		if got := gone(g, 20) + e.Waiting(g); got != 0 {
			t.Errorf("Expected nobody gone and nobody waiting, got %d", got)
		}
	})
}

// TestADroppedGenerationWaitsForNothing drops one whose sites wait.
func TestADroppedGenerationWaitsForNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, reg := w.engine(t)
		g := offerGuarded(e, watchful, fleet(20)...)
		time.Sleep(10 * time.Second)
		w.change(cut)
		time.Sleep(10 * time.Second)
		dropped := offerGuarded(e, watchful, fleet(20)...)
		time.Sleep(5 * time.Second)
		if e.Waiting(dropped) == 0 {
			t.Fatal("Expected sites of the generation on offer waiting")
		}
		e.Drop()
		stays(t, g, 20, 0, time.Minute)
		w.change(mend)
		stays(t, g, 20, 0, time.Minute)
		wantBlind(t, w, reg, 0, 1, 1)
	})
}

// TestTheMonitorSeesAgainOnceNobodyWantsToLeave has the uplink mended, and the
// anchors stay mute.
func TestTheMonitorSeesAgainOnceNobodyWantsToLeave(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, reg := w.engine(t)
		g := offerGuarded(e, watchful, fleet(20)...)
		w.change(mute)
		w.change(cut)
		time.Sleep(time.Minute)
		wantBlind(t, w, reg, 1, 1, 0)
		if got := w.guardSaid("no anchor has answered for 10s"); got != 1 {
			t.Errorf("Expected one word of mute anchors, got %q", w.logged())
		}
		w.change(mend)
		time.Sleep(5 * time.Minute)
		wantBlind(t, w, reg, 0, 1, 1)
		w.set(url("192.0.2.1"), time.Hour)
		time.Sleep(2 * time.Minute)
		if got := gone(g, 20); got != 1 {
			t.Errorf("Expected the dead one gone after the guard's time, got %d", got)
		}
	})
}
