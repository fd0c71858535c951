package onboard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// followed has a site that was onboarded be followed.
func followed(t *testing.T, do func(t *testing.T, f *field, with *onboard.Follower)) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		f := newField()
		with := f.follower(alone)
		f.publish(www, siteWith(www, "192.0.2.1", "edge"))
		must(t, f.setUp(with, www, "edge"))
		f.done()
		during(with, func() {
			time.Sleep(5 * time.Second)
			expect(t, "What is done of what is as it was", f.done(), "")
			do(t, f, with)
		})
	})
}

// publishes has a site be in force, and the follower know of it.
func publishes(f *field, with *onboard.Follower, s *site.Site) {
	f.publish(www, s)
	with.Changed(www)
	time.Sleep(100 * time.Millisecond)
}

func TestAChangedOriginIsFollowed(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		publishes(f, with, siteWith(www, "192.0.2.2", "edge"))
		expect(t, "What was asked", f.done(), "create edge [www.example.org][192.0.2.2]")
		expect(t, "The setups", f.states(), "edge done")

		more := siteWith(www, "192.0.2.2", "edge")
		more.Hosts = append(more.Hosts, "example.org")
		publishes(f, with, more)
		expect(t, "What was asked for a host", f.done(), "create edge [www.example.org example.org][192.0.2.2]")

		calm := siteWith(www, "192.0.2.2", "edge")
		calm.Hosts, calm.Enter, calm.TTL = more.Hosts, 7, site.NewTTL(time.Hour)
		publishes(f, with, calm)
		expect(t, "What was asked for other rules", f.done(), "")
		if got := f.row(www, "edge").TTL; got != time.Hour {
			t.Errorf("Expected it to be known how long answers are kept, got %s", got)
		}

		f.change(func() { f.blocks["edge"] = site.Provision{Webhook: &site.Webhook{URL: "https://other.example.net/"}} })
		with.ChangedAll()
		time.Sleep(100 * time.Millisecond)
		expect(t, "What was asked of another provider", f.done(), "create edge [www.example.org example.org][192.0.2.2]")
	})
}

// TestWhatWasWantedBeforeIsAskedAnew with another key: a CDN that has done one does it no
// more.
func TestWhatWasWantedBeforeIsAskedAnew(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		for _, origin := range []string{"192.0.2.2", "192.0.2.1", "192.0.2.2"} {
			publishes(f, with, siteWith(www, origin, "edge"))
			expect(t, "What the CDN has", f.sides(), "edge: [www.example.org]["+origin+"]")
		}
	})
}

// TestARemovedSiteLeaves when nobody is led there any more, and not before.
func TestARemovedSiteLeaves(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		f.change(func() { f.behind = &onboard.Waiting{Words: "two serves revision 1"} })
		publishes(f, with, nil)
		time.Sleep(time.Hour)
		expect(t, "While a server has it", f.done()+f.states(), "edge leaving")
		expect(t, "Its words", f.row(www, "edge").Words, "two serves revision 1")
		f.change(func() { f.behind = nil })
		time.Sleep(29 * time.Second)
		expect(t, "While resolvers have it", f.done()+f.states(), "edge leaving")
		time.Sleep(62 * time.Second) // it is looked at once a minute by now
		expect(t, "What was asked", f.done(), "remove edge")
		expect(t, "The setups", f.states()+f.sides(), "")
	})
}

// TestASiteThatComesBack before it has left is not touched.
func TestASiteThatComesBack(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		publishes(f, with, nil)
		time.Sleep(10 * time.Second)
		publishes(f, with, siteWith(www, "192.0.2.1", "edge"))
		time.Sleep(time.Minute)
		expect(t, "What was asked", f.done(), "")
		expect(t, "The setups", f.states(), "edge done")
	})
}

// TestCDNsComeAndGo at a site in force. One that has lost its last is followed all the same.
func TestCDNsComeAndGo(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		publishes(f, with, siteWith(www, "192.0.2.1", "big", "edge"))
		expect(t, "What was asked", f.done(), "create big [www.example.org][192.0.2.1]")
		publishes(f, with, siteWith(www, "192.0.2.1"))
		expect(t, "The setups", f.states()+f.done(), "big leaving, edge leaving")
		time.Sleep(31 * time.Second)
		expect(t, "What the CDNs have", f.sides(), "")
		expect(t, "The setups", f.states(), "big removed, edge removed")
		f.done()
		publishes(f, with, siteWith(www, "192.0.2.1", "edge"))
		expect(t, "What was asked", f.done(), "create edge [www.example.org][192.0.2.1]")
		publishes(f, with, nil)
		time.Sleep(31 * time.Second)
		expect(t, "The setups of a site that is gone", f.states(), "")
	})
}

