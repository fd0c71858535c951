package onboard_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// run has a runner go on with what is on the shelf until f returns.
func run(s *shelf, w *world, f func(), change ...func(*onboard.Config)) {
	cfg := onboard.Config{Operations: s, Steps: w.steps(), Turn: alone, Log: silent{}}
	for _, c := range change {
		c(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { onboard.NewRunner(cfg).Run(ctx) })
	f()
	cancel()
	done.Wait()
}

// anHour is for how long steps wait.
func anHour(c *onboard.Config) { c.Limit = time.Hour }

// untilOver waits for all onboardings of a shelf.
func untilOver(t testing.TB, s *shelf) func() {
	return func() {
		t.Helper()
		for range 60 * 24 {
			if s.running() == 0 {
				return
			}
			time.Sleep(time.Minute)
		}
		t.Errorf("%d onboardings are not over", s.running())
	}
}

// shown is how an onboarding and its steps are.
func shown(o site.Onboarding) string {
	var b strings.Builder
	fmt.Fprint(&b, o.State, ":")
	for _, s := range o.Steps {
		fmt.Fprintf(&b, " %s%s=%s", s.Name, s.CDN, s.State)
	}
	return b.String()
}

func expect(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: Expected\n%s\ngot\n%s", what, want, got)
	}
}

const www = "www.example.org"

func TestOnboarding(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, s := newWorld(), newShelf(newOnboarding(site.Onboard, www, "edge", "big"))
		began := time.Now()
		run(s, w, func() { time.Sleep(time.Second) })
		expect(t, "The steps", shown(s.get("id-"+www)), "done: check=done proof=done cdnedge=done cdnbig=done certificate=done verify=done publish=done live=done")
		expect(t, "What was done", w.did(), "check www.example.org, claim www.example.org, create edge www.example.org, create big www.example.org, publish www.example.org, live www.example.org")
		o := s.get("id-" + www)
		if o.Published != 1 || !o.Next.IsZero() || o.Changed.Sub(began) > time.Second || o.Steps[6].Words != "revision 1" || o.Steps[1].Words != "by the word of ann" {
			t.Errorf("Expected revision 1, and nothing left to do, got %+v", o)
		}
	})
}

// TestAFailedStepUndoesThoseBefore: the last one first, and what is behind a published
// site goes when nobody is led there any more.
func TestAFailedStepUndoesThoseBefore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, s := newWorld(), newShelf(newOnboarding(site.Onboard, www, "edge", "big"))
		w.fails = func(what, name string) (error, error) {
			if what == "live" && w.revision == 1 {
				return onboard.Refuse(errors.New("it is refused")), nil
			}
			return nil, nil
		}
		run(s, w, func() {
			time.Sleep(20 * time.Second)
			expect(t, "Before resolvers have forgotten", w.left(), "in force [], claims [www.example.org], sides [big www.example.org edge www.example.org]")
			time.Sleep(20 * time.Second)
		})
		expect(t, "The steps", shown(s.get("id-"+www)), "undone: check=undone proof=undone cdnedge=undone cdnbig=undone certificate=undone verify=undone publish=undone live=undone")
		expect(t, "Why", s.get("id-"+www).Failure, "live: it is refused")
		expect(t, "What is left", w.left(), "in force [], claims [], sides []")
		if !strings.HasSuffix(w.did(), "publish www.example.org, withdraw www.example.org, live www.example.org, remove big www.example.org, remove edge www.example.org, release www.example.org") {
			t.Errorf("Expected it to be undone from the last to the first, got %s", w.did())
		}
	})
}

