package engine

import (
	"context"
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// meeting is where servers meet: the store.
type meeting interface {
	Lease(ctx context.Context, server string, ttl time.Duration) (store.Lease, error)
	Resign(ctx context.Context, server string) error
	ReadSamples(ctx context.Context, after int64) ([]store.Samples, error)
	WriteSamples(ctx context.Context, server string, payload []byte) error
	ReadDecisions(ctx context.Context, after int64) ([]store.Decided, int64, error)
	WriteDecisions(ctx context.Context, server string, term int64, decisions []store.Decided) error
}

// meeting returns where this server meets the others.
func (k *Kept) meeting(ctx context.Context) (meeting, error) {
	if k.elsewhere != nil {
		return k.elsewhere, nil
	}
	return k.db.get(ctx)
}

// exchange is the task that has several servers on one store decide as one: each
// writes what it hears, the one that holds the lease decides for all, and the
// others serve what it decides.
func (e *Engine) exchange(ctx context.Context) error {
	tick := time.NewTicker(exchangeEvery)
	defer tick.Stop()
	defer e.resign()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.exchanging:
		case <-tick.C:
		}
		if k := e.inForceKept(); k != nil && k.cfg.shared() {
			e.meet(ctx, k)
		}
	}
}

// meet exchanges once. What fails is tried again the next time; lonely sees to a
// store that stays away.
func (e *Engine) meet(ctx context.Context, k *Kept) {
	if time.Now().Before(e.resting) {
		return
	}
	db, err := k.meeting(ctx)
	if err != nil {
		return
	}
	if err := e.passOn(ctx, k, db); err != nil {
		return
	}
	var lease store.Lease
	err = e.bounded(ctx, func(ctx context.Context) (err error) {
		lease, err = db.Lease(ctx, k.cfg.Server, leaseFor)
		return err
	})
	if err != nil {
		return
	}
	if lease.Holder == k.cfg.Server {
		err = e.lead(ctx, k, db, lease.Term)
		e.stepBack(ctx, k, db, err)
	} else {
		err = e.obey(ctx, k, db, lease)
	}
	if err != nil {
		return
	}
	if len(e.exchanging) > 0 { // something was decided meanwhile
		if err := e.passOn(ctx, k, db); err != nil {
			return
		}
	}
	e.bounded(ctx, func(ctx context.Context) error { return db.WriteSamples(ctx, k.cfg.Server, e.takeRow(time.Now())) })
}

// bounded bounds one step of an exchange: each has its own time, so that a way that is
// slow, but works, is no store that is away.
func (e *Engine) bounded(ctx context.Context, step func(context.Context) error) error {
	err := limited(ctx, storeTimeout, step)
	if err == nil {
		e.mu.Lock()
		e.contact = time.Now()
		e.mu.Unlock()
	}
	return err
}

// passOn passes on what is decided, before anything else is exchanged: who decides tells
// it, and who follows reads it.
func (e *Engine) passOn(ctx context.Context, k *Kept, db meeting) error {
	if e.doubtful {
		return e.beginAnew(ctx, k, db)
	}
	e.mu.Lock()
	role, term := e.role, e.term
	due := e.current.kept == k && (role == roleDecides && len(e.news) > 0 || role == roleFollows)
	e.mu.Unlock()
	switch {
	case !due:
		return nil
	case role == roleDecides:
		return e.tell(ctx, k, db, term) // refused if another server decides by now
	}
	return e.serve(ctx, k, db, func([]store.Decided) bool { return e.role == roleFollows })
}

// beginAnew has this server decide in another term, if it still does. What it could not
// tell may be under way yet, and must not come after what is told from now on.
func (e *Engine) beginAnew(ctx context.Context, k *Kept, db meeting) error {
	err := e.bounded(ctx, func(ctx context.Context) error { return db.Resign(ctx, k.cfg.Server) })
	e.doubtful = err != nil
	return err
}