// TestWhatIsLeftAlone is a site that nobody has onboarded, one that an onboarding is at, and one
// that this server does not serve although it is in the store.
func TestWhatIsLeftAlone(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		f.publish("shop.example.org", siteWith("shop.example.org", "192.0.2.9", "edge"))
		with.Changed("shop.example.org")
		f.change(func() { f.hidden[www] = true })
		with.Changed(www)
		time.Sleep(time.Hour)
		expect(t, "What is not served here", f.states()+f.done(), "edge done")

		f.change(func() { f.hidden[www], f.busy[www] = false, true })
		publishes(f, with, siteWith(www, "192.0.2.2", "edge"))
		time.Sleep(time.Minute)
		expect(t, "During an onboarding", f.states()+f.done(), "edge done")
		f.change(func() { f.busy[www] = false })
		time.Sleep(2 * time.Second)
		expect(t, "After it", f.done(), "create edge [www.example.org][192.0.2.2]")
	})
}

// TestAnOffboardingTakesItDown, and nothing is left to follow.
func TestAnOffboardingTakesItDown(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		gone := f.sites[www]
		f.change(func() { f.busy[www] = true })
		publishes(f, with, nil)
		f.change(func() { f.fails = func(string) error { return onboard.Refuse(errors.New("no")) } })
		if err := f.takeDown(with, gone, "edge"); err == nil {
			t.Error("Expected the error of the CDN")
		}
		f.change(func() { f.fails = func(string) error { return nil } })
		expect(t, "What an offboarding has begun", f.states(), "edge leaving")
		must(t, f.takeDown(with, gone, "edge"))
		expect(t, "What it has done", f.states()+f.sides(), "")
	})
}

// TestWhatAnOffboardingLeftIsRemoved later.
func TestWhatAnOffboardingLeftIsRemoved(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		gone := f.sites[www]
		f.change(func() {
			f.busy[www] = true
			f.fails = func(string) error { return errBusyNode }
		})
		publishes(f, with, nil)
		if err := f.takeDown(with, gone, "edge"); err == nil {
			t.Error("Expected the error of the CDN")
		}
		f.change(func() {
			f.busy[www] = false
			f.fails = func(string) error { return nil }
		})
		time.Sleep(33 * time.Second)
		expect(t, "What is left", f.states()+f.sides(), "")
	})
}

// TestWhatFailsIsTriedAgain after 1, 2, 4 ... seconds and then once a minute, and an
// operator is told once.
func TestWhatFailsIsTriedAgain(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		f.change(func() { f.fails = func(string) error { return errBusyNode } })
		publishes(f, with, siteWith(www, "192.0.2.2", "edge"))
		began := f.row(www, "edge").Since.UTC().Format(time.RFC3339)
		time.Sleep(time.Minute)
		if got := strings.Count(f.done(), "create"); got != 6 {
			t.Errorf("Expected 6 tries in a minute, got %d", got)
		}
		expect(t, "The log", f.said(), "")
		time.Sleep(time.Hour)
		if got := strings.Count(f.done(), "create"); got < 58 || got > 61 {
			t.Errorf("Expected a try a minute, got %d in an hour", got)
		}
		expect(t, "The log", f.said(), `cdn "edge" does not follow site "www.example.org" since `+began+": the node is busy")
		expect(t, "The setups", f.states()+": "+f.row(www, "edge").Words, "edge changing: the node is busy")
		f.change(func() { f.fails = func(string) error { return nil } })
		time.Sleep(61 * time.Second)
		expect(t, "What the CDN has", f.sides(), "edge: [www.example.org][192.0.2.2]")
		if got := fmt.Sprint(f.counts); got != "map[done:1]" {
			t.Errorf("Expected the setups to be counted, got %s", got)
		}
	})
}

