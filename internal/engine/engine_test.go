package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

const (
	www  = "www.example.org."
	edge = "edge.example.net."
)

// expect asserts what the table says of the site www.
func expect(t *testing.T, g *engine.Generation, want string) {
	t.Helper()
	synctest.Wait()
	if got := answer(g, www); got != want {
		t.Fatalf("Expected the answer %q, got %q", want, got)
	}
}

func offer(e *engine.Engine, sites ...*site.Site) *engine.Generation {
	return e.Offer(context.Background(), engine.Sites{Sites: sites})
}

func TestFirstRoundIsAwaitedAndTakenAtFaceValue(t *testing.T) {
	for _, tc := range []struct {
		name  string
		takes time.Duration
		want  string
	}{{"Fast", 10 * time.Millisecond, "1 A"}, {"Slow", 400 * time.Millisecond, edge}, {"Dead", time.Hour, edge}} {
		t.Run(tc.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				w.set(url("192.0.2.1"), tc.takes)
				e, _ := w.engine(t)
				g := offer(e, newSite(www, "192.0.2.1"))
				expect(t, g, tc.want)
				if !e.Ready() {
					t.Error("Expected ready after the first round")
				}
			})
		})
	}
}

func TestAFirstRoundThatNeverEndsIsAwaitedFiveSeconds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.panicAt(url("192.0.2.1"))
		e, _ := w.engine(t)
		began := time.Now()
		g := offer(e, newSite(www, "192.0.2.1"))
		if waited := time.Since(began); waited != 5*time.Second {
			t.Errorf("Expected a wait of 5 s, got %s", waited)
		}
		expect(t, g, "1 A")
		if ttl := g.Table.Lookup(www).Answers().TTL; ttl != 15 {
			t.Errorf("Expected the short TTL of 15, got %d", ttl)
		}
		if e.Ready() {
			t.Error("Expected not ready before 30 s")
		}
		time.Sleep(25 * time.Second)
		if !e.Ready() {
			t.Error("Expected ready after 30 s")
		}
	})
}

func TestDeadOriginIsLeftAndTakenBack(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		e, reg := w.engine(t)
		g := offer(e, newSite(www, "192.0.2.1"))
		expect(t, g, "1 A")
		w.set(url("192.0.2.1"), time.Hour)
		time.Sleep(3*time.Second + 500*time.Millisecond + 100*time.Millisecond)
		expect(t, g, edge)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		time.Sleep(9 * time.Second)
		expect(t, g, edge)
		time.Sleep(5 * time.Second)
		expect(t, g, "1 A")
		for cause, want := range map[string]float64{"below": 1, "down": 1, "recovered": 1, "threshold": 0} {
			if got := gauge(t, reg, "coredns_cdnredirect_decision_changes_total", cause); got != want {
				t.Errorf("Changes by %s: expected %g, got %g", cause, want, got)
			}
		}
		if got := gauge(t, reg, "coredns_cdnredirect_sites", "origin"); got != 1 {
			t.Errorf("Expected one site at its origin, got %g", got)
		}
	})
}

func TestOneOfTwoAddressesLeavesTheAnswer(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		e, _ := w.engine(t)
		g := offer(e, newSite(www, "192.0.2.1", "192.0.2.2"))
		expect(t, g, "2 A")
		w.set(url("192.0.2.2"), time.Hour)
		time.Sleep(4 * time.Second)
		expect(t, g, "1 A")
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		time.Sleep(4 * time.Second)
		expect(t, g, "2 A")
	})
}

// TestReloadKeepsTheCounts counts two of three samples before the reload; the
// third one, after it, diverts.
func TestReloadKeepsTheCounts(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		e, _ := w.engine(t)
		s := newSite(www, "192.0.2.1")
		s.Thresholds[0].Statistic = site.Last
		old := offer(e, s)
		expect(t, old, "1 A")
		before := w.hitsOf(url("192.0.2.1"))
		w.set(url("192.0.2.1"), 320*time.Millisecond) // 107 % of the limit
		for range 30 {
			if w.hitsOf(url("192.0.2.1")) == before+2 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(400 * time.Millisecond)
		expect(t, old, "1 A")

		again := newSite(www, "192.0.2.1")
		again.Thresholds[0].Statistic = site.Last
		began := time.Now()
		g := offer(e, again)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("Expected no wait for what is known already, got %s", waited)
		}
		expect(t, g, "1 A")
		if !e.Promote() {
			t.Fatal("Expected a generation on offer")
		}
		time.Sleep(time.Second)
		if hits := w.hitsOf(url("192.0.2.1")); hits != before+3 {
			t.Fatalf("Expected the third slow probe, got %d", hits-before)
		}
		expect(t, g, edge)
		expect(t, old, "1 A") // of no use to anybody any more
	})
}

