package engine_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
)

// checkURL is what a check asks of one address of a CDN.
func checkURL(addr string) string { return "https://" + addr + ":443/" }

const edgeAddr = "198.51.100.1"

// checked returns s with its CDNs checked by a probe, 1 s at most.
func checked(s *site.Site) *site.Site {
	s.Ready = site.Ready{Level: site.ReadyProbe, Check: site.Source{
		Kind: "http", URL: "https://{target}/", Every: 10 * time.Second, Timeout: time.Second, Ask: site.Ask{Status: site.DefaultStatus()},
	}}
	return s
}

// checkedEngine is an engine whose only CDN is at edgeAddr and answers at once.
func (w *world) checkedEngine(t *testing.T) (*engine.Engine, *prometheus.Registry) {
	t.Helper()
	w.resolvers.set(edgeA, "edge.example.net. 20 A "+edgeAddr)
	w.edgeIs("")
	return w.engineOver(t, kinds{"http": w.probe, "warmup": w.probe})
}

// edgeIs has checks of the CDN fail; empty: they are good.
func (w *world) edgeIs(failure site.Failure) {
	w.change(func(w *world) {
		w.answers[checkURL(edgeAddr)] = func() health.Result {
			if failure == "" {
				return health.Result{Total: time.Millisecond}
			}
			return health.Result{Failure: failure, Err: fmt.Errorf("it says %s", failure)}
		}
	})
}

// why is what an operator is told of the only CDN of a site.
func why(t *testing.T, e *engine.Engine, name string) string {
	t.Helper()
	synctest.Wait()
	x, err := e.Explain(name, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	return x.Candidates[0].Why
}

func wantWhy(t *testing.T, e *engine.Engine, want string) {
	t.Helper()
	if got := why(t, e, www); got != want {
		t.Errorf("Expected %q, got %q", want, got)
	}
}

// TestNobodyIsSentToACDNThatIsNotReady has a dead origin and a CDN that fails, for
// each reason that says something of it.
func TestNobodyIsSentToACDNThatIsNotReady(t *testing.T) {
	for _, failure := range []site.Failure{site.FailureTLS, site.FailureExpiry, site.FailureProtocol, site.FailureForbidden, site.FailureConnect, site.FailureTimeout} {
		t.Run(string(failure), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				e, reg := w.checkedEngine(t)
				w.edgeIs(failure)
				w.set(url("192.0.2.1"), time.Hour)
				g := offer(e, checked(newSite(www, "192.0.2.1")))
				expect(t, g, "1 A")
				wantWhy(t, e, "not ready: it says "+string(failure))
				if n := w.said(`warning: site "www.example.org.": cdn edge is not ready: it says ` + string(failure)); n != 1 {
					t.Errorf("Expected a line that says so, got %q", w.logged())
				}
				time.Sleep(5 * time.Second)
				if got := gauge(t, reg, "coredns_cdnredirect_gates", "closed"); got != 1 {
					t.Errorf("Expected one gate closed, got %g", got)
				}
				w.edgeIs("")
				time.Sleep(11 * time.Second) // a period, and a tenth
				expect(t, g, edge)
				wantWhy(t, e, "taken")
			})
		})
	}
}

// TestWhatACDNAnswersForADeadOriginSaysNothingOfIt unlike what it answers for one that
// is slow. Sites whose origins are well do not hear of it.
func TestWhatACDNAnswersForADeadOriginSaysNothingOfIt(t *testing.T) {
	for _, failure := range []site.Failure{site.FailureStatus, site.FailureContent, site.FailureTimeout} {
		t.Run(string(failure), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				e, _ := w.checkedEngine(t)
				w.set(url("192.0.2.1"), 10*time.Millisecond)
				w.set(url("192.0.2.2"), 10*time.Millisecond)
				g := offer(e, checked(newSite(www, "192.0.2.1")), checked(newSite("other.example.org.", "192.0.2.2")))
				time.Sleep(5 * time.Second)
				w.set(url("192.0.2.1"), time.Hour)
				w.failFor(www, failure)
				time.Sleep(5 * time.Minute)
				expect(t, g, edge)
				if got := why(t, e, "other.example.org."); got != "ready" {
					t.Errorf("Expected the other site to hear nothing of it, got %q", got)
				}
				w.set(url("192.0.2.1"), 400*time.Millisecond)
				time.Sleep(time.Minute)
				expect(t, g, "1 A")
			})
		})
	}
}