// TestWhatIsRefusedWaitsForAChange.
func TestWhatIsRefusedWaitsForAChange(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		f.change(func() { f.fails = func(string) error { return onboard.Refuse(errors.New("exit status 1")) } })
		publishes(f, with, siteWith(www, "192.0.2.2", "edge"))
		with.ChangedAll()
		time.Sleep(time.Hour)
		expect(t, "What was asked", f.done(), "create edge [www.example.org][192.0.2.2]")
		expect(t, "The setups", f.states(), "edge refused")
		expect(t, "The log", f.said(), `cdn "edge" does not follow site "www.example.org": exit status 1`)
		f.change(func() { f.fails = func(string) error { return nil } })
		publishes(f, with, siteWith(www, "192.0.2.1", "edge"))
		expect(t, "What was asked for what it may have still", f.done(), "create edge [www.example.org][192.0.2.1]")
		expect(t, "The setups", f.states(), "edge done")
	})
}

// TestAPanicIsAFailureOfTheTry of a follower, too.
func TestAPanicOfACDNIsAFailure(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		left := 2
		f.change(func() {
			f.fails = func(string) error {
				if left--; left >= 0 {
					panic("create")
				}
				return nil
			}
		})
		publishes(f, with, siteWith(www, "192.0.2.2", "edge"))
		time.Sleep(10 * time.Second)
		expect(t, "The setups", f.states(), "edge done")
		if said := f.said(); strings.Count(said, `cdn "edge" of site "www.example.org" panicked: create`) != 2 {
			t.Errorf("Expected both to be said, got %s", said)
		}
	})
}

// TestACDNThatHangsLeavesRoom for others.
func TestACDNThatHangsLeavesRoom(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newField()
		with := f.follower(alone)
		for i := range 40 {
			name := fmt.Sprintf("s%d.example.org", i)
			f.publish(name, siteWith(name, "192.0.2.1", "big", "edge"))
			must(t, f.setUp(with, name, "big"))
			f.publish(name, siteWith(name, "192.0.2.2", "big", "edge"))
		}
		f.hangs = "big"
		during(with, func() { time.Sleep(time.Minute) })
		if got := strings.Count(f.sides(), "edge: "); got != 40 {
			t.Errorf("Expected 40 sites at the other CDN, got %d", got)
		}
	})
}

// TestAFollowerIsKilledAnywhere: before and after each thing that it does, and the next one
// comes to the same.
func TestAFollowerIsKilledAnywhere(t *testing.T) {
	last := siteWith(www, "192.0.2.2", "big")
	for dies := 1; ; dies++ {
		died := false
		bubble.Test(t, func(t *testing.T) {
			f := newField()
			first := f.follower(alone)
			f.publish(www, siteWith(www, "192.0.2.1", "edge"))
			must(t, f.setUp(first, www, "edge"))
			f.publish(www, last)
			ctx, kill := context.WithCancel(context.Background())
			killed := f.dies(dies, kill)
			var running sync.WaitGroup
			running.Go(func() { first.Run(ctx) })
			time.Sleep(time.Minute)
			kill()
			running.Wait()
			died = *killed
			f.point = func() {}
			during(f.follower(alone), func() { time.Sleep(2 * time.Minute) })
			expect(t, fmt.Sprintf("Killed at %d, what the CDNs have", dies), f.sides(), "big: [www.example.org][192.0.2.2]")
			expect(t, fmt.Sprintf("Killed at %d, the setups", dies), f.states(), "big done, edge removed")
		})
		if !died {
			break
		}
	}
}

// TestAnOnboardingIsKilledAnywhere in what it has a provider do: its step is tried again, or
// is given up without another try.
func TestAnOnboardingIsKilledAnywhere(t *testing.T) {
	for _, c := range []struct {
		name         string
		begin, again func(ctx context.Context, f *field, with *onboard.Follower) error
		there        bool
		want         string
	}{
		{"onboard", setsUp, setsUp, true, "edge: [www.example.org][192.0.2.1]"},
		{"onboard, and left", setsUp, nil, false, ""},
		{"offboard", takesDown, takesDown, false, ""},
		{"offboard, and left", takesDown, nil, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for dies, died := 1, true; died; dies++ {
				bubble.Test(t, func(t *testing.T) {
					f := newField()
					f.publish(www, siteWith(www, "192.0.2.1", "edge"))
					if strings.HasPrefix(c.name, "offboard") {
						must(t, f.setUp(f.follower(alone), www, "edge"))
					}
					ctx, kill := context.WithCancel(context.Background())
					killed := f.dies(dies, kill)
					c.begin(ctx, f, f.follower(alone))
					died = *killed
					f.point = func() {}
					kill()
					if c.again != nil {
						must(t, c.again(context.Background(), f, f.follower(alone)))
					}
					if !c.there {
						f.publish(www, nil)
					}
					during(f.follower(alone), func() { time.Sleep(2 * time.Minute) })
					expect(t, fmt.Sprintf("Killed at %d, what the CDN has", dies), f.sides(), c.want)
					expect(t, fmt.Sprintf("Killed at %d, the setups", dies), f.states(), map[bool]string{true: "edge done"}[c.there])
				})
			}
		})
	}
}