func TestBothGenerationsFollowTheOriginDuringAReload(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		e, reg := w.engine(t)
		old := offer(e, newSite(www, "192.0.2.1"))
		g := offer(e, newSite(www, "192.0.2.1"))
		w.set(url("192.0.2.1"), time.Hour)
		time.Sleep(4 * time.Second)
		expect(t, old, edge)
		expect(t, g, edge)
		if got := gauge(t, reg, "coredns_cdnredirect_decision_changes_total", "down"); got != 1 {
			t.Errorf("Expected the change reported once, got %g", got)
		}
	})
}

func TestAReloadThatFailsLeavesNothingBehind(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		old := offer(e, newSite(www, "192.0.2.1"))
		offer(e, newSite(www, "192.0.2.1"), newSite("new.example.org.", "192.0.2.9"))
		e.Drop()
		hits := w.hitsOf(url("192.0.2.9"))
		if hits == 0 {
			t.Fatal("Expected the offered site probed")
		}
		w.set(url("192.0.2.1"), time.Hour)
		time.Sleep(time.Minute)
		if got := w.hitsOf(url("192.0.2.9")); got != hits {
			t.Errorf("Expected no probe of the dropped site, got %d more", got-hits)
		}
		expect(t, old, edge)
		if e.Promote() {
			t.Error("Expected nothing on offer")
		}
	})
}

// TestAReloadReportsWhatItChanges adds a site with a dead origin, and lets one
// divert that only showed its decision.
func TestAReloadReportsWhatItChanges(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		w.set(url("192.0.2.2"), time.Hour)
		e, reg := w.engine(t)
		shown := newSite(www, "192.0.2.1")
		shown.Divert.Mode = site.DivertNone
		offer(e, shown)
		offer(e, newSite(www, "192.0.2.1"), newSite("dead.example.org.", "192.0.2.2"))
		before := len(w.logged())
		e.Promote()
		if got := len(w.logged()) - before; got != 2 {
			t.Errorf("Expected 2 lines, got %q", w.logged())
		}
		for cause, want := range map[string]float64{"threshold": 2, "down": 1} {
			if got := gauge(t, reg, "coredns_cdnredirect_decision_changes_total", cause); got != want {
				t.Errorf("Changes by %s: expected %g, got %g", cause, want, got)
			}
		}
		if got := gauge(t, reg, "coredns_cdnredirect_sites", "cdn"); got != 2 {
			t.Errorf("Expected 2 sites at the CDN, got %g", got)
		}
	})
}

// TestDataThatWasNeverThereIsAwaited has no_data apply at once, but not before
// the first probe had time to speak.
func TestDataThatWasNeverThereIsAwaited(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		s := newSite(www, "192.0.2.1")
		s.NoData = site.NoData{Action: site.NoDataCDN}
		expect(t, offer(e, s), "1 A")
		w.panicAt(url("192.0.2.9"))
		silent := newSite(www, "192.0.2.9")
		silent.NoData = s.NoData
		g := offer(e, silent)
		e.Promote()
		expect(t, g, "1 A")
		time.Sleep(7 * time.Second)
		expect(t, g, edge)
	})
}

// TestTheLongestWindowIsKept has the shorter one asked for last.
func TestTheLongestWindowIsKept(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		e, _ := w.engine(t)
		long, short := newSite(www, "192.0.2.1"), newSite("short.example.org.", "192.0.2.1")
		short.Hosts = long.Hosts
		long.Thresholds[0].Window, long.Thresholds[0].Statistic = 20*time.Second, site.Max
		long.FailbackDelay, short.FailbackDelay = 0, 0
		g := offer(e, long, short)
		expect(t, g, edge)
		time.Sleep(10 * time.Second)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		time.Sleep(15 * time.Second)
		expect(t, g, edge) // the slowest of 20 s is still slow
		if got := answer(g, "short.example.org."); got != "1 A" {
			t.Errorf("Expected the short window over, got %s", got)
		}
		time.Sleep(10 * time.Second)
		expect(t, g, "1 A")
	})
}

// TestANewAddressIsBelievedAtOnce changes the origin's address in a reload.
func TestANewAddressIsBelievedAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.2"), time.Hour)
		e, _ := w.engine(t)
		offer(e, newSite(www, "192.0.2.1"))
		g := offer(e, newSite(www, "192.0.2.2"))
		e.Promote()
		time.Sleep(1500 * time.Millisecond)
		expect(t, g, edge)
	})
}

