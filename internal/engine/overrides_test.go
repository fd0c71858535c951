//go:build linux

package engine_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// toCDN sends all sites to their CDN for a time, by this server alone.
func toCDN(t *testing.T, e *engine.Engine, d time.Duration) (id string) {
	t.Helper()
	o, err := e.Configuration().SetOverride(context.Background(), api.OverrideRequest{
		Force: api.Force{Scope: site.ScopeAll, Action: site.OverrideCDN, CDN: "edge"}, For: api.Seconds(d), Why: "a trial", Local: true,
	}, alice)
	must(t, err)
	return o.ID
}

// TestAnOverrideIsAnnouncedBeforeItEnds, once, and so is its end.
func TestAnOverrideIsAnnouncedBeforeItEnds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, reg := w.engine(t)
		g := e.Offer(t.Context(), engine.Sites{Sites: []*site.Site{newSite(www, "192.0.2.1")}})
		e.Promote()
		id := toCDN(t, e, time.Hour)
		const soon, over = " ends in ", " has ended: "
		for _, step := range []struct {
			after       time.Duration
			soon, over  int
			answer      string
			inForceHere float64
		}{
			{0, 0, 0, "edge.example.net.", 1},
			{44 * time.Minute, 0, 0, "edge.example.net.", 1},
			{time.Minute + 2*time.Second, 1, 0, "edge.example.net.", 1},
			{14 * time.Minute, 1, 0, "edge.example.net.", 1},
			{time.Minute, 1, 1, "1 A", 0},
			{time.Hour, 1, 1, "1 A", 0},
		} {
			time.Sleep(step.after)
			if announced, ended := w.said(id+"' of all sites"+soon), w.said(id+"' of all sites"+over); announced != step.soon || ended != step.over {
				t.Errorf("%s later: Expected %d and %d words, got %d and %d", step.after, step.soon, step.over, announced, ended)
			}
			if got := answer(g, www); got != step.answer {
				t.Errorf("%s later: Expected %s, got %s", step.after, step.answer, got)
			}
			if got := gauge(t, reg, "coredns_cdnredirect_overrides", "local"); got != step.inForceHere {
				t.Errorf("%s later: Expected %v in force, got %v", step.after, step.inForceHere, got)
			}
		}
		if w.said("ends in 15m0s: ")+w.said("ends in 14m59s: ") == 0 {
			t.Errorf("Expected it to be said how soon, got %q", w.logged())
		}
	})
}

func TestAShortOverrideIsAnnouncedAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		e.Offer(t.Context(), engine.Sites{Sites: []*site.Site{newSite(www, "192.0.2.1")}})
		e.Promote()
		toCDN(t, e, 10*time.Minute)
		time.Sleep(2 * time.Second)
		if n := w.said(" ends in "); n != 1 {
			t.Errorf("Expected one word of the end, got %d", n)
		}
	})
}

// apart is a server whose store is away, with a folder of its own.
type apart struct {
	*world
	state, store string // folders
	engine       *engine.Engine
}

// startApart starts one, beside a store that is hidden from it.
func startApart(t *testing.T) *apart {
	t.Helper()
	dir := t.TempDir()
	a := &apart{state: filepath.Join(dir, "state"), store: filepath.Join(dir, "store")}
	sowIn(t, a.store, "a seed")
	rename(t, a.store, a.store+".away")
	a.start(t)
	return a
}

// start starts the server.
func (a *apart) start(t *testing.T) {
	t.Helper()
	a.world = newWorld()
	a.engine, _ = a.world.engine(t)
	k := keepThis(t, a.engine, engine.Keeping{State: a.state, Server: "one", Journal: time.Hour, Rows: 1000, Store: storeIn(a.store)})
	a.engine.Offer(context.Background(), engine.Sites{Kept: k, Sites: []*site.Site{newSite(www, "192.0.2.1")}, Seed: k.Seed()})
	a.engine.Promote()
}

// restart ends the server and starts it again, with the store there or not.
func (a *apart) restart(t *testing.T, stored bool) {
	t.Helper()
	a.engine.Close()
	if stored {
		rename(t, a.store+".away", a.store)
	}
	a.start(t)
}