// failFor has the CDN answer, and fail, for one site.
func (w *world) failFor(host string, failure site.Failure) {
	w.change(func(w *world) { w.fails = map[string]site.Failure{host: failure} })
}

// TestVisitorsLeaveACDNThatIsNotReadyAnyMore after three checks, and come back after
// three good ones, part by part where another one has the rest.
func TestVisitorsLeaveACDNThatIsNotReadyAnyMore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(spareA, "spare.example.net. 20 A 203.0.113.1")
		w.set(checkURL("203.0.113.1"), time.Millisecond)
		w.set(url("192.0.2.1"), time.Hour)
		s := checked(newSite(www, "192.0.2.1"))
		s.CDNs = append(s.CDNs, site.CDN{Name: "spare", Target: "spare.example.net."})
		s.Answer = site.Answer{Form: site.FormSwitch, Keyed: true}
		g := offer(e, s)
		expect(t, g, edge)
		w.edgeIs(site.FailureTLS)
		time.Sleep(15 * time.Second) // one check at least, two at most
		expect(t, g, edge)
		time.Sleep(20 * time.Second)
		expect(t, g, "spare.example.net.")
		w.edgeIs("")
		part := func() float64 {
			x, err := e.Explain(www, netip.Addr{})
			if err != nil {
				t.Fatal(err)
			}
			return x.Candidates[0].Part
		}
		var began time.Time
		for range 120 {
			time.Sleep(time.Second)
			synctest.Wait()
			if part() > 0 {
				began = time.Now()
				break
			}
		}
		if w.said(`info: site "www.example.org.": cdn edge is ready again`) != 1 {
			t.Fatalf("Expected the return, got %q", w.logged())
		}
		time.Sleep(50*time.Second - time.Since(began))
		if got := part(); got < 0.45 || got > 0.55 {
			t.Errorf("Expected a half of the clients half-way, got %g", got)
		}
		time.Sleep(52 * time.Second)
		expect(t, g, edge)
	})
}

// TestWhatChecksCost is bounded: a check a site at the start and hourly, and one a
// period of one site, however many there are; each period where a site is in need.
func TestWhatChecksCost(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const sites = 50
		w := newWorld()
		e, _ := w.checkedEngine(t)
		var all []*site.Site
		for i := range sites {
			all = append(all, checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1")))
		}
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		all = append(all, checked(newSite(www, "192.0.2.2")))
		offer(e, all...)
		time.Sleep(400 * time.Millisecond) // before the first canary
		synctest.Wait()
		checks := func(over time.Duration) int {
			before := w.hitsOf(checkURL(edgeAddr))
			time.Sleep(over)
			return w.hitsOf(checkURL(edgeAddr)) - before
		}
		if got := w.hitsOf(checkURL(edgeAddr)); got != sites+1 {
			t.Errorf("Expected a check for each site at first, got %d", got)
		}
		if got := checks(50 * time.Minute); got < 295 || got > 305 {
			t.Errorf("Expected a canary every 10 s, got %d in 50 minutes", got)
		}
		w.set(url("192.0.2.2"), 250*time.Millisecond) // 83 % of the limit
		if got := checks(10 * time.Minute); got < 110 || got > 125 {
			t.Errorf("Expected one check more a period, got %d in 10 minutes", got)
		}
		w.set(url("192.0.2.2"), 10*time.Millisecond)
		time.Sleep(10 * time.Second)
		if got := checks(10 * time.Minute); got < 58 || got > 64 {
			t.Errorf("Expected canaries only, got %d in 10 minutes", got)
		}
	})
}

