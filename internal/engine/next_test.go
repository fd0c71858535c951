package engine_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

const wwwA = www + " A"

// newNext is a site whose origin the next plugin knows, probed every 10 s.
func newNext(name string) *site.Site {
	s := newSite(name)
	s.Origins = []site.Origin{{Next: true}}
	s.Probes[0].Every = 10 * time.Second
	return s
}

// behind is the world's next plugin, which is that of all sites.
func (w *world) behind(*site.Site) health.Exchange { return w.next.exchange }

// offerNext offers sites that have the world's next plugin behind them.
func (w *world) offerNext(e *engine.Engine, sites ...*site.Site) *engine.Generation {
	return e.Offer(context.Background(), engine.Sites{Sites: sites, Next: w.behind})
}

// addresses is what is answered for A of a name.
func addresses(g *engine.Generation, name string) string {
	a := g.Table.Lookup(name).Answers()
	if a == nil {
		return "none"
	}
	return fmt.Sprint(written(a)[0])
}

// written returns the addresses of both families.
func written(a *route.Answers) (families [2][]netip.Addr) {
	for _, octets := range a.A {
		families[0] = append(families[0], netip.AddrFrom4(octets))
	}
	for _, octets := range a.AAAA {
		families[1] = append(families[1], netip.AddrFrom16(octets))
	}
	return families
}

// expectAddresses asserts it for www.
func expectAddresses(t *testing.T, g *engine.Generation, want string) {
	t.Helper()
	synctest.Wait()
	if got := addresses(g, www); got != want {
		t.Fatalf("Expected %s, got %s", want, got)
	}
}

// said counts the lines of the log that contain a text.
func (w *world) said(text string) int {
	n := 0
	for _, line := range w.logged() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func TestNothingIsAnsweredUntilTheOriginIsFound(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwA, "error")
		e, reg := w.engine(t)
		g := w.offerNext(e, newNext(www))
		expectAddresses(t, g, "none")
		time.Sleep(time.Minute)
		expectAddresses(t, g, "none")
		if e.Ready() {
			t.Error("Expected not ready without an origin")
		}
		if n := w.said(`warning: site "www.example.org.": looking up its origin: asking for A of 'www.example.org.': nobody answers`); n != 1 {
			t.Errorf("Expected the failure logged once, got %q", w.logged())
		}
		if got := gauge(t, reg, "coredns_cdnredirect_lookups_total", "origin"); got < 12 {
			t.Errorf("Expected a lookup every 5 s counted, got %g", got)
		}
		w.next.set(wwwA, www+" 60 A 192.0.2.1")
		time.Sleep(6 * time.Second)
		expectAddresses(t, g, "[192.0.2.1]")
		if !e.Ready() {
			t.Error("Expected ready with an origin")
		}
		time.Sleep(2 * time.Second)
		if w.hitsOf(url("192.0.2.1")) == 0 {
			t.Error("Expected the address probed")
		}
	})
}

func TestAnOriginThatIsThereAtTheStartIsProbedBeforeTheFirstAnswer(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), time.Hour)
		w.next.set(wwwA, www+" 60 A 192.0.2.1")
		e, _ := w.engine(t)
		expect(t, w.offerNext(e, newNext(www)), edge)
		if !e.Ready() {
			t.Error("Expected ready")
		}
	})
}

// TestProbesFollowTheAddresses replaces one of two addresses: the one that goes
// is probed no more, and the one that stays, which is down, stays down.
func TestProbesFollowTheAddresses(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwA, www+" 60 A 192.0.2.1;"+www+" 60 A 192.0.2.2")
		w.set(url("192.0.2.2"), time.Hour)
		e, _ := w.engine(t)
		g := w.offerNext(e, newNext(www))
		time.Sleep(2 * time.Second) // the first round may end without the slow one
		expectAddresses(t, g, "[192.0.2.1]")
		w.next.set(wwwA, www+" 60 A 192.0.2.3;"+www+" 60 A 192.0.2.2")
		time.Sleep(12 * time.Second)
		synctest.Wait()
		old, stays := w.hitsOf(url("192.0.2.1")), w.hitsOf(url("192.0.2.2"))
		expectAddresses(t, g, "[192.0.2.3]")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.hitsOf(url("192.0.2.1")); got != old {
			t.Errorf("Expected no more probes of the old address, got %d", got-old)
		}
		for addr, least := range map[string]int{"192.0.2.2": stays + 5, "192.0.2.3": 6} {
			if got := w.hitsOf(url(addr)); got < least {
				t.Errorf("Expected at least %d probes of %s, got %d", least, addr, got)
			}
		}
		expectAddresses(t, g, "[192.0.2.3]")
	})
}

