//go:build linux

package engine_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
)

// TestWhatCannotBeKeptIsKeptLater: what operators say, decisions and the configuration.
// It is said once, and holds meanwhile.
func TestWhatCannotBeKeptIsKeptLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state, stored := filepath.Join(dir, "state"), filepath.Join(dir, "store")
	sowIn(t, stored, "a seed")
	publishIn(t, stored, storedObject("new"))
	w := newWorld()
	e, reg := w.engine(t)
	start := func(e *engine.Engine) *engine.Kept {
		k := keepThis(t, e, engine.Keeping{State: state, Server: "one", Journal: time.Hour, Rows: 1000, Store: storeIn(stored)})
		e.Offer(t.Context(), engine.Sites{Kept: k, Sites: k.Sites(), Seed: k.Seed()})
		e.Promote()
		return k
	}
	start(e)
	awaitGauges(t, reg, map[string]float64{"state_unsaved": 0, "revision": 1})

	rename(t, state, state+".away")
	id := toCDN(t, e, time.Hour)
	awaitGauges(t, reg, map[string]float64{"state_unsaved": 1})
	c := e.Configuration()
	must(t, put(t, c, aSite("more")))
	_, err := c.Publish(t.Context(), api.PublishRequest{Why: "a test"}, alice)
	must(t, err)
	awaitGauges(t, reg, map[string]float64{"state_unsaved": 1, "revision": 2})
	time.Sleep(2 * time.Second) // as often as not it is tried again
	if n := w.said("keeping the state: "); n != 1 {
		t.Errorf("Expected one word of it, got %d: %q", n, w.logged())
	}
	rename(t, state+".away", state)
	awaitGauges(t, reg, map[string]float64{"state_unsaved": 0})
	e.Close()

	rename(t, stored, stored+".away") // what is left is what was kept
	other, _ := newWorld().engine(t)
	k := start(other)
	if names := namesOf(k); len(names) != 2 {
		t.Errorf("Expected both sites of the store to be kept, got %q", names)
	}
	kept, err := other.Configuration().Overrides(t.Context())
	must(t, err)
	if len(kept) != 1 || kept[0].ID != id || kept[0].Sites != 2 {
		t.Errorf("Expected override %s to be kept, and to be for both sites, got %+v", id, kept)
	}
}
