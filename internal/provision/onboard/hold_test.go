package onboard_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

var errFull = errors.New("the disk is full")

// seldom expects something to have been done so often at most.
func seldom(t *testing.T, what string, got, most int) {
	t.Helper()
	if got > most {
		t.Errorf("Expected %s at most %d times, got %d", what, most, got)
	}
}

// TestWhatIsDueAndNotServedHere waits until it is, and says so.
func TestWhatIsDueAndNotServedHere(t *testing.T) {
	for what, to := range map[string]*site.Site{"create": siteWith(www, "192.0.2.2", "edge"), "remove": siteWith(www, "192.0.2.1")} {
		t.Run(what, func(t *testing.T) {
			followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
				f.change(func() { f.fails = func(string) error { return errBusyNode } })
				publishes(f, with, to)
				time.Sleep(40 * time.Second)
				f.done()
				f.change(func() {
					f.hidden[www], f.looks = true, 0
					f.fails = func(string) error { return nil }
				})
				with.ChangedAll()
				time.Sleep(time.Hour)
				seldom(t, "it to look for what is due in an hour", f.looked(), 3700)
				expect(t, "What was asked", f.done(), "")
				expect(t, "Its words", f.row(www, "edge").Words, "the site is in the store, and this server does not serve it")
				f.change(func() { f.hidden[www] = false })
				with.ChangedAll()
				time.Sleep(61 * time.Second)
				expect(t, "What was asked once it is served", f.done()[:11], what+" edge")
			})
		})
	}
}

// TestAStoreThatTakesNothing has nobody be asked, and the follower not look without a pause.
// Once it takes something again, all goes on.
func TestAStoreThatTakesNothing(t *testing.T) {
	for name, fails := range map[string]error{"a CDN that works": nil, "one that is busy": errBusyNode, "one that refuses": onboard.Refuse(errBusyNode)} {
		t.Run(name, func(t *testing.T) {
			followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
				asked := 0
				f.change(func() {
					f.looks = 0
					f.fails = func(string) error { // the disk is full from the first try on
						asked, f.full = asked+1, errFull
						return fails
					}
				})
				publishes(f, with, siteWith(www, "192.0.2.2", "edge"))
				time.Sleep(time.Hour)
				f.change(func() { seldom(t, "the CDN to be asked in an hour", asked, 1) })
				seldom(t, "it to look for what is due in an hour", f.looked(), 3700)
				f.change(func() {
					f.full = nil
					f.fails = func(string) error { return nil }
				})
				time.Sleep(62 * time.Second)
				expect(t, "The setups", f.states(), "edge done")
			})
		})
	}
}

// TestAStoreThatTakesHalf: what is begun can be written, and what came of it cannot. It is
// tried as often as what fails.
func TestAStoreThatTakesHalf(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		asked := 0
		f.change(func() {
			f.fails = func(string) error {
				asked, f.full = asked+1, errFull
				time.AfterFunc(500*time.Millisecond, func() { f.change(func() { f.full = nil }) })
				return nil
			}
		})
		publishes(f, with, siteWith(www, "192.0.2.2", "edge"))
		time.Sleep(time.Hour)
		f.change(func() {
			if asked < 58 || asked > 70 {
				t.Errorf("Expected some 65 tries in an hour, got %d", asked)
			}
		})
	})
}

// TestAStoreThatTakesNoOnboarding has nobody be asked, and the runner not look without a
// pause.
func TestAStoreThatTakesNoOnboarding(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, s := newWorld(), newShelf(newOnboarding(site.Onboard, www, "edge"))
		full := true
		s.takes = time.Millisecond
		s.deny = func(int) error {
			if full {
				return errFull
			}
			return nil
		}
		run(s, w, func() {
			time.Sleep(time.Hour)
			expect(t, "What was done", w.did(), "")
			s.mu.Lock()
			seldom(t, "it to look for what is due in an hour", s.looks, 3700)
			seldom(t, "it to be tried to write it in an hour", s.puts, 70)
			full = false
			s.mu.Unlock()
			time.Sleep(2 * time.Minute)
		})
		expect(t, "The steps", shown(s.get("id-"+www)), "done: check=done proof=done cdnedge=done certificate=done verify=done publish=done live=done")
	})
}