func TestOriginsAreLookedUpEveryTTLOrPeriod(t *testing.T) {
	for _, tc := range []struct {
		ttl    string
		period time.Duration
		want   time.Duration
	}{
		{"3600", 10 * time.Second, 10 * time.Second},
		{"4", 10 * time.Second, 4 * time.Second},
		{"0", 10 * time.Second, time.Second},
		{"60", 2 * time.Second, 2 * time.Second},
	} {
		t.Run(fmt.Sprint(tc.ttl, tc.period), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				w.next.set(wwwA, www+" "+tc.ttl+" A 192.0.2.1")
				e, _ := w.engine(t)
				s := newNext(www)
				s.Probes[0].Every = tc.period
				w.offerNext(e, s)
				before := w.next.asked(wwwA)
				time.Sleep(100 * tc.want)
				synctest.Wait()
				// A pause is up to a tenth longer, never shorter.
				if got := w.next.asked(wwwA) - before; got < 90 || got > 100 {
					t.Errorf("Expected a lookup every %s, got %d in 100 of that", tc.want, got)
				}
			})
		})
	}
}

func TestTheLastAddressesStay(t *testing.T) {
	for page, says := range map[string]string{
		"error":    `looking up its origin: asking for A`,
		"SERVFAIL": `the answer is SERVFAIL`,
		"NXDOMAIN": `the next plugin has no address of it`,
		"":         `the next plugin has no address of it`,
	} {
		t.Run(page, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				w.next.set(wwwA, www+" 60 A 192.0.2.1")
				e, _ := w.engine(t)
				g := w.offerNext(e, newNext(www))
				for range 2 {
					w.next.set(wwwA, page)
					before := w.said(says)
					time.Sleep(time.Minute)
					expectAddresses(t, g, "[192.0.2.1]")
					if n := w.said(says) - before; n != 1 {
						t.Errorf("Expected one more line with %q, got %d in %q", says, n, w.logged())
					}
					if !e.Ready() {
						t.Error("Expected still ready")
					}
					w.next.set(wwwA, www+" 60 A 192.0.2.1")
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// TestAFamilyThatFailsStays fails one family while the other changes, before and
// after a reload.
func TestAFamilyThatFailsStays(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwA, www+" 60 A 192.0.2.1")
		w.next.set(www+" AAAA", www+" 60 AAAA 2001:db8::1")
		e, _ := w.engine(t)
		g := w.offerNext(e, newNext(www))
		w.next.set(www+" AAAA", "error")
		w.next.set(wwwA, www+" 60 A 192.0.2.2")
		time.Sleep(20 * time.Second)
		for range 2 {
			if got := fmt.Sprint(written(g.Table.Lookup(www).Answers())); got != "[[192.0.2.2] [2001:db8::1]]" {
				t.Errorf("Expected the old address of the family that fails, got %s", got)
			}
			g = w.offerNext(e, newNext(www))
			e.Promote()
			time.Sleep(20 * time.Second)
		}
	})
}

func TestAReloadCarriesTheAddressesOver(t *testing.T) {
	for name, first := range map[string]func(*world) *site.Site{
		"found": func(w *world) *site.Site {
			w.next.set(wwwA, www+" 60 A 192.0.2.1")
			return newNext(www)
		},
		"fixed": func(*world) *site.Site { return newSite(www, "192.0.2.1") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				e, _ := w.engine(t)
				w.offerNext(e, first(w))
				w.next.set(wwwA, "error")
				g := w.offerNext(e, newNext(www))
				expectAddresses(t, g, "[192.0.2.1]")
				e.Promote()
				if !e.Ready() {
					t.Error("Expected still ready")
				}
				w.next.set(wwwA, www+" 60 A 192.0.2.7")
				time.Sleep(10 * time.Second)
				expectAddresses(t, g, "[192.0.2.7]")
			})
		})
	}
}

// TestAReloadToAnOriginThatIsNotFoundYet changes everything at once while the
// site is diverted.
func TestAReloadToAnOriginThatIsNotFoundYet(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set(url("192.0.2.1"), time.Hour)
		w.resolvers.set("old.example.net. A", "old.example.net. 60 A 198.51.100.1")
		w.resolvers.set("new.example.net. A", "new.example.net. 60 A 198.51.100.2")
		flat := func(s *site.Site, target string) *site.Site {
			s.Answer.Form, s.CDNs[0].Target = site.FormAddress, target
			return s
		}
		e, _ := w.engine(t)
		g := w.offerNext(e, flat(newSite(www, "192.0.2.1"), "old.example.net."))
		expectAddresses(t, g, "[198.51.100.1]")
		w.next.set(wwwA, "error")
		g = w.offerNext(e, flat(newNext(www), "new.example.net."))
		e.Promote()
		expectAddresses(t, g, "[198.51.100.2]")
	})
}

