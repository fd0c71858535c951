package onboard_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// lasts is the site at its CDN, or at none, with a TTL.
func lasts(ttl time.Duration, cdns ...string) *site.Site {
	s := siteWith(www, "192.0.2.1", cdns...)
	s.TTL = site.NewTTL(ttl)
	return s
}

// TestALoweredTTL: resolvers have answers with the one before for as long as that said.
func TestALoweredTTL(t *testing.T) {
	for name, last := range map[string]*site.Site{"its CDN goes": lasts(30 * time.Second), "it goes": nil} {
		t.Run(name, func(t *testing.T) {
			followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
				publishes(f, with, lasts(time.Hour, "edge"))
				time.Sleep(30 * time.Minute)
				began := time.Now()
				publishes(f, with, lasts(30*time.Second, "edge"))
				publishes(f, with, lasts(20*time.Second, "edge")) // shortens nothing
				publishes(f, with, lasts(time.Minute, "edge"))
				time.Sleep(time.Minute)
				publishes(f, with, last)
				time.Sleep(time.Hour - time.Since(began) - time.Second)
				expect(t, "While resolvers have answers of before", f.done()+f.states(), "edge leaving")
				time.Sleep(2 * time.Second)
				expect(t, "What was asked after that", f.done(), "remove edge")
			})
		})
	}
}

// TestAnOffboardingAfterALoweredTTL drains for as long, whether the follower has seen the
// change yet or not.
func TestAnOffboardingAfterALoweredTTL(t *testing.T) {
	followed(t, func(t *testing.T, f *field, with *onboard.Follower) {
		publishes(f, with, lasts(time.Hour, "edge"))
		now := time.Now()
		until := func(what string, from, want time.Time) {
			t.Helper()
			got, err := with.Forgotten(t.Context(), www, from)
			must(t, err)
			if !got.Equal(want) {
				t.Errorf("%s: Expected resolvers to have forgotten it at %s, got %s", what, want, got)
			}
		}
		until("Before the change is seen", now.Add(time.Minute), now.Add(time.Minute+time.Hour))
		publishes(f, with, lasts(30*time.Second, "edge"))
		kept := f.row(www, "edge").Kept
		until("Soon after", now.Add(time.Minute), kept)
		until("Long after", now.Add(2*time.Hour), now.Add(2*time.Hour+30*time.Second))
		f.change(func() {
			f.busy[www] = true
			f.fails = func(string) error { return errBusyNode }
		})
		if err := f.takeDown(with, lasts(10*time.Second, "edge"), "edge"); err == nil {
			t.Error("Expected the error of the CDN")
		}
		until("During an offboarding", now.Add(time.Minute), kept)
	})
	bubble.Test(t, func(t *testing.T) {
		w, s := newWorld(), newShelf(newOnboarding(site.Offboard, www, "edge"))
		w.kept = time.Now().Add(time.Hour)
		run(s, w, func() {
			time.Sleep(59 * time.Minute)
			expect(t, "While resolvers have answers of before", w.left(), "in force [], claims [], sides []")
			expect(t, "What was done", w.did(), "check www.example.org, publish www.example.org, live www.example.org")
			time.Sleep(2 * time.Minute)
		})
		expect(t, "What was done after that", w.did(), "check www.example.org, publish www.example.org, live www.example.org, remove edge www.example.org, release www.example.org")
	})
}