// TestWhatWaitsIsTriedAgain: after 1, 2, 4 ... seconds, and then once a minute.
func TestWhatWaitsIsTriedAgain(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
		o.Proof = site.ProofTXT
		s := newShelf(o)
		run(s, w, func() {
			time.Sleep(time.Hour)
			o = s.get(o.ID)
			expect(t, "The steps", shown(o), "running: check=done proof=waiting cdnedge=pending certificate=pending verify=pending publish=pending live=pending")
			expect(t, "What is to be done", o.Steps[1].Words, "set these records:\n_cdnredirect.www.example.org TXT \"cdnredirect=token\" (there is none)")
			if tries := o.Steps[1].Tries; tries < 60 || tries > 68 {
				t.Errorf("Expected some 65 tries in an hour, got %d", tries)
			}
			w.change(func() { w.texts["_cdnredirect.www.example.org."] = []string{"v=spf1 -all", "cdnredirect=token"} })
			time.Sleep(2 * time.Minute)
		})
		expect(t, "The steps", shown(s.get(o.ID)), "done: check=done proof=done cdnedge=done certificate=done verify=done publish=done live=done")
	})
}

func TestWhatWaitsIsGivenUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
		o.Proof = site.ProofTXT
		w.texts["_cdnredirect.www.example.org."] = []string{"cdnredirect=stolen"}
		s := newShelf(o)
		run(s, w, func() {
			time.Sleep(7*24*time.Hour - 2*time.Minute)
			if got := s.get(o.ID); got.State != site.OnboardingRuns {
				t.Errorf("Expected it to wait for 7 days, got %s", shown(got))
			}
			time.Sleep(5 * time.Minute)
		})
		expect(t, "Why", s.get(o.ID).Failure, "proof: given up after 7 days: set these records:\n_cdnredirect.www.example.org TXT \"cdnredirect=token\" (there is \"cdnredirect=stolen\")")
		expect(t, "The steps", shown(s.get(o.ID)), "undone: check=undone proof=undone cdnedge=pending certificate=pending verify=pending publish=pending live=pending")
	})
}

// TestCancel at any time: while a step waits, and while one is under way.
func TestCancel(t *testing.T) {
	for _, at := range []time.Duration{0, 5 * time.Millisecond, 15 * time.Millisecond, 25 * time.Millisecond, 45 * time.Millisecond, 65 * time.Millisecond} {
		bubble.Test(t, func(t *testing.T) {
			w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
			s := newShelf(o)
			run(s, w, func() {
				time.Sleep(at)
				over := s.get(o.ID).State == site.OnboardingDone
				if !over {
					s.cancel(o.ID)
				}
				time.Sleep(2 * time.Minute)
				if got := s.get(o.ID); !over && (got.State != site.OnboardingUndone || got.Failure != "cancelled by ann") {
					t.Errorf("Expected it to be undone after %s, got %s '%s'", at, shown(got), got.Failure)
				}
				if !over {
					expect(t, "What is left", w.left(), "in force [], claims [], sides []")
				}
			})
		})
	}
}

// TestAStepThatHangsIsInterrupted by who cancels.
func TestAStepThatHangsIsInterrupted(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
		s := newShelf(o)
		slow := hangs{w.steps(), "cdn"}
		run(s, w, func() {
			time.Sleep(time.Minute)
			s.cancel(o.ID)
			time.Sleep(3 * time.Second)
		}, func(c *onboard.Config) { c.Steps = slow })
		expect(t, "The steps", shown(s.get(o.ID)), "undone: check=undone proof=undone cdnedge=undone certificate=pending verify=pending publish=pending live=pending")
	})
}

// hangs has a step not end by itself.
type hangs struct {
	onboard.Doer
	step string
}

func (h hangs) Do(ctx context.Context, o *site.Onboarding, step int, undo bool) (string, error) {
	if o.Steps[step].Name == h.step && !undo {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return h.Doer.Do(ctx, o, step, undo)
}

// TestAPanicIsAFailureOfTheTry, which is made again.
func TestAPanicIsAFailureOfTheTry(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
		s, panics := newShelf(o), 3
		w.fails = func(what, _ string) (error, error) {
			if what == "create" && panics > 0 {
				panics--
				panic("create")
			}
			return nil, nil
		}
		run(s, w, func() { time.Sleep(10 * time.Second) })
		if got := s.get(o.ID); got.State != site.OnboardingDone || got.Steps[2].Tries != 4 {
			t.Errorf("Expected the fourth try to work, got %s, %d tries", shown(got), got.Steps[2].Tries)
		}
	})
}

