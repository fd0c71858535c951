package onboard_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestAnotherProviderDuringAnOnboarding is asked once that is over: what an onboarding has
// done it has done with the one before, also where that had to wait for its turn.
func TestAnotherProviderDuringAnOnboarding(t *testing.T) {
	other := site.Provision{Webhook: &site.Webhook{URL: "https://other.example.net/"}}
	t.Run("while it is asked", func(t *testing.T) {
		bubble.Test(t, func(t *testing.T) {
			f := newField()
			with := f.follower(alone)
			f.publish(www, siteWith(www, "192.0.2.1", "edge"))
			f.asked = func() { f.blocks["edge"] = other }
			must(t, f.setUp(with, www, "edge"))
			f.done()
			during(with, func() { time.Sleep(5 * time.Second) })
			expect(t, "What was asked of the other provider", f.done(), "create edge [www.example.org][192.0.2.1]")
			expect(t, "The setups", f.states(), "edge done")
		})
	})
	t.Run("before it is asked", func(t *testing.T) {
		bubble.Test(t, func(t *testing.T) {
			f := newField()
			with := f.follower(alone)
			f.publish(www, siteWith(www, "192.0.2.1", "edge"))
			p, _ := with.Recorded(f).Provider("edge")
			f.blocks["edge"] = other
			must(t, f.setUpBy(t.Context(), p, www, "edge"))
			f.done()
			during(with, func() { time.Sleep(5 * time.Second) })
			expect(t, "What was asked of the other provider", f.done(), "create edge [www.example.org][192.0.2.1]")
		})
	})
}
