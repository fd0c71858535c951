package engine

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Bounds of the journal.
const (
	journalEvery  = time.Second
	trimEvery     = 10 * time.Minute
	maxEntries    = 100_000 // that wait while the store is away; the oldest go first
	entriesAtOnce = 1000
)

// enter notes a decision for the journal, if it was taken here: by measuring, or by an
// override that only this server knows, or its end.
func (e *Engine) enter(r *runner, before, d site.Decision, now time.Time) {
	if undecided(before) && undecided(d) {
		return // a site begins
	}
	e.relay(r, d, now)
	k := e.current.kept
	if k == nil || k.db == nil || e.role == roleFollows && !local(before) && !local(d) {
		return
	}
	e.await(append(e.entries, entryOf(r, d, now)))
}

// relay has those who look on know of a decision that this server goes by.
func (e *Engine) relay(r *runner, d site.Decision, now time.Time) {
	entry := shownEntry(entryOf(r, d, now))
	if e.role == roleFollows && !local(d) {
		entry.Server = e.holder
	}
	e.api.Decided(entry, r.site.Customer)
}

// await has decisions wait for the journal, as many as may.
func (e *Engine) await(entries []store.Entry) {
	lost := max(0, len(entries)-maxEntries)
	e.entries = entries[lost:]
	e.cfg.Metrics.journalLost.Add(float64(lost))
}

// undecided reports whether nobody has decided, because nothing is known yet.
func undecided(d site.Decision) bool {
	return d.Side == site.SideUnknown && d.Reason.Override == nil
}

// local reports whether an override of this server alone decided.
func local(d site.Decision) bool { return d.Reason.Override != nil && d.Reason.Override.Local }

// entryOf returns a decision as it goes into the journal.
func entryOf(r *runner, d site.Decision, now time.Time) store.Entry {
	entry := store.Entry{
		At: now, Site: strings.TrimSuffix(r.site.Name(), "."), Side: d.Side, Share: d.Share, Cause: d.Reason.Cause,
		Signal: d.Reason.Signal, Value: d.Reason.Value, Limit: d.Reason.Limit, V: d.Reason.V, Age: d.Reason.Age,
		Detail: d.Reason.String(), TTL: d.TTL, Epoch: d.Epoch,
	}
	if k := r.generation.kept; k != nil {
		entry.Revision, entry.Server = k.serves(), k.cfg.Server
	}
	if o := d.Reason.Override; o != nil {
		entry.Override = o.ID
	}
	for _, c := range d.CDNs {
		entry.CDNs = append(entry.CDNs, c.Name)
	}
	return entry
}

// journal is the task that writes decisions into the store, and drops old ones.
func (e *Engine) journal(ctx context.Context) error {
	tick := time.NewTicker(journalEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			e.writeEntries(context.Background())
			return nil
		case now := <-tick.C:
			if err := e.writeEntries(ctx); err == nil && now.Sub(e.trimmed) >= trimEvery {
				e.trimmed = now
				e.trim(ctx)
			}
		}
	}
}

// writeEntries writes what waits. What could not be written waits on.
func (e *Engine) writeEntries(ctx context.Context) error {
	for {
		k, entries := e.takeEntries()
		if len(entries) == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		db, err := k.db.get(ctx)
		if err == nil {
			err = db.Record(ctx, entries)
		}
		cancel()
		if err != nil {
			e.putBack(entries)
			return fmt.Errorf("writing the journal: %w", err)
		}
	}
}

func (e *Engine) takeEntries() (*Kept, []store.Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil || e.current.kept == nil || e.current.kept.db == nil {
		return nil, nil
	}
	n := min(len(e.entries), entriesAtOnce)
	taken := e.entries[:n:n]
	e.entries = e.entries[n:]
	return e.current.kept, taken
}

func (e *Engine) putBack(entries []store.Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.await(append(entries, e.entries...))
}

// trim drops decisions that are older, or more, than the Corefile says, and what was
// answered to writes long ago.
func (e *Engine) trim(ctx context.Context) {
	k := e.inForceKept()
	if k == nil || k.db == nil || e.roleNow() == roleFollows {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, err := k.db.get(ctx)
	if err == nil {
		err = cmp.Or(db.TrimJournal(ctx, k.cfg.Journal, k.cfg.Rows), db.TrimKeys(ctx))
	}
	if err != nil {
		e.cfg.Log.Warningf("tidying the store: %v", err)
	}
}
