package engine

import (
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Change is what is to be different in the sites in force.
type Change struct {
	Put     []*site.Site // new ones, and those that take the place of one of their name
	Removed []string     // names of sites that go

	kept     *Kept // whose it is; nil: nobody's
	revision int64 // of the store, that this makes the one in force
}

// names are those of the objects of all sites that differ.
func (c Change) names() (names []string) {
	for _, s := range c.Put {
		names = append(names, strings.TrimSuffix(s.Name(), "."))
	}
	for _, name := range c.Removed {
		names = append(names, strings.TrimSuffix(name, "."))
	}
	return names
}

// Change changes the sites in force, in one store of the table; what is known of a
// site that stays goes on, and the others are not touched. It reports false, and
// does nothing, while a reload is under way, or after one.
func (e *Engine) Change(c Change) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.current
	if g == nil || e.candidate != nil || c.kept != nil && c.kept != g.kept {
		return false
	}
	if c.kept != nil {
		c.kept.served.Store(c.revision) // what is decided by it says so
	}
	now := time.Now()
	put, gone := e.swap(g, c)
	e.rejoin(put, gone)
	e.openChanged(g, put, now)
	g.Table.Change(entriesOf(gone), entriesOf(put))
	e.lookChanged(g, put)
	e.follower.Changed(c.names()...)
	return true
}

// swap puts new runners in the place of old ones, and returns both.
func (e *Engine) swap(g *Generation, c Change) (put, gone []*runner) {
	named := g.byName()
	for _, s := range c.Put {
		from := named[s.Name()]
		put = append(put, e.newRunner(g, s, from, nil))
		if from != nil {
			gone = append(gone, from)
		}
	}
	for _, name := range c.Removed {
		if r := named[name]; r != nil {
			gone = append(gone, r)
			delete(named, name)
		}
	}
	for _, r := range put {
		g.guard.replace(named[r.site.Name()], r)
		named[r.site.Name()] = r
	}
	for _, r := range gone {
		e.leave(r)
		e.forget(r)
	}
	g.runners = append(without(g.runners, gone, func(r *runner) bool { return r.gone }), put...)
	g.reorder(put, gone)
	g.leaveCanaries(gone)
	g.guard.resize(len(g.runners))
	return put, gone
}

// fewGone is up to how many are looked for one by one: that reads the list, and nothing
// that it points to.
const fewGone = 16

// without drops from a list those that are gone, which isGone knows as well.
func without[T comparable](list, gone []T, isGone func(T) bool) []T {
	if len(gone) > fewGone {
		return slices.DeleteFunc(list, isGone)
	}
	for _, g := range gone {
		if i := slices.Index(list, g); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
	}
	return list
}

// forget has the store forget what was decided on a site that goes. One that comes
// back, after a year, begins anew.
func (e *Engine) forget(r *runner) {
	if e.role == roleDecides && e.sharing() {
		e.news[r.site.Name()] = true
	}
}

// forgetGone does so with the sites that a generation no longer has.
func (e *Engine) forgetGone(old *Generation) {
	named := e.current.byName()
	for _, r := range old.runners {
		if named[r.site.Name()] == nil {
			e.forget(r)
		}
	}
}

// leave ends a runner.
func (e *Engine) leave(r *runner) {
	g := r.generation
	r.gone = true
	e.closeGatesOf(r)
	g.leaveTargets(r)
	g.held -= held(r.hides)
	if !r.located() {
		g.unlocated--
	}
	g.known(&r.observed)
	delete(e.moving, r)
	delete(g.guard.waiting, r)
	e.cfg.Metrics.side(r.state.Side).Dec()
}

// rejoin has new runners hear their sources, and those that are gone hear nothing
// more; a source that nobody wants any more ends.
func (e *Engine) rejoin(put, gone []*runner) {
	touched := make(map[*source][]user) // with those that leave it
	for _, r := range gone {
		for i, p := range r.paths {
			touched[p.source] = append(touched[p.source], user{r, r.heard(i)})
			p.source.want(wish{p.every, r.span(p.every)}, -1)
		}
	}
	for src, users := range touched {
		src.leave(users)
	}
	for _, r := range put {
		e.join(r, &r.observed)
		for _, p := range r.paths {
			if _, known := touched[p.source]; !known {
				touched[p.source] = nil
			}
		}
	}
	periods, unwanted := make(map[site.Target]time.Duration), []site.Target(nil)
	for src := range touched {
		if len(src.users) == 0 {
			unwanted = append(unwanted, src.target)
			e.dropSource(src)
			continue
		}
		periods[src.target] = src.suit()
	}
	e.scheduler.Change(periods, unwanted)
}

// openChanged has new runners decide for the first time.
func (e *Engine) openChanged(g *Generation, put []*runner, now time.Time) {
	for _, r := range put {
		e.cfg.Metrics.side(r.state.Side).Inc()
		if e.role == roleFollows && r.state.Last != nil {
			r.refit(now)
		}
		before := e.openRunner(r, now)
		e.openGatesOf(r, now)
		e.decided(r, before, now)
		e.owes(r)
	}
	e.cfg.Metrics.recountLookups(g)
}

// lookChanged has what new runners depend on looked up from now on.
func (e *Engine) lookChanged(g *Generation, put []*runner) {
	needed, hides := e.nextLooks(g, put)
	targets := e.targetLooks(g)
	begin := func(w *watches, looks []look) {
		if len(looks) > 0 {
			e.tasks.Go(func() { w.begin(e.ctx, looks) })
		}
	}
	begin(g.lookups.needed, needed)
	begin(g.lookups.hides, hides)
	begin(g.lookups.targets, targets)
}

func entriesOf(runners []*runner) []*route.Entry {
	entries := make([]*route.Entry, len(runners))
	for i, r := range runners {
		entries[i] = r.entry
	}
	return entries
}