// TestLookupsEndWithTheirGeneration counts questions to one next plugin while
// another generation has another.
func TestLookupsEndWithTheirGeneration(t *testing.T) {
	for name, end := range map[string]func(e *engine.Engine){
		"Promote": func(e *engine.Engine) { e.Promote() },
		"Drop":    func(e *engine.Engine) { e.Drop() },
		"Close":   func(e *engine.Engine) { e.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				e, _ := w.engine(t)
				var first, second dnsWorld
				for _, d := range []*dnsWorld{&first, &second} {
					d.set(wwwA, www+" 1 A 192.0.2.1")
					sites := engine.Sites{Next: func(*site.Site) health.Exchange { return d.exchange }}
					for i := range 50 {
						sites.Sites = append(sites.Sites, newNext(fmt.Sprintf("s%d.example.org.", i)))
					}
					e.Offer(context.Background(), sites)
				}
				time.Sleep(30 * time.Second)
				end(e)
				synctest.Wait()
				asked := [2]int{first.asked(""), second.asked("")}
				time.Sleep(10 * time.Minute)
				goesOn := [2]bool{first.asked("") > asked[0], second.asked("") > asked[1]}
				want := map[string][2]bool{"Promote": {false, true}, "Drop": {true, false}, "Close": {false, false}}[name]
				if goesOn != want {
					t.Errorf("Expected questions to go on %v, got %v", want, goesOn)
				}
			})
		})
	}
}

// TestClosingSaysNothing cuts a lookup off.
func TestClosingSaysNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwA, www+" 1 A 192.0.2.1")
		e, _ := w.engine(t)
		w.offerNext(e, newNext(www))
		w.next.set(wwwA, "wait")
		time.Sleep(5 * time.Second)
		e.Close()
		synctest.Wait()
		if n := w.said("looking up"); n != 0 {
			t.Errorf("Expected no line, got %q", w.logged())
		}
	})
}

func TestCNAMEsOfTheNextPluginLeadOut(t *testing.T) {
	const out = "out.example.net."
	for _, tc := range []struct {
		name            string
		next, resolvers map[string]string
		want            string
	}{
		{"that plugin knows the way", map[string]string{
			wwwA: www + " 60 CNAME " + out, out + " A": out + " 60 A 192.0.2.1",
		}, map[string]string{out + " A": "error"}, "[192.0.2.1]"},
		{"it refuses", map[string]string{
			wwwA: www + " 60 CNAME " + out + " | ;", out + " A": "REFUSED",
		}, map[string]string{out + " A": out + " 60 A 192.0.2.1"}, "[192.0.2.1]"},
		{"it fails", map[string]string{
			wwwA: www + " 60 CNAME " + out, out + " A": "error",
		}, map[string]string{out + " A": out + " 60 A 192.0.2.1"}, "[192.0.2.1]"},
		{"back into the zone", map[string]string{
			wwwA: www + " 60 CNAME " + out, out + " A": "error", "back.example.org. A": "back.example.org. 60 A 192.0.2.1",
		}, map[string]string{out + " A": out + " 60 CNAME back.example.org.", "back.example.org. A": "back.example.org. 60 A 192.0.2.66"}, "[192.0.2.1]"},
		{"inside nobody else is asked", map[string]string{
			wwwA: www + " 60 CNAME a.example.org.", "a.example.org. A": "REFUSED",
		}, map[string]string{"a.example.org. A": "a.example.org. 60 A 192.0.2.66"}, "none"},
		{"it tells the CNAME only who asks for it", map[string]string{
			www + " CNAME": www + " 60 CNAME " + out, out + " A": "REFUSED",
		}, map[string]string{out + " A": out + " 60 A 192.0.2.1"}, "[192.0.2.1]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				for question, page := range tc.next {
					w.next.set(question, page)
				}
				for question, page := range tc.resolvers {
					w.resolvers.set(question, page)
				}
				e, _ := w.engine(t)
				expectAddresses(t, w.offerNext(e, newNext(www)), tc.want)
			})
		})
	}
}

func TestAPanicInALookupIsCountedAndTheLookGoesOn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.set(wwwA, "panic")
		e, reg := w.engine(t)
		g := w.offerNext(e, newNext(www))
		if got := gauge(t, reg, "coredns_cdnredirect_panics_total", "look"); got != 1 {
			t.Errorf("Expected one panic counted, got %g", got)
		}
		w.next.set(wwwA, www+" 60 A 192.0.2.1")
		time.Sleep(6 * time.Second)
		expectAddresses(t, g, "[192.0.2.1]")
	})
}

