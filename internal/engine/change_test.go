package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

const shop = "shop.example.org."

// TestAChangeLeavesTheOthersAlone adds a site beside one that is diverted, and
// removes it again.
func TestAChangeLeavesTheOthersAlone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		e, reg := w.engine(t)
		g := offer(e, newSite(www, "192.0.2.1"))
		time.Sleep(3 * time.Second)
		expect(t, g, "edge.example.net.")
		if !e.Change(engine.Change{Put: []*site.Site{newSite(shop, "192.0.2.2")}}) {
			t.Fatal("Expected the change to be made")
		}
		if got := answer(g, shop); got != "1 A" {
			t.Errorf("Expected an answer at once, got %s", got)
		}
		time.Sleep(3 * time.Second)
		expect(t, g, "edge.example.net.")
		for side, want := range map[string]float64{"origin": 1, "cdn": 1, "unknown": 0} {
			if got := gauge(t, reg, "coredns_cdnredirect_sites", side); got != want {
				t.Errorf("Expected %g sites %s, got %g", want, side, got)
			}
		}
		e.Change(engine.Change{Removed: []string{shop}})
		probed := w.hitsOf(url("192.0.2.2"))
		time.Sleep(3 * time.Second)
		if g.Table.Lookup(shop) != nil || w.hitsOf(url("192.0.2.2")) > probed+1 {
			t.Error("Expected a site that is gone to be neither answered nor probed")
		}
		expect(t, g, "edge.example.net.")
	})
}

// TestAChangedSiteKeepsWhatIsKnownOfIt gives a diverted site another CDN target.
func TestAChangedSiteKeepsWhatIsKnownOfIt(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		e, _ := w.engine(t)
		g := offer(e, newSite(www, "192.0.2.1"))
		time.Sleep(3 * time.Second)
		next := newSite(www, "192.0.2.1")
		next.CDNs = []site.CDN{{Name: "edge", Target: "other.example.net."}}
		e.Change(engine.Change{Put: []*site.Site{next}})
		expect(t, g, "other.example.net.")
		w.set(url("192.0.2.1"), 0)
		time.Sleep(8 * time.Second)
		expect(t, g, "other.example.net.") // failback_delay goes on
		time.Sleep(8 * time.Second)
		expect(t, g, "1 A")
	})
}

// TestNothingChangesDuringAReload has a generation on offer.
func TestNothingChangesDuringAReload(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		offer(e, newSite(www, "192.0.2.1"))
		g := offer(e, newSite(www, "192.0.2.1"))
		change := engine.Change{Put: []*site.Site{newSite(shop, "192.0.2.2")}}
		if e.Change(change) {
			t.Error("Expected no change while a generation is on offer")
		}
		e.Promote()
		if !e.Change(change) || g.Table.Lookup(shop) == nil {
			t.Error("Expected the change once it is in force")
		}
	})
}

// TestASiteThatIsAddedIsLookedUp adds one whose origin the next plugin knows, and
// one whose CDN's addresses are answered, and removes both.
func TestASiteThatIsAddedIsLookedUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		w.next.set(wwwA, www+" 60 A 192.0.2.9")
		w.resolvers.set("edge.example.net. A", "edge.example.net. 10 A 198.51.100.1")
		g := w.offerNext(e)
		flat := newSite(shop, "192.0.2.2")
		flat.Answer.Form = site.FormAddress
		e.Change(engine.Change{Put: []*site.Site{newNext(www), flat}})
		time.Sleep(2 * time.Second)
		expectAddresses(t, g, "[192.0.2.9]")
		if w.resolvers.asked("edge.example.net. A") == 0 {
			t.Error("Expected the target to be looked up")
		}
		e.Change(engine.Change{Removed: []string{www, shop}})
		time.Sleep(10 * time.Minute) // looks that wait come to their end
		ofSites := func() int {
			return w.next.asked(wwwA) + w.next.asked(www+" TXT") + w.next.asked(shop+" TXT") + w.resolvers.asked("")
		}
		asked := ofSites()
		time.Sleep(time.Hour)
		if got := ofSites(); got != asked {
			t.Errorf("Expected no lookup for sites that are gone, got %d", got-asked)
		}
	})
}

// TestManyChangesAddUp makes random changes, and compares what is left with an
// engine that was given that at once: names, what is probed and how often.
func TestManyChangesAddUp(t *testing.T) {
	for seed := range uint64(20) {
		bubble.Test(t, func(t *testing.T) {
			w, dice := newWorld(), rand.New(rand.NewPCG(seed, 7))
			e, reg := w.engine(t)
			there := map[string]*site.Site{}
			g := offer(e)
			for range 20 {
				change := engine.Change{}
				for i := range 6 {
					name := fmt.Sprintf("s%d.example.org.", i)
					switch dice.IntN(4) {
					case 0:
						s := newSite(name, fmt.Sprintf("192.0.2.%d", dice.IntN(4)))
						s.Probes[0].Every = time.Duration(1+dice.IntN(3)) * time.Second
						s.Ready = site.Ready{Level: site.ReadyNone}
						there[name] = s
						change.Put = append(change.Put, s)
					case 1:
						delete(there, name)
						change.Removed = append(change.Removed, name)
					}
				}
				e.Change(change)
				time.Sleep(time.Duration(dice.IntN(2000)) * time.Millisecond)
			}
			want := newWorld()
			other, wantReg := want.engine(t)
			offer(other, slices.Collect(values(there))...)
			time.Sleep(5 * time.Second)
			for i := range 6 {
				name := fmt.Sprintf("s%d.example.org.", i)
				if (g.Table.Lookup(name) != nil) != (there[name] != nil) {
					t.Errorf("Seed %d: expected %s in the table: %v", seed, name, there[name] != nil)
				}
			}
			for _, side := range []string{"unknown", "origin", "cdn"} {
				got, wanted := gauge(t, reg, "coredns_cdnredirect_sites", side), gauge(t, wantReg, "coredns_cdnredirect_sites", side)
				if got != wanted {
					t.Errorf("Seed %d: expected %g sites %s, got %g", seed, wanted, side, got)
				}
			}
			compareProbes(t, w, want)
		})
	}
}

// values yields the values of a map.
func values(m map[string]*site.Site) func(func(*site.Site) bool) {
	return func(yield func(*site.Site) bool) {
		for _, s := range m {
			if !yield(s) {
				return
			}
		}
	}
}

// compareProbes counts for a minute what two worlds are asked.
func compareProbes(t *testing.T, got, want *world) {
	t.Helper()
	var before [2][4]int
	for i := range 4 {
		before[0][i], before[1][i] = got.hitsOf(url(fmt.Sprintf("192.0.2.%d", i))), want.hitsOf(url(fmt.Sprintf("192.0.2.%d", i)))
	}
	time.Sleep(time.Minute)
	for i := range 4 {
		addr := url(fmt.Sprintf("192.0.2.%d", i))
		g, w := got.hitsOf(addr)-before[0][i], want.hitsOf(addr)-before[1][i]
		if max(g, w)-min(g, w) > 1 {
			t.Errorf("Expected %s to be asked %d times in a minute, got %d", addr, w, g)
		}
	}
}
