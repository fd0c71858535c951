package engine

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestAnOverrideThatIsOverByTheClockOfTheStore was given to it, and is not given again;
// here it ends by the clock of this server.
func TestAnOverrideThatIsOverByTheClockOfTheStore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		s := newMeetingPoint().serve(t, "a", wwwOnly())
		time.Sleep(5 * time.Second)
		s.want(wwwSite, origin)
		now := time.Now()
		o, err := s.setLocal(site.Override{
			Scope: site.ScopeAll, Action: site.OverrideCDN, CDN: "edge", Owner: "alice", Reason: "a test", Since: now, Until: now.Add(20 * time.Second),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.localOverrides(); len(got) != 1 || got[0].ID != o.ID {
			t.Fatalf("Expected the store to be given it, got %v", got)
		}
		s.Engine.mu.Lock()
		s.merged[o.ID] = true
		s.setOverrides(nil, time.Now()) // the store does not list it
		s.Engine.mu.Unlock()
		if got := s.localOverrides(); len(got) != 0 {
			t.Errorf("Expected the store not to be given it again, got %v", got)
		}
		time.Sleep(15 * time.Second)
		s.want(wwwSite, cdnSide)
		time.Sleep(10 * time.Second)
		s.want(wwwSite, origin)
		if len(s.merged) != 0 {
			t.Errorf("Expected nothing to be left of it, got %v", s.merged)
		}
	})
}