// TestASiteInNeedOfItsCDNHasItCheckedAtOnce unless it was within the period.
func TestASiteInNeedOfItsCDNHasItCheckedAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		sites := []*site.Site{checked(newSite(www, "192.0.2.1"))}
		for i := range 3 {
			sites = append(sites, checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.2")))
		}
		g := offer(e, sites...)
		latest := func() time.Duration {
			x, err := e.Explain(www, netip.Addr{})
			if err != nil {
				t.Fatal(err)
			}
			return time.Since(x.Candidates[0].Checked)
		}
		for latest() < 15*time.Second {
			time.Sleep(time.Second)
		}
		w.set(url("192.0.2.1"), 280*time.Millisecond)
		time.Sleep(4 * time.Second)
		expect(t, g, "1 A")
		if took := latest(); took > 3*time.Second {
			t.Errorf("Expected a check at once, the latest was %s ago", took)
		}
	})
}

// TestCanariesWarnSitesWhoseOwnCheckIsOlder but not those at the CDN whose own checks
// are good.
func TestCanariesWarnSitesWhoseOwnCheckIsOlder(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.2"), time.Hour)
		var all []*site.Site
		for i := range 20 {
			all = append(all, checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1")))
		}
		all = append(all, checked(newSite(www, "192.0.2.2")))
		g := offer(e, all...)
		time.Sleep(2 * time.Second)
		expect(t, g, edge)
		w.change(func(w *world) {
			w.fails = map[string]site.Failure{}
			for i := range 20 {
				w.fails[fmt.Sprintf("s%d.example.org.", i)] = site.FailureStatus
			}
		})
		time.Sleep(time.Minute)
		if n := w.said(`warning: cdn "edge": it is not ready: 3 checks in a row have failed, of one site after the other, the last one: it says status`); n != 1 {
			t.Fatalf("Expected a line of the canaries, got %q", w.logged())
		}
		if got := why(t, e, "s19.example.org."); got != "not ready: checks of other sites fail: it says status" {
			t.Errorf("Expected s19 to be warned, got %q", got)
		}
		expect(t, g, edge) // its own checks are newer
		if got := e.CDNs(); len(got) != 1 || got[0].Standing != api.StandingOut || got[0].NotReady < 15 || got[0].Reason != "checks of its sites fail: it says status" {
			t.Errorf("Expected the CDN to be shown as out, got %+v", got)
		}
		w.change(func(w *world) { clear(w.fails) })
		time.Sleep(5 * time.Minute)
		if got := why(t, e, "s19.example.org."); got != "ready" {
			t.Errorf("Expected s19 to be ready again, got %q", got)
		}
	})
}

// TestACDNThatCannotBeCheckedServesOnlyADeadOrigin as no resolver answers.
func TestACDNThatCannotBeCheckedServesOnlyADeadOrigin(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(edgeA, "error")
		w.resolvers.set(edgeAAAA, "error")
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		g := offer(e, checked(newSite(www, "192.0.2.1")))
		expect(t, g, "1 A")
		if got := why(t, e, www); !strings.HasPrefix(got, "not ready: it could not be checked: asking for ") || strings.Contains(got, "\n") {
			t.Errorf("Expected to be told that nobody answers, in a line, got %q", got)
		}
		w.set(url("192.0.2.1"), time.Hour)
		time.Sleep(5 * time.Second)
		expect(t, g, edge)
		if got := why(t, e, www); !strings.HasPrefix(got, "better than an origin that is down, but not known to be ready: ") {
			t.Errorf("Expected to be told why it is taken, got %q", got)
		}
		w.resolvers.set(edgeA, "NXDOMAIN")
		w.resolvers.set(edgeAAAA, "NXDOMAIN")
		time.Sleep(12 * time.Second)
		expect(t, g, "1 A")
		wantWhy(t, e, "not ready: the target 'edge.example.net.' has no address")
	})
}

// TestATargetThatIsALoop leads back to the site, or nowhere for all resolvers.
func TestATargetThatIsALoop(t *testing.T) {
	for page, want := range map[string]string{
		"edge.example.net. 20 CNAME www.example.org.; www.example.org. 20 A 192.0.2.1": "not ready: the target 'edge.example.net.' leads back to the site, by 'www.example.org.'",
		"SERVFAIL": "not ready: asking for A of 'edge.example.net.': the answer is SERVFAIL",
	} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld()
			e, _ := w.checkedEngine(t)
			w.resolvers.set(edgeA, page)
			w.set(url("192.0.2.1"), time.Hour)
			g := offer(e, checked(newSite(www, "192.0.2.1")))
			expect(t, g, "1 A")
			wantWhy(t, e, want)
		})
	}
}

