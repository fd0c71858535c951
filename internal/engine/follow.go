package engine

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// followEvery is how late at most a change in the store is noticed.
const followEvery = time.Second

// follow is the task that has this server serve what the store says.
func (e *Engine) follow(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.woken:
		case <-tick.C:
		}
		e.followKept(ctx)
	}
}

// followKept looks at the store, if there is one, and counts how this server does.
func (e *Engine) followKept(ctx context.Context) {
	k := e.inForceKept()
	if k == nil || k.db == nil {
		e.cfg.Metrics.storeUp.Set(0)
		e.cfg.Metrics.serves(store.Server{})
		return
	}
	e.reach(ctx, k)
	e.cfg.Metrics.serves(e.own(k, 0))
}

// wakeUp has the store looked at now.
func (e *Engine) wakeUp() {
	for _, woken := range []chan struct{}{e.woken, e.exchanging} {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	e.onboarding.Wake()
	e.follower.Wake()
}

// reach looks at the store once, and notes whether it is there.
func (e *Engine) reach(ctx context.Context, k *Kept) {
	db, err := k.db.get(ctx)
	if err == nil {
		err = e.followOnce(ctx, k, db)
	}
	if err == nil {
		err = e.inviteOnce(ctx, db)
	}
	if ctx.Err() != nil || e.inForceKept() != k {
		return // a reload has closed it
	}
	e.reached(k, err)
}

// followOnce takes over what the store has that is new. To load it has a time of its own:
// there may be much of it, and the way slow.
func (e *Engine) followOnce(ctx context.Context, k *Kept, db *store.Store) error {
	var revision int64
	err := limited(ctx, lookTimeout, func(ctx context.Context) (err error) {
		revision, err = e.lookOnce(ctx, k, db)
		return err
	})
	if err == nil && (revision != k.serves() || k.behind) {
		err = e.publish(ctx, k, db, revision)
	}
	if err != nil {
		return err
	}
	return k.report(ctx, db, e.own(k, db.Schema()))
}

// lookTimeout bounds what is looked at each time.
const lookTimeout = 3 * storeTimeout

// lookOnce returns the newest revision, once the seed and the overrides are the store's.
func (e *Engine) lookOnce(ctx context.Context, k *Kept, db *store.Store) (revision int64, err error) {
	if revision, err = db.Revision(ctx); err != nil {
		return 0, err
	}
	sown, err := k.recognize(ctx, db)
	if err != nil {
		return 0, err
	}
	if sown {
		e.cfg.Log.Warningf("the seed of the store is another one: the clients that shares divert are others")
		k.behind = true
	}
	return revision, e.pullOverrides(ctx, k, db)
}

// reportEvery is how often a server says at least how it does.
const reportEvery = 3 * time.Second

// report says how this server does, if that is new or was not said of late.
func (k *Kept) report(ctx context.Context, db *store.Store, own store.Server) error {
	if own == k.said && time.Since(k.saidAt) < reportEvery {
		return nil
	}
	err := db.Report(ctx, own)
	if err == nil {
		k.said, k.saidAt = own, time.Now()
	}
	return err
}

// serves returns the revision that is answered by.
func (k *Kept) serves() int64 { return k.served.Load() }

// publish has what is new in the store answered, and what could not be so far. What is
// held back, or older than what is served, changes nothing.
func (e *Engine) publish(ctx context.Context, k *Kept, db *store.Store, revision int64) error {
	began, held := time.Now(), k.heldNow()
	outcome, err := k.fetch(ctx, db)
	switch {
	case err != nil:
		return err
	case outcome.Held != nil && outcome.Held.Revision != held:
		e.cfg.Log.Errorf("%v", outcome.Held)
	case outcome.Old:
		e.tellOld(k, revision)
	}
	if !outcome.Published && !k.behind {
		return nil
	}
	all := outcome.Change.CDNs || k.behind
	k.behind = true // until it is applied, however often that takes
	change := Change{Put: outcome.Change.Put, Removed: outcome.Change.Removed, kept: k, revision: k.published()}
	if !e.apply(ctx, k, change, all) {
		return nil
	}
	k.behind = false
	for _, refused := range outcome.Change.Refused {
		e.cfg.Log.Errorf("refused: %v", refused.Err)
	}
	e.keepConfiguration()
	k.tellPublished(outcome.Change, began)
	return nil
}

// tellOld tells the operator, once, that the store has gone back.
func (e *Engine) tellOld(k *Kept, revision int64) {
	if k.told == revision {
		return
	}
	k.told = revision
	e.cfg.Log.Errorf("the store is at revision %d, and %d is in force: the older one is not taken", revision, k.serves())
}

// applyPause is how often a change is tried again while a reload is under way.
const applyPause = 50 * time.Millisecond

// apply changes the sites in force. It waits for a reload to end, and reports false if
// that takes too long, or if another generation is in force then.
func (e *Engine) apply(ctx context.Context, k *Kept, c Change, all bool) bool {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	for e.inForceKept() == k {
		if all && e.renewAll(ctx, k, c.revision) || !all && e.Change(c) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(applyPause):
		}
	}
	return false
}
