package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// journaling is an engine, without its tasks, whose store is away, and a runner of a
// site.
func journaling(t *testing.T) (*Engine, *runner) {
	t.Helper()
	e, r := settling()
	cfg := Keeping{Server: "one", Store: store.Config{Driver: "sqlite", Source: filepath.Join(t.TempDir(), "store"), Server: "one"}, Journal: time.Hour, Rows: 5}
	k := &Kept{cfg: cfg, db: newDatabase(cfg, func() {})}
	t.Cleanup(k.db.close)
	k.db.tried, k.db.err = time.Now().Add(time.Hour), errors.New("away")
	e.current.kept, r.generation.kept = k, k
	return e, r
}

// back has the store be there.
func (e *Engine) back() {
	db := e.current.kept.db
	db.mu.Lock()
	defer db.mu.Unlock()
	db.err = nil
}

// decideTimes enters so many decisions into the journal, whose epochs go on from one.
func (e *Engine) decideTimes(r *runner, epoch, n int) {
	for i := range n {
		e.enter(r, site.Decision{}, site.Decision{Side: site.SideCDN, Epoch: uint64(epoch + i)}, time.Now())
	}
}

// epochsOf tells decisions apart.
func epochsOf(entries []store.Entry) (text string) {
	for _, e := range entries {
		text += fmt.Sprint(" ", e.Epoch)
	}
	return strings.TrimSpace(text)
}

// inJournal returns what is in the store, the oldest first.
func (e *Engine) inJournal(t *testing.T) []store.Entry {
	t.Helper()
	db, err := e.current.kept.db.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := db.As(store.Viewer{Name: "alice", Operator: true}).Journal(t.Context(), store.JournalQuery{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries)
	return entries
}

// TestDecisionsWaitForTheStore, in their order, and each is written once.
func TestDecisionsWaitForTheStore(t *testing.T) {
	t.Parallel()
	e, r := journaling(t)
	e.decideTimes(r, 1, 3)
	for range 2 {
		if err := e.writeEntries(t.Context()); err == nil || err.Error() != "writing the journal: away" {
			t.Errorf("Expected it to be said that the store is away, got %v", err)
		}
	}
	e.decideTimes(r, 4, entriesAtOnce)
	e.back()
	for range 2 {
		if err := e.writeEntries(t.Context()); err != nil {
			t.Error(err)
		}
	}
	var want []store.Entry
	for i := range 3 + entriesAtOnce {
		want = append(want, store.Entry{Epoch: uint64(1 + i)})
	}
	if got := e.inJournal(t); epochsOf(got) != epochsOf(want) {
		t.Errorf("Expected %d decisions in their order, got %d: %s", len(want), len(got), epochsOf(got))
	}
	if lost := testutil.ToFloat64(e.cfg.Metrics.journalLost); lost != 0 {
		t.Errorf("Expected none to be lost, got %v", lost)
	}
}

// TestOfTooManyDecisionsThatWaitTheOldestAreLost, and counted, whether they come while
// others are written or not.
func TestOfTooManyDecisionsThatWaitTheOldestAreLost(t *testing.T) {
	t.Parallel()
	e, r := journaling(t)
	e.decideTimes(r, 1, maxEntries+2)
	_, taken := e.takeEntries()
	e.decideTimes(r, maxEntries+3, 3)
	e.putBack(taken)
	first, last := e.entries[0].Epoch, e.entries[len(e.entries)-1].Epoch
	if len(e.entries) != maxEntries || first != 6 || last != maxEntries+5 {
		t.Errorf("Expected %d decisions from 6 on, got %d from %d to %d", maxEntries, len(e.entries), first, last)
	}
	if lost := testutil.ToFloat64(e.cfg.Metrics.journalLost); lost != 5 {
		t.Errorf("Expected 5 to be counted as lost, got %v", lost)
	}
}

// TestWhoFollowsEntersNothing but what an override of its own decides, or its end.
func TestWhoFollowsEntersNothing(t *testing.T) {
	t.Parallel()
	e, r := journaling(t)
	e.role = roleFollows
	by := func(o *site.Override) site.Decision { return site.Decision{Reason: site.Reason{Override: o}} }
	measured, shared, local := by(nil), by(&site.Override{ID: "shared"}), by(&site.Override{ID: "local", Local: true})
	for _, step := range [][2]site.Decision{{measured, measured}, {measured, shared}, {shared, measured}, {measured, local}, {local, shared}} {
		e.enter(r, step[0], step[1], time.Now())
	}
	var got []string
	for _, entry := range e.entries {
		got = append(got, entry.Override)
	}
	if fmt.Sprint(got) != "[local shared]" {
		t.Errorf("Expected what the local override decided and its end, got %v", got)
	}
}

// TestTheJournalIsTrimmedByWhoDecides, to the age and the number of the Corefile; what
// fails is said.
func TestTheJournalIsTrimmedByWhoDecides(t *testing.T) {
	t.Parallel()
	e, r := journaling(t)
	ctx, said := context.Background(), e.cfg.Log.(*lines)
	e.trim(ctx)
	if got := fmt.Sprint(said.said); got != "[tidying the store: away]" {
		t.Errorf("Expected it to be said that the store is away, got %s", got)
	}
	e.back()
	for i, ago := range []time.Duration{2 * time.Hour, 61 * time.Minute, 50 * time.Minute, 0, 0, 0, 0, 0} {
		e.enter(r, site.Decision{}, site.Decision{Side: site.SideCDN, Epoch: uint64(i)}, time.Now().Add(-ago))
	}
	if err := e.writeEntries(ctx); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		role role
		rows int64
		want string
	}{
		{roleFollows, 5, "0 1 2 3 4 5 6 7"},
		{roleAlone, 100, "2 3 4 5 6 7"},
		{roleDecides, 5, "3 4 5 6 7"},
	} {
		e.role, e.current.kept.cfg.Rows = step.role, step.rows
		e.trim(ctx)
		if got := epochsOf(e.inJournal(t)); got != step.want {
			t.Errorf("Role %d, %d rows: Expected %s, got %s", step.role, step.rows, step.want, got)
		}
	}
}