func setsUp(ctx context.Context, f *field, with *onboard.Follower) error {
	return f.setUpWithin(ctx, with, www, "edge")
}

func takesDown(ctx context.Context, f *field, with *onboard.Follower) error {
	return f.takeDownWithin(ctx, with, siteWith(www, "192.0.2.1", "edge"), "edge")
}

// TestFollowersHandOver: of two servers the one whose turn it is follows, and another one
// that comes in the middle goes on.
func TestFollowersHandOver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newField()
		turn := func(server string) func() (store.Fence, bool) {
			return func() (store.Fence, bool) {
				f.mu.Lock()
				defer f.mu.Unlock()
				return f.holder, f.holder.Server == server
			}
		}
		f.holder = store.Fence{Server: "one", Term: 1}
		one, two := f.follower(turn("one")), f.follower(turn("two"))
		f.publish(www, siteWith(www, "192.0.2.1", "edge"))
		must(t, f.setUp(one, www, "edge"))
		if err := f.setUp(two, www, "edge"); err == nil || err.Error() != "another server decides by now" {
			t.Errorf("Expected the other one to do nothing, got %v", err)
		}
		f.done()
		f.change(func() { f.fails = func(string) error { return errBusyNode } })
		f.publish(www, siteWith(www, "192.0.2.2", "edge"))
		during(one, func() {
			during(two, func() {
				time.Sleep(20 * time.Second)
				if got := f.done(); !strings.HasPrefix(got, "create edge") {
					t.Errorf("Expected the first one to try, got %s", got)
				}
				f.change(func() { f.holder = store.Fence{Server: "two", Term: 2} })
				time.Sleep(4 * time.Second)
				expect(t, "Before the first one has noticed for sure", f.done(), "")
				f.change(func() { f.fails = func(string) error { return nil } })
				time.Sleep(time.Minute)
				expect(t, "What the second one does", f.done(), "create edge [www.example.org][192.0.2.2]")
				expect(t, "The setups", f.states(), "edge done")
			})
		})
	})
}

// TestAnyChangesAreFollowed: whatever is published and fails, in the end each CDN has what
// is in force.
func TestAnyChangesAreFollowed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		changes := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 8).Draw(r, "changes")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 40), len(changes), len(changes)).Draw(r, "pauses")
		percent := rapid.IntRange(0, 80).Draw(r, "failures in percent")
		seed := rapid.Uint64().Draw(r, "seed")
		bubble.Test(t, func(t *testing.T) {
			f := newField()
			with := f.follower(alone)
			f.publish(www, siteWith(www, "192.0.2.1", "edge"))
			must(t, f.setUp(with, www, "edge"))
			f.fails = func(string) error {
				if seed = seed*6364136223846793005 + 1442695040888963407; int(seed>>33)%100 < percent {
					return errBusyNode
				}
				return nil
			}
			var last *site.Site
			during(with, func() {
				for i, change := range changes {
					last = siteWith(www, fmt.Sprintf("192.0.2.%d", 1+change%2), [][]string{{"edge"}, {"edge", "big"}, {"big"}, {}}[change/2]...)
					publishes(f, with, last)
					time.Sleep(time.Duration(pauses[i]) * time.Second)
				}
				f.change(func() { f.fails = func(string) error { return nil } })
				time.Sleep(5 * time.Minute)
			})
			var want []string
			for _, cdn := range []string{"big", "edge"} {
				for _, c := range last.CDNs {
					if c.Name == cdn {
						want = append(want, fmt.Sprintf("%s: [www.example.org]%s", cdn, last.Origins[0].Addresses))
					}
				}
			}
			expect(t, fmt.Sprint("After ", changes), f.sides(), strings.Join(want, ", "))
		})
	})
}