// TestAReloadKeepsWhatChecksHaveFound and asks nothing anew.
func TestAReloadKeepsWhatChecksHaveFound(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), time.Hour)
		expect(t, offer(e, checked(newSite(www, "192.0.2.1"))), edge)
		before := w.hitsOf(checkURL(edgeAddr))
		g := offer(e, checked(newSite(www, "192.0.2.1")))
		expect(t, g, edge)
		e.Promote()
		expect(t, g, edge)
		if got := w.hitsOf(checkURL(edgeAddr)); got != before {
			t.Errorf("Expected no further check, got %d", got-before)
		}
		w.edgeIs(site.FailureTLS)
		time.Sleep(40 * time.Second)
		expect(t, g, "1 A")
		// One that is asked otherwise is a new one.
		other := checked(newSite(www, "192.0.2.1"))
		other.Ready.Check.Ask.Body = "x"
		w.edgeIs("")
		expect(t, offer(e, other), edge)
	})
}

// TestAMonitorThatIsCutOffClosesNoGate as no anchor answers.
func TestAMonitorThatIsCutOffClosesNoGate(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), time.Hour)
		guard := site.Guard{Share: 0.3, Within: time.Minute, Anchors: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}}
		g := offerGuarded(e, guard, checked(newSite(www, "192.0.2.1")))
		time.Sleep(5 * time.Second)
		expect(t, g, edge)
		w.change(func(w *world) { w.mute = true })
		time.Sleep(3 * time.Second)
		w.edgeIs(site.FailureConnect)
		time.Sleep(5 * time.Minute)
		expect(t, g, edge)
		w.change(func(w *world) { w.mute = false })
		time.Sleep(time.Minute)
		expect(t, g, "1 A")
	})
}

// TestTheWarmUpComesBeforeTheFirstVisitor and again when the CDN is needed.
func TestTheWarmUpComesBeforeTheFirstVisitor(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		css := checkURL(edgeAddr) + "app.css"
		w.set(css, 2*time.Second)
		s := checked(newSite(www, "192.0.2.1"))
		s.Ready.Warmup = "https://{target}/app.css https://{target}/gone"
		w.change(func(w *world) {
			w.answers[checkURL(edgeAddr)+"gone"] = func() health.Result {
				return health.Result{Failure: site.FailureStatus, Err: fmt.Errorf("status 404")}
			}
		})
		w.set(url("192.0.2.1"), time.Hour)
		began := time.Now()
		g := offer(e, s)
		expect(t, g, edge)
		if took := time.Since(began); took < 2*time.Second {
			t.Errorf("Expected the warm-up to be awaited, got %s", took)
		}
		if n := w.said(`warning: site "www.example.org.": warming up cdn edge: status 404`); n != 1 {
			t.Errorf("Expected a line of what failed, got %q", w.logged())
		}
		w.set(url("192.0.2.1"), 10*time.Millisecond)
		time.Sleep(2 * time.Hour) // it is at the origin
		if got := w.hitsOf(css); got != 1 {
			t.Errorf("Expected no further warm-up while nobody needs it, got %d", got)
		}
		w.set(url("192.0.2.1"), 250*time.Millisecond)
		time.Sleep(10 * time.Minute)
		if got := w.hitsOf(css); got != 2 {
			t.Errorf("Expected one more now that it is near, got %d", got)
		}
	})
}