// inStore does something with the store, which is away.
func (a *apart) inStore(t *testing.T, do func(db *store.Store) error) {
	t.Helper()
	db, err := store.Open(context.Background(), storeIn(a.store+".away"))
	must(t, err)
	defer db.Close()
	must(t, do(db))
}

// inForce returns the IDs of the overrides in force, those of this server alone with a star.
func (a *apart) inForce(t *testing.T) (ids []string) {
	t.Helper()
	all, err := a.engine.Configuration().Overrides(context.Background())
	must(t, err)
	for _, o := range all {
		id := o.ID
		if o.Local {
			id += "*"
		}
		ids = append(ids, id)
	}
	return ids
}

// want waits until just these overrides are in force.
func (a *apart) want(t *testing.T, ids ...string) {
	t.Helper()
	var got []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = a.inForce(t); slices.Equal(got, ids) {
			return
		}
	}
	t.Fatalf("Expected the overrides %q, got %q", ids, got)
}

// knows has the store have an override of alice.
func knows(id string) func(db *store.Store) error {
	return func(db *store.Store) error {
		_, err := db.As(store.Viewer{Name: "alice", Operator: true}).SetOverride(context.Background(), site.Override{
			ID: id, Scope: site.ScopeAll, Action: site.OverrideCDN, CDN: "edge", Reason: "a trial", Since: time.Now(), Until: time.Now().Add(time.Hour),
		})
		return err
	}
}

// cleared has bob end it there.
func cleared(id string) func(db *store.Store) error {
	return func(db *store.Store) error {
		return db.As(store.Viewer{Name: "bob", Operator: true}).ClearOverride(context.Background(), id)
	}
}

// TestALocalOverrideBecomesTheStores when that is there, over a restart.
func TestALocalOverrideBecomesTheStores(t *testing.T) {
	t.Parallel()
	a := startApart(t)
	id := toCDN(t, a.engine, time.Hour)
	a.want(t, id+"*")
	a.restart(t, false)
	a.want(t, id+"*")
	a.restart(t, true)
	a.want(t, id)
}

// TestAnOverrideThatTheStoreRefusesEnds: another server gave it to the store, and there it
// was ended.
func TestAnOverrideThatTheStoreRefusesEnds(t *testing.T) {
	t.Parallel()
	a := startApart(t)
	id := toCDN(t, a.engine, time.Hour)
	a.inStore(t, knows(id))
	a.inStore(t, cleared(id))
	a.restart(t, true)
	a.want(t)
	if a.said("override '"+id+"' ends: the store does not take it: ") != 1 || a.said("it was cleared") != 1 {
		t.Errorf("Expected a word of why it ends, got %q", a.logged())
	}
	a.restartThere(t)
	a.want(t)
}

// restartThere is restart with the store there before and after.
func (a *apart) restartThere(t *testing.T) {
	t.Helper()
	a.engine.Close()
	a.start(t)
}

// TestAnOverrideThatWasEndedHereEndsInTheStore when that is there, by the name of who
// ended it.
func TestAnOverrideThatWasEndedHereEndsInTheStore(t *testing.T) {
	t.Parallel()
	a := startApart(t)
	id := toCDN(t, a.engine, time.Hour)
	a.inStore(t, knows(id)) // it was given to the store, which this server did not hear
	must(t, a.engine.Configuration().ClearOverride(context.Background(), id, operator("carol")))
	a.want(t)
	a.restart(t, false)
	a.want(t)
	a.restart(t, true)
	a.want(t)
	a.engine.Close()
	rename(t, a.store, a.store+".away")
	a.inStore(t, func(db *store.Store) error {
		left, err := db.Overrides(context.Background())
		if len(left) > 0 {
			t.Errorf("Expected none to be left in the store, got %v", left)
		}
		return err
	})
	a.inStore(t, func(db *store.Store) error {
		said, err := db.As(store.Viewer{Name: "alice", Operator: true}).Audit(context.Background(), 0, 1)
		if err == nil && (said[0].Who != "carol" || said[0].What != "clear override "+id) {
			t.Errorf("Expected carol to have ended it, got %+v", said)
		}
		return err
	})
}
