package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// readDecisions reads the decisions of all sites page by page, and returns where to go
// on from.
func (e *Engine) readDecisions(ctx context.Context, db meeting, after int64) (all []store.Decided, last int64, err error) {
	for {
		var page []store.Decided
		err := e.bounded(ctx, func(ctx context.Context) (err error) {
			page, last, err = db.ReadDecisions(ctx, after)
			return err
		})
		all = append(all, page...)
		if err != nil || len(page) < store.DecisionsAtOnce {
			return all, last, err
		}
		after = last
	}
}

// obey serves what another server decides. One that decided alone goes on with that
// until the other one has told all: what the store has until then is older.
func (e *Engine) obey(ctx context.Context, k *Kept, db meeting, lease store.Lease) error {
	if e.follows(lease) {
		return nil
	}
	return e.serve(ctx, k, db, func(decided []store.Decided) bool {
		if e.role == roleAlone && !slices.ContainsFunc(decided, allTold(lease.Term)) {
			return false
		}
		if e.role != roleFollows {
			e.setRole(roleFollows)
			e.cfg.Log.Infof("server '%s' decides for all that reach the store", lease.Holder)
		}
		e.holder, e.term = lease.Holder, lease.Term
		return true
	})
}

// serve reads what was decided, and answers by it if this server is to do that.
func (e *Engine) serve(ctx context.Context, k *Kept, db meeting, is func(decided []store.Decided) bool) error {
	after, reads := e.readFrom()
	decided, last, err := e.readDecisions(ctx, db, after)
	if err == nil && last < after { // it is an older copy of the store
		decided, last, err = e.readDecisions(ctx, db, 0)
	}
	if err != nil {
		return err
	}
	adopted := e.parse(decided)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.kept != k || !is(decided) {
		return nil
	}
	if reads == e.reads { // else there are new runners, which have not heard all of it
		e.decisionsRead = last
	}
	e.adopt(k, adopted, time.Now())
	return nil
}

// readFrom returns from where on decisions are to be read, and how often that has begun
// anew.
func (e *Engine) readFrom() (after int64, reads int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.role != roleFollows {
		return 0, e.reads
	}
	return e.decisionsRead, e.reads
}

// readAgain has all decisions read once more.
func (e *Engine) readAgain() {
	clear(e.early)
	e.decisionsRead = 0
	e.reads++
}

// parsed is a decision of another server.
type parsed struct {
	site  string
	saved control.Saved
	on    *runner // that cannot answer all of it, as its site is another one; nil: none was there
}

// parse reads decisions, before anybody has to wait for them.
func (e *Engine) parse(decided []store.Decided) []parsed {
	all := make([]parsed, 0, len(decided))
	for _, d := range decided {
		if d.Site == "" {
			continue
		}
		p := parsed{site: d.Site}
		if err := json.Unmarshal(d.Payload, &p.saved); err != nil {
			e.cfg.Log.Errorf("site %q: reading a decision of another server: %v", d.Site, err)
			continue
		}
		all = append(all, p)
	}
	return all
}

// adopt takes over decisions of another server.
func (e *Engine) adopt(k *Kept, decided []parsed, now time.Time) {
	if e.current.kept != k {
		return
	}
	named := e.current.byName()
	for _, d := range decided {
		e.accept(named[d.site], d, now)
	}
	e.adoptEarly(named, now)
}

// adoptEarly takes over what waits for its site.
func (e *Engine) adoptEarly(named map[string]*runner, now time.Time) {
	for name, d := range e.early {
		if r := named[name]; r != d.on {
			e.accept(r, d, now)
		}
	}
}

// accept takes over a decision. One that comes before its site does, or before its origins
// are found, waits for that; so does one on a version of the site that this server does
// not serve yet, beside what can be answered of it.
func (e *Engine) accept(r *runner, d parsed, now time.Time) {
	if r == nil || !r.located() {
		e.early[d.site] = d
		return
	}
	e.adoptOne(r, d, now)
	if d.on = r; r.answersAll(d.saved) {
		delete(e.early, d.site)
	} else {
		e.early[d.site] = d
	}
}

// answersAll reports whether nothing of a decision is left out, for the site is that
// which it was taken on.
func (r *runner) answersAll(saved control.Saved) bool {
	told, last := saved.Decision, r.state.Last
	if told == nil || last == nil {
		return true
	}
	same := func(a control.SavedServed, b site.Served) bool {
		return a.Name == b.Name && slices.Equal(a.Addresses, b.Addresses)
	}
	return slices.Equal(told.Addresses, last.Addresses) && len(told.CDNs) == len(last.CDNs) && slices.EqualFunc(told.Origins, last.Origins, same)
}

func (e *Engine) adoptOne(r *runner, d parsed, now time.Time) {
	defer e.recovered()
	before := r.noted()
	if err := r.restore(d.saved, now); err != nil {
		e.cfg.Log.Errorf("site %q: a decision of another server: %v", d.site, err)
		return
	}
	r.overrule(r.answered(), r.input(control.None, now, control.HoldNothing))
	r.publish()
	e.concluded(r, before, now)
}