// TestASiteThatWasChangedSinceStays, with all that it needs.
func TestASiteThatWasChangedSinceStays(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
		s := newShelf(o)
		w.fails = func(what, _ string) (error, error) {
			if what == "live" {
				w.changed[www] = true
				return onboard.Refuse(errors.New("it is refused")), nil
			}
			return nil, nil
		}
		run(s, w, func() { time.Sleep(time.Minute) })
		expect(t, "The steps", shown(s.get(o.ID)), "left: check=left proof=left cdnedge=left certificate=left verify=left publish=left live=undone")
		expect(t, "What is left", w.left(), "in force [www.example.org], claims [www.example.org], sides [edge www.example.org]")
	})
}

// TestWhatCannotBeRemovedIsLeft, and said; the rest goes.
func TestWhatCannotBeRemovedIsLeft(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge", "big")
		s := newShelf(o)
		w.fails = func(what, name string) (error, error) {
			switch {
			case what == "remove" && strings.HasPrefix(name, "edge"):
				return errDown, nil
			case what == "publish":
				return onboard.Refuse(errors.New("no")), nil
			}
			return nil, nil
		}
		run(s, w, untilOver(t, s), anHour)
		o = s.get(o.ID)
		expect(t, "The steps", shown(o), "left: check=undone proof=undone cdnedge=left cdnbig=undone certificate=undone verify=undone publish=undone live=pending")
		expect(t, "What was tried", o.Steps[2].Words, "given up after 1h0m0s: it does not answer")
	})
}

// TestOffboarding: nobody is sent to a CDN that is being removed.
func TestOffboarding(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Offboard, www, "edge")
		w.inForce[www], w.claims[www], w.sides["edge "+www] = "edge", o.Names, 1
		s := newShelf(o)
		run(s, w, func() {
			time.Sleep(29 * time.Second)
			expect(t, "While resolvers have the answers", w.left(), "in force [], claims [www.example.org], sides [edge www.example.org]")
			time.Sleep(3 * time.Second)
		})
		expect(t, "The steps", shown(s.get(o.ID)), "done: check=done publish=done live=done drain=done cdnedge=done release=done")
		expect(t, "What is left", w.left(), "in force [], claims [], sides []")
	})
}

// TestOffboardingGoesOn: a site that is out of force does not come back because its CDN
// does not answer.
func TestOffboardingGoesOn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Offboard, www, "edge")
		w.inForce[www], w.claims[www], w.sides["edge "+www] = "edge", o.Names, 1
		w.fails = func(what, _ string) (error, error) {
			if what == "remove" {
				return errDown, nil
			}
			return nil, nil
		}
		s := newShelf(o)
		run(s, w, untilOver(t, s), anHour)
		o = s.get(o.ID)
		expect(t, "The steps", shown(o), "done: check=done publish=done live=done drain=done cdnedge=left release=done")
		if !o.Left {
			t.Error("Expected it to be said that something is left")
		}
	})
}

// TestAnOffboardingThatIsCancelled brings the site back.
func TestAnOffboardingThatIsCancelled(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Offboard, www, "edge")
		w.inForce[www], w.claims[www], w.sides["edge "+www] = "edge", o.Names, 1
		w.fails = func(what, _ string) (error, error) {
			if what == "release" {
				return errDown, nil
			}
			return nil, nil
		}
		s := newShelf(o)
		run(s, w, func() {
			time.Sleep(time.Minute)
			expect(t, "Before it is cancelled", w.left(), "in force [], claims [www.example.org], sides []")
			s.cancel(o.ID)
			time.Sleep(time.Minute)
		})
		expect(t, "The steps", shown(s.get(o.ID)), "undone: check=undone publish=undone live=undone drain=undone cdnedge=undone release=undone")
		expect(t, "What there is", w.left(), "in force [www.example.org], claims [www.example.org], sides [edge www.example.org]")
	})
}