// TestTheJournalIsTrimmedEveryTenMinutes, in virtual time, which for the database is a
// day long ago: everything is too old.
func TestTheJournalIsTrimmedEveryTenMinutes(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e, r := journaling(t)
		e.back()
		ctx, end := context.WithCancel(context.Background())
		defer end()
		ended := make(chan error, 1)
		go func() { ended <- e.journal(ctx) }()
		time.Sleep(2 * journalEvery) // it is trimmed at the start
		e.mu.Lock()
		e.decideTimes(r, 1, 1)
		e.mu.Unlock()
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{2 * journalEvery, "1"}, {trimEvery - 4*journalEvery, "1"}, {2 * journalEvery, ""}} {
			time.Sleep(step.after)
			if got := epochsOf(e.inJournal(t)); got != step.want {
				t.Errorf("%s later: Expected %q, got %q", step.after, step.want, got)
			}
		}
		e.mu.Lock()
		e.decideTimes(r, 2, 1)
		e.mu.Unlock()
		end() // which writes what is left
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := epochsOf(e.inJournal(t)); got != "2" {
			t.Errorf("Expected the last decision to be written at the end, got %q", got)
		}
		e.current.kept.db.close()
	})
}

// TestABeginningIsNoDecision of a site of which nothing is known.
func TestABeginningIsNoDecision(t *testing.T) {
	e, r := journaling(t)
	e.enter(r, site.Decision{}, site.Decision{Epoch: 1}, time.Now())
	e.decideTimes(r, 2, 1)
	e.enter(r, site.Decision{Side: site.SideCDN, Epoch: 2}, site.Decision{Epoch: 3}, time.Now())
	if got := epochsOf(e.entries); got != "2 3" {
		t.Errorf("Expected what was decided, got %s", got)
	}
}