func TestAPanickingProbeIsCountedAndTheNextSampleArrives(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.panicAt(url("192.0.2.1"))
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		e, reg := w.engine(t)
		offer(e, newSite("sick.example.org.", "192.0.2.1"), newSite(www, "192.0.2.2"))
		panics := gauge(t, reg, "coredns_cdnredirect_panics_total", "probe")
		if panics == 0 {
			t.Fatal("Expected a panic counted")
		}
		w.mu.Lock()
		delete(w.answers, url("192.0.2.1"))
		w.mu.Unlock()
		hits := w.hitsOf(url("192.0.2.1"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if w.hitsOf(url("192.0.2.1")) <= hits || !e.Ready() {
			t.Error("Expected the next sample")
		}
		if !slices.ContainsFunc(w.logged(), func(l string) bool { return len(l) > 6 && l[:6] == "error:" }) {
			t.Error("Expected the panic logged")
		}
	})
}

func TestEqualProbesRunOnceAtTheSmallestPeriod(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		fast, slow := newSite(www, "192.0.2.1"), newSite("shop.example.org.", "192.0.2.1")
		slow.Hosts = fast.Hosts
		slow.Probes[0].Every = 10 * time.Second
		third := newSite("third.example.org.", "192.0.2.1")
		third.Hosts, third.Probes[0].Every = fast.Hosts, 20*time.Second
		g := offer(e, slow, fast, third)
		hits := w.hitsOf(url("192.0.2.1"))
		time.Sleep(100 * time.Second)
		if got := w.hitsOf(url("192.0.2.1")) - hits; got < 99 || got > 101 {
			t.Errorf("Expected 100 probes in 100 s, got %d", got)
		}
		w.set(url("192.0.2.1"), time.Hour)
		time.Sleep(4 * time.Second)
		for _, name := range []string{www, "shop.example.org."} {
			if got := answer(g, name); got != edge {
				t.Errorf("%s: expected %s, got %s", name, edge, got)
			}
		}
	})
}

// TestMissingDataIsNoticedWithoutASample has the probes of a diverted site
// panic: no sample comes, and after no_data's time the origin is back.
func TestMissingDataIsNoticedWithoutASample(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), time.Hour)
		e, reg := w.engine(t)
		s := newSite(www, "192.0.2.1")
		s.NoData = site.NoData{Action: site.NoDataOrigin, After: time.Minute}
		g := offer(e, s)
		expect(t, g, edge)
		w.panicAt(url("192.0.2.1"))
		time.Sleep(time.Minute)
		expect(t, g, edge)
		time.Sleep(10 * time.Second) // 5 s until the data is stale, and the sweep
		expect(t, g, "1 A")
		if got := gauge(t, reg, "coredns_cdnredirect_decision_changes_total", "no_data"); got != 1 {
			t.Errorf("Expected one change without data, got %g", got)
		}
	})
}

func TestChangesAreLoggedWithTheirReason(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		e, _ := w.engine(t)
		s := newSite(www, "192.0.2.1")
		s.Divert.Mode = site.DivertNone
		g := offer(e, newSite("shop.example.org.", "192.0.2.2"), s)
		expect(t, g, "1 A")
		want := []string{
			`warning: site "www.example.org.": unknown -> origin (would be cdn edge): ` +
				`threshold: response_time 400ms is 133 % of the limit 300ms (age 400ms)`,
			`info: site "shop.example.org.": unknown -> origin: below: response_time 0s is 0 % of the limit 300ms (age 0s)`,
		}
		for _, line := range want {
			if !slices.Contains(w.logged(), line) {
				t.Errorf("Expected the line %q, got %q", line, w.logged())
			}
		}
	})
}

func TestNegativeAnswersNameTheFirstNameServer(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e, _ := newWorld().engine(t)
		for want, ns := range map[string]map[string][]string{
			"ns1.example.net.":    {"example.org.": {"ns1.example.net.", "ns2.example.net."}},
			"ns.dns.example.org.": nil,
		} {
			g := e.Offer(context.Background(), engine.Sites{Sites: []*site.Site{newSite(www, "192.0.2.1")}, NS: ns})
			if got := g.Table.Lookup(www).Zone.SOA(5).Ns; got != want {
				t.Errorf("Expected %q, got %q", want, got)
			}
		}
	})
}

func TestManySitesShareOneFirstRound(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, reg := w.engine(t)
		var sites []*site.Site
		for i := range 2000 {
			sites = append(sites, newSite(fmt.Sprintf("s%d.example.org.", i), fmt.Sprintf("192.0.2.%d", i%250+1)))
		}
		began := time.Now()
		offer(e, sites...)
		if waited := time.Since(began); waited > 2*time.Second {
			t.Errorf("Expected the first round within 2 s, got %s", waited)
		}
		synctest.Wait()
		if got := gauge(t, reg, "coredns_cdnredirect_sites", "origin"); got != 2000 {
			t.Errorf("Expected 2000 sites at their origins, got %g", got)
		}
	})
}