// TestOnlyTheServerWhoseTurnItIs goes on with onboardings, and a new one waits until the
// one before has noticed.
func TestOnlyTheServerWhoseTurnItIs(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
		s := newShelf(o)
		var mu sync.Mutex
		fence, ours := store.Fence{Server: "ns1", Term: 7}, false
		turn := func() (store.Fence, bool) {
			mu.Lock()
			defer mu.Unlock()
			return fence, ours
		}
		set := func(f store.Fence, our bool) {
			mu.Lock()
			defer mu.Unlock()
			fence, ours = f, our
		}
		slow := hangs{w.steps(), "cdn"}
		run(s, w, func() {
			time.Sleep(time.Minute)
			if w.did() != "" {
				t.Errorf("Expected nothing of a server that does not hold the lease, got %s", w.did())
			}
			set(fence, true)
			time.Sleep(4 * time.Second)
			if w.did() != "" {
				t.Errorf("Expected nothing in the first seconds of a term, got %s", w.did())
			}
			time.Sleep(3 * time.Second)
			expect(t, "With the lease", shown(s.get(o.ID)), "running: check=done proof=done cdnedge=begun certificate=pending verify=pending publish=pending live=pending")
			set(store.Fence{}, false)
			time.Sleep(2 * time.Second)
			version := s.get(o.ID).Version
			time.Sleep(time.Minute)
			if now := s.get(o.ID).Version; now != version {
				t.Error("Expected no write after the lease has gone")
			}
		}, func(c *onboard.Config) { c.Turn, c.Steps = turn, slow })
	})
}

// TestManyAtOnce: whatever fails, each of many onboardings ends whole or without a
// trace, and no side of a CDN was ever set up twice.
func TestManyAtOnce(t *testing.T) {
	manyAtOnce(t, 100, 1, 30)
	rapid.Check(t, func(r *rapid.T) {
		manyAtOnce(t, rapid.IntRange(1, 12).Draw(r, "onboardings"), rapid.Uint64().Draw(r, "seed"), rapid.IntRange(0, 60).Draw(r, "percent"))
	})
}

// manyAtOnce has some percent of all calls fail.
func manyAtOnce(t *testing.T, n int, seed uint64, percent int) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		var all []site.Onboarding
		for i := range n {
			o := newOnboarding(site.Onboard, fmt.Sprintf("s%d.example.org", i), "edge", "big")
			if i%10 == 9 {
				o.Kind, o.Steps = site.Offboard, onboard.StepsOf(site.Offboard, []site.CDN{{Name: "edge"}, {Name: "big"}})
				w.inForce[o.Site], w.claims[o.Site], w.sides["edge "+o.Site], w.sides["big "+o.Site] = o.Text, o.Names, 1, 1
			}
			all = append(all, o)
		}
		s := newShelf(all...)
		w.fails = chance(seed, percent)
		s.deny = func(put int) error {
			if hash(seed, "put", put)%100 < 3 {
				return errDown
			}
			return nil
		}
		run(s, w, func() {
			time.Sleep(30 * time.Millisecond)
			for i := 0; i < n; i += 7 {
				if o := s.get(all[i].ID); !o.Over() {
					s.cancel(o.ID)
				}
			}
			untilOver(t, s)()
		})
		for _, o := range all {
			w.wholeOrGone(t, s.get(o.ID))
		}
	})
}

func hash(seed uint64, what ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, seed, what)
	return h.Sum64() >> 7
}

// chance has calls fail, now and then for good, and now and then once they have worked.
func chance(seed uint64, percent int) func(what, name string) (before, after error) {
	calls := make(map[string]int)
	return func(what, name string) (before, after error) {
		calls[what+name]++
		n := int(hash(seed, what, name, calls[what+name]) % 1000)
		switch {
		case n < percent*5:
			return errDown, nil
		case n < percent*7 && what != "publish" && what != "withdraw": // the store's are noted with their revisions
			return nil, errDown
		case n < percent*8 && what != "remove" && what != "release" && what != "withdraw" && what != "live":
			return onboard.Refuse(errors.New("never")), nil
		}
		return nil, nil
	}
}