// TestAnOwnCDNIsCheckedAtItsNodes and no resolver is asked.
func TestAnOwnCDNIsCheckedAtItsNodes(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.nodeIs(1, true)
		w.nodeIs(2, true)
		w.set(url("192.0.2.1"), time.Hour)
		s := checked(newSite(www, "192.0.2.1"))
		s.CDNs = []site.CDN{{Name: "edge", Target: "www.edge.example.org.", Watched: true}}
		g := offerCDN(e, ownCDN(1, 1), s)
		time.Sleep(time.Minute)
		expect(t, g, "www.edge.example.org.")
		for _, addr := range []string{"203.0.113.1", "203.0.113.2"} {
			if w.hitsOf(checkURL(addr)) == 0 {
				t.Errorf("Expected %s to be checked", addr)
			}
		}
		if got := w.resolvers.asked(""); got != 0 {
			t.Errorf("Expected no question, got %d", got)
		}
	})
}

// TestAnAddressThatDoesNotAnswerIsNotTheCDN as long as the next one does.
func TestAnAddressThatDoesNotAnswerIsNotTheCDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.resolvers.set(edgeA, "edge.example.net. 20 A "+edgeAddr+"; edge.example.net. 20 A 198.51.100.2")
		w.set(checkURL("198.51.100.2"), time.Hour)
		w.set(url("192.0.2.1"), time.Hour)
		g := offer(e, checked(newSite(www, "192.0.2.1")))
		time.Sleep(5 * time.Minute)
		expect(t, g, edge)
		if w.hitsOf(checkURL("198.51.100.2")) == 0 {
			t.Error("Expected both to be asked")
		}
	})
}

// TestACDNThatFailsForManySitesIsSaidInFewLines and the rest is counted.
func TestACDNThatFailsForManySitesIsSaidInFewLines(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.edgeIs(site.FailureTLS)
		var all []*site.Site
		for i := range 100 {
			all = append(all, checked(newSite(fmt.Sprintf("s%d.example.org.", i), "192.0.2.1")))
		}
		offer(e, all...)
		time.Sleep(90 * time.Second)
		if n := w.said("is not ready: it says tls"); n != 10 {
			t.Errorf("Expected 10 lines, got %d", n)
		}
		if n := w.said("warning: cdns were found ready or not ready for 90 more sites"); n != 1 {
			t.Errorf("Expected a line that counts the others, got %q", w.logged())
		}
	})
}

// TestAPanicInACheckSaysNothingOfTheCDN and the next check is made.
func TestAPanicInACheckSaysNothingOfTheCDN(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, reg := w.checkedEngine(t)
		w.panicAt(checkURL(edgeAddr))
		w.set(url("192.0.2.1"), 400*time.Millisecond)
		g := offer(e, checked(newSite(www, "192.0.2.1")))
		expect(t, g, "1 A")
		wantWhy(t, e, "not ready: it could not be checked: the check panicked")
		if got := gauge(t, reg, "coredns_cdnredirect_panics_total", "check"); got != 1 {
			t.Errorf("Expected one panic, got %g", got)
		}
		w.edgeIs("")
		time.Sleep(12 * time.Second)
		expect(t, g, edge)
	})
}

// TestWithReadyNoneNothingIsAsked of a CDN.
func TestWithReadyNoneNothingIsAsked(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.checkedEngine(t)
		w.set(url("192.0.2.1"), time.Hour)
		s := newSite(www, "192.0.2.1")
		s.Ready.Level = site.ReadyNone
		expect(t, offerLooked(e, s), edge)
		time.Sleep(2 * time.Hour)
		if asked := w.resolvers.asked(""); asked+w.hitsOf(checkURL(edgeAddr)) != 0 {
			t.Errorf("Expected nothing to be asked, got %d questions", asked)
		}
	})
}

// TestRedirectedVisitorsAreCheckedForAsTheyCome to the host that they are sent to.
func TestRedirectedVisitorsAreCheckedForAsTheyCome(t *testing.T) {
	for host, want := range map[string]string{
		www:                "taken",
		"edge.example.net": "not ready: it says tls",
	} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld()
			e, _ := w.checkedEngine(t)
			w.set(url("192.0.2.1"), time.Hour)
			w.failFor(host, site.FailureTLS)
			s := checked(newSite(www, "192.0.2.1"))
			s.Redirect = &site.Redirect{Host: "www.origin.example.org", Status: 302, Own: []netip.Addr{netip.MustParseAddr("192.0.2.80")}}
			offer(e, s)
			wantWhy(t, e, want)
		})
	}
}