// maxFailures is how often in a row a server with the lease may fail to decide for all.
const maxFailures = 2

// stepBack lets another server decide where this one has the lease, and can do nothing
// with it: the others would wait for it forever.
func (e *Engine) stepBack(ctx context.Context, k *Kept, db meeting, failed error) {
	if failed == nil || ctx.Err() != nil || errors.Is(failed, errLeft) {
		e.failures = 0
		return
	}
	if e.failures++; e.failures < maxFailures {
		return
	}
	e.failures, e.resting = 0, time.Now().Add(leaseFor+exchangeEvery)
	e.cfg.Log.Errorf("this server cannot decide for all, so another one may: %v", failed)
	e.bounded(ctx, func(ctx context.Context) error { return db.Resign(ctx, k.cfg.Server) }) // the lease ends by itself otherwise
}

// resign lets another server decide at once, when this one ends.
func (e *Engine) resign() {
	k := e.inForceKept()
	if k == nil || !k.cfg.shared() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if db, err := k.meeting(ctx); err == nil {
		db.Resign(ctx, k.cfg.Server) // the lease ends by itself otherwise
	}
}

// lead decides for all, on what all hear.
func (e *Engine) lead(ctx context.Context, k *Kept, db meeting, term int64) error {
	if !e.decidesIn(term) {
		if err := e.takeOver(ctx, k, db, term); err != nil {
			return err
		}
	}
	if err := e.tell(ctx, k, db, term); err != nil || e.roleNow() != roleDecides {
		return err
	}
	rows, err := e.readRows(ctx, db, e.rowsRead)
	if err != nil {
		return err
	}
	e.hearAll(k, rows, time.Now())
	return e.tell(ctx, k, db, term)
}

// takeOver begins to decide for all. What this server decided while it was alone
// goes to the others; else, or if it slept, it goes on with what was decided. The rows
// that others have written of late are heard as well: it is not to decide on its own word
// alone.
func (e *Engine) takeOver(ctx context.Context, k *Kept, db meeting, term int64) error {
	decided, _, err := e.readDecisions(ctx, db, 0)
	if err != nil {
		return err
	}
	rows, err := e.readRows(ctx, db, 0)
	if err != nil {
		return err
	}
	adopted := e.parse(decided)
	if !e.assume(k, term, decided, adopted) {
		return errLeft
	}
	e.rowsRead = 0
	e.hearAll(k, rows, time.Now())
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.kept == k {
		e.stepAll(time.Now())
	}
	e.cfg.Log.Infof("this server decides for all that reach the store (term %d)", term)
	return nil
}

// errLeft is why nothing is decided for all in a store that a reload has left meanwhile.
var errLeft = errors.New("a reload has left the store")

// assume takes up the role of who decides in a term, and reports whether what is in force
// is of the store that the term is of.
func (e *Engine) assume(k *Kept, term int64, decided []store.Decided, adopted []parsed) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.kept != k {
		return false
	}
	follows := e.role == roleFollows || e.slept(term)
	alone := e.role == roleAlone && !follows
	e.setRole(roleDecides)
	e.term, e.announced = term, false
	if follows {
		e.adopt(k, adopted, time.Now())
	}
	e.owe(decided, alone)
	return true
}

// slept reports whether another server has decided for all since this one did, which has
// decided nothing meanwhile: it was stopped, or cut off just now.
func (e *Engine) slept(term int64) bool {
	return term > e.term+1 && (e.role == roleDecides || time.Since(e.alone) < aloneAfter)
}

// follows notes who decides, if this server follows, and reports whether it does.
func (e *Engine) follows(lease store.Lease) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.role != roleFollows {
		return false
	}
	e.holder, e.term = lease.Holder, lease.Term
	return true
}

// decidesIn reports whether this server decides in a term.
func (e *Engine) decidesIn(term int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.role == roleDecides && e.term == term
}

func (e *Engine) roleNow() role {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.role
}