// wholeOrGone checks how an onboarding has ended.
func (w *world) wholeOrGone(t *testing.T, o site.Onboarding) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	_, inForce := w.inForce[o.Site]
	_, claimed := w.claims[o.Site]
	there := fmt.Sprint(inForce, claimed, w.sides["edge "+o.Site], w.sides["big "+o.Site])
	whole := (o.Kind == site.Onboard) == (o.State == site.OnboardingDone)
	want := "false false 0 0"
	if whole {
		want = "true true 1 1"
	}
	if there != want || o.Left || o.State != site.OnboardingDone && o.State != site.OnboardingUndone {
		t.Errorf("%s of %s: Expected '%s', got '%s': %s, %s", o.Kind, o.Site, want, there, shown(o), o.Failure)
	}
}

// TestACDNThatDoesNotAnswerIsWaitedFor, and what is wrong is said of each CDN at once.
func TestACDNThatDoesNotAnswerIsWaitedFor(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge", "big")
		s := newShelf(o)
		step := "tls"
		w.ask = func(target site.Target) health.Result {
			if target.Kind == step {
				return health.Result{Failure: site.FailureTLS, Err: errors.New("the certificate is for other names, not www.example.org")}
			}
			return health.Result{Status: 200}
		}
		run(s, w, func() {
			time.Sleep(10 * time.Second)
			expect(t, "Without a certificate", s.get(o.ID).Steps[4].Words,
				"cdn edge: for 'www.example.org': the certificate is for other names, not www.example.org\ncdn big: for 'www.example.org': the certificate is for other names, not www.example.org")
			w.change(func() {
				step = ""
				w.ask = func(target site.Target) health.Result {
					if strings.HasPrefix(target.URL, "http://198.51.100.1:80/.well-known/acme-challenge/cdnredirect-id-") {
						return health.Result{Status: 200, Bytes: 5}
					}
					return health.Result{Status: 404, Bytes: 3}
				}
			})
			time.Sleep(time.Minute)
			if words := s.get(o.ID).Steps[5].Words; !strings.HasPrefix(words, "cdn edge: '/.well-known/acme-challenge/cdnredirect-id-www.example.org' is not passed on: the origin answers with status 404 and 3 bytes, the cdn with status 200 and 5 bytes") {
				t.Errorf("Expected it to be said what the CDN keeps for itself, got %s", words)
			}
			w.change(func() { w.ask = func(site.Target) health.Result { return health.Result{Status: 404, Bytes: 3} } })
			time.Sleep(2 * time.Minute)
		})
		if got := s.get(o.ID); got.State != site.OnboardingDone {
			t.Errorf("Expected it to be done, got %s", shown(got))
		}
	})
}

// TestAnOriginThatMayNotBeAsked ends the onboarding: it stands in the site. A CDN that leads
// there is waited for.
func TestAnOriginThatMayNotBeAsked(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, o := newWorld(), newOnboarding(site.Onboard, www, "edge")
		s := newShelf(o)
		forbidden := health.Result{Failure: site.FailureForbidden, Err: errors.New("connecting: not allowed for a public target: the address 192.0.2.77")}
		w.ask = func(site.Target) health.Result { return forbidden }
		run(s, w, func() {
			time.Sleep(time.Minute)
			expect(t, "A CDN there", shown(s.get(o.ID)), "running: check=done proof=done cdnedge=done certificate=waiting verify=pending publish=pending live=pending")
			w.change(func() {
				w.ask = func(target site.Target) health.Result {
					switch {
					case target.Kind == "tls":
						return health.Result{}
					case strings.HasPrefix(target.URL, "http://198.51.100.1:80/") || !strings.Contains(target.URL, "acme-challenge"):
						return health.Result{Failure: site.FailureStatus, Err: errors.New("status 502")}
					}
					return forbidden
				}
			})
			time.Sleep(3 * time.Minute)
		})
		expect(t, "The steps", shown(s.get(o.ID)), "undone: check=undone proof=undone cdnedge=undone certificate=undone verify=undone publish=pending live=pending")
		expect(t, "Why", s.get(o.ID).Failure, "verify: cdn edge: asking the origin: connecting: not allowed for a public target: the address 192.0.2.77: "+
			"give an address on the public Internet, with a port that probes of its kind may ask, or have an operator 'allow' its network")
	})
}