// TestANextPluginThatHangs has more sites hang than may look at once, one after
// another's heels, whatever the end of their time says.
func TestANextPluginThatHangs(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		var sites []*site.Site
		for i := range 100 {
			s := newNext(fmt.Sprintf("s%d.example.org.", i))
			w.next.set(s.Name()+" A", "hang")
			w.next.set(s.Name()+" AAAA", "hang")
			sites = append(sites, s)
		}
		w.next.set(wwwA, www+" 60 A 192.0.2.1")
		began := time.Now()
		g := w.offerNext(e, append(sites, newNext(www))...)
		if took := time.Since(began); took > time.Second {
			t.Errorf("Expected the start within a second, got %s", took)
		}
		time.Sleep(2 * time.Minute)
		expectAddresses(t, g, "[192.0.2.1]")
		asked := w.next.asked("s0.example.org. A") + w.next.asked("s0.example.org. AAAA")
		if asked != 1 {
			t.Errorf("Expected one question that hangs, and no second one beside it, got %d", asked)
		}
		began = time.Now()
		w.offerNext(e, newSite("other.example.org.", "192.0.2.9"))
		e.Promote()
		e.Close()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("Expected a reload and the end without waiting, got %s", took)
		}
		close(w.next.hangs)
	})
}

// TestTenThousandOrigins are looked up with bounded concurrency, and spread out.
func TestTenThousandOrigins(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.next.takes = time.Millisecond
		e, _ := w.engine(t)
		var sites []*site.Site
		for i := range 10000 {
			s := newNext(fmt.Sprintf("s%d.example.org.", i))
			s.Probes[0].URL, s.Probes[0].Every = "http://192.0.2.1/", 30*time.Second
			w.next.set(s.Name()+" A", s.Name()+" 20 A 192.0.2.1")
			s.Answer.Form = site.FormAddress // no data that could be hidden
			sites = append(sites, s)
		}
		g := w.offerNext(e, sites...)
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, s := range []*site.Site{sites[0], sites[9999]} {
			if got := addresses(g, s.Name()); got != "[192.0.2.1]" {
				t.Errorf("Expected %s found, got %s", s.Name(), got)
			}
		}
		if w.next.most > 64 {
			t.Errorf("Expected at most 64 lookups at once, got %d", w.next.most)
		}
		var seconds []int
		for range 20 {
			before := w.next.asked("")
			time.Sleep(time.Second)
			seconds = append(seconds, w.next.asked("")-before)
		}
		slices.Sort(seconds)
		if total := 2 * 10000 / 20; seconds[0] == 0 || seconds[19] > 6*total {
			t.Errorf("Expected about %d questions each second, got %v", total, seconds)
		}
	})
}

func TestDataOfTheZone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const question = "example.org. SOA"
		w := newWorld()
		e, reg := w.engine(t)
		soa := func(g *engine.Generation) string {
			return strings.Join(strings.Fields(g.Table.Lookup(www).Zone.SOA(5).String()), " ")
		}
		const own = "example.org. 5 IN SOA ns.dns.example.org. hostmaster.example.org. 1 14400 3600 604800 5"
		w.next.set(question, "example.net. 60 SOA ns.example.net. h.example.net. 6 2 3 4 60")
		g := w.offerNext(e, newSite(www, "192.0.2.1"))
		for _, step := range []struct{ page, want string }{
			{"example.net. 60 SOA ns.example.net. h.example.net. 6 2 3 4 60", own},
			{"EXAMPLE.org. 3600 SOA ns.example.org. h.example.org. 7 2 3 4 3600", "example.org. 5 IN SOA ns.example.org. h.example.org. 7 2 3 4 5"},
			{"error", "example.org. 5 IN SOA ns.example.org. h.example.org. 7 2 3 4 5"},
			{"NXDOMAIN", "example.org. 5 IN SOA ns.example.org. h.example.org. 7 2 3 4 5"},
			{"example.org. 60 SOA ns2.example.org. h.example.org. 8 2 3 4 60", "example.org. 5 IN SOA ns2.example.org. h.example.org. 8 2 3 4 5"},
		} {
			w.next.set(question, step.page)
			time.Sleep(70 * time.Second)
			synctest.Wait()
			if got := soa(g); got != step.want {
				t.Errorf("After %q: expected %q, got %q", step.page, step.want, got)
			}
		}
		if got := gauge(t, reg, "coredns_cdnredirect_lookups_total", "zone"); got == 0 {
			t.Error("Expected the lookups counted")
		}
		if got := w.next.asked(question); got < 6 {
			t.Errorf("Expected the zone's SOA asked once a minute, got %d", got)
		}
	})
}
