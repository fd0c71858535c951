package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// warnBefore is how long before an override ends the operator is told.
const warnBefore = 15 * time.Minute

// pullTimeout is for bringing all overrides in line with the store.
const pullTimeout = 2 * storeTimeout

// pullOverrides takes over the overrides of the store, and gives it those that were
// set here while it was away; it ends those there that were ended here. What operators
// say to this server meanwhile does not wait for it.
func (e *Engine) pullOverrides(ctx context.Context, k *Kept, db *store.Store) error {
	e.pulling.Lock()
	defer e.pulling.Unlock()
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	for _, o := range e.localOverrides() {
		if err := e.merge(ctx, db, o); err != nil {
			return err
		}
	}
	ended := e.endedHere()
	for id, by := range ended {
		err := db.As(store.Viewer{Name: by, Operator: true}).ClearOverride(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	overrides, err := db.Overrides(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	changed := e.setOverrides(overrides, time.Now()) || len(ended) > 0
	for id := range ended {
		delete(e.cleared, id)
	}
	e.mu.Unlock()
	if changed {
		e.keepOverrides(k)
	}
	return nil
}

// merge gives the store an override of this server. What it never will take ends.
func (e *Engine) merge(ctx context.Context, db *store.Store, o site.Override) error {
	merged := o
	merged.Local = false
	_, err := db.As(store.Viewer{Name: o.Owner, Operator: true}).SetOverride(ctx, merged)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrInvalid) {
		e.cfg.Log.Warningf("override '%s' ends: the store does not take it: %v", o.ID, err)
		e.clearLocal(o.ID, o.Owner)
		return nil
	}
	if err != nil {
		return fmt.Errorf("giving override '%s' to the store: %w", o.ID, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.merged[o.ID] = true
	return nil
}

// endedHere returns the overrides that were ended here, and that the store may have, and
// who ended them.
func (e *Engine) endedHere() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.cleared)
}

// localOverrides returns those that the store has not got yet. One that it got and no
// longer lists is over by its clock.
func (e *Engine) localOverrides() []site.Override {
	e.mu.Lock()
	defer e.mu.Unlock()
	stored := func(o site.Override) bool { return !o.Local || e.merged[o.ID] || o.Over(time.Now()) }
	return slices.DeleteFunc(slices.Clone(e.overrides), stored)
}

// setOverrides makes overrides those of the store. Those of this server stay until the
// store has them. It reports whether anything has changed.
func (e *Engine) setOverrides(stored []site.Override, now time.Time) bool {
	ended := func(o site.Override) bool {
		_, here := e.cleared[o.ID]
		return here || o.Over(now) // the store's clock may be another one
	}
	all := slices.DeleteFunc(slices.Clone(stored), ended)
	for _, o := range e.overrides {
		has := slices.ContainsFunc(stored, func(s site.Override) bool { return s.ID == o.ID })
		if o.Local && !has && !o.Over(now) {
			all = append(all, o)
		}
	}
	same := func(a, b site.Override) bool { return a.Same(&b) }
	if slices.EqualFunc(all, e.overrides, same) {
		return false
	}
	e.force(all, now)
	return true
}

// reportOverrides tells the operator which overrides have come and gone.
func (e *Engine) reportOverrides(before, after []site.Override, now time.Time) {
	has := func(list []site.Override, o site.Override) bool {
		return slices.ContainsFunc(list, func(other site.Override) bool { return other.ID == o.ID })
	}
	for _, o := range after {
		if !has(before, o) {
			e.cfg.Log.Warningf("override '%s' of %s is in force: %s", o.ID, scoped(o), o.String())
		}
	}
	for _, o := range before {
		if !has(after, o) {
			e.cfg.Log.Warningf("override '%s' of %s has ended: %s", o.ID, scoped(o), o.String())
			delete(e.warned, o.ID)
			delete(e.merged, o.ID)
		}
	}
}

// scoped says whom an override is for.
func scoped(o site.Override) string {
	if o.Scope == site.ScopeAll {
		return "all sites"
	}
	return fmt.Sprintf("%s '%s'", o.Scope, o.Name)
}

// overruleAll lets every site obey the override that counts for it now.
func (e *Engine) overruleAll(now time.Time) {
	for _, g := range []*Generation{e.current, e.candidate} {
		if g == nil || !g.opened {
			continue
		}
		for _, r := range g.runners {
			o := control.Reigning(r.site, e.overrides, now)
			if o == nil && r.override == nil {
				continue
			}
			changed := !o.Same(r.override)
			r.own().override = o
			if changed {
				e.overruleOne(r, now)
			}
		}
	}
	e.cfg.Metrics.countOverrides(e.overrides)
}

// overruleOne lets a site obey an override that is new, or the end of one.
func (e *Engine) overruleOne(r *runner, now time.Time) {
	defer e.recovered()
	if !r.located() {
		return
	}
	before := r.noted()
	r.overrule(before.answer, r.input(control.None, now, r.generation.guard.holds(r, now)))
	e.concluded(r, before, now)
	if o := r.override; o != nil && o.Action == site.OverrideCDN && r.untouched == nil && r.generation == e.current {
		e.warnUnready(r, o)
	}
}

// warnUnready tells the operator that an override sends a site's visitors to a CDN
// that is not ready for them.
func (e *Engine) warnUnready(r *runner, o *site.Override) {
	if why := r.unready(o.CDN); why != "" {
		e.cfg.Log.Errorf("site %q: override '%s' sends its visitors to cdn %s, which is not ready: %s", r.site.Name(), o.ID, o.CDN, why)
	}
}

// unready says why one of the site's CDNs is not ready; empty: it is, or is not one of
// them.
func (r *runner) unready(cdn string) string {
	for i, c := range r.site.CDNs {
		if c.Name != cdn {
			continue
		}
		if watched := r.generation.cdns[cdn]; watched != nil && watched.state.Out() {
			return "it is out: " + watched.state.Reason().String()
		}
		if r.gates != nil {
			return r.gates[i].whyNot()
		}
	}
	return ""
}

// endOverrides drops the overrides that are over, and warns of those that soon will
// be.
func (e *Engine) endOverrides(now time.Time) {
	over := func(o site.Override) bool { return o.Over(now) }
	if slices.ContainsFunc(e.overrides, over) {
		e.force(slices.DeleteFunc(slices.Clone(e.overrides), over), now)
	}
	for _, o := range e.overrides {
		if left := o.Until.Sub(now); left <= warnBefore && !e.warned[o.ID] {
			e.warned[o.ID] = true
			e.cfg.Log.Warningf("override '%s' of %s ends in %s: %s", o.ID, scoped(o), left.Round(time.Second), o.String())
		}
	}
}

// keptOverrides is what is kept of overrides, and of what else operators have said to
// this server.
type keptOverrides struct {
	Overrides []site.Override   `json:"overrides"`
	Ended     map[string]string `json:"ended,omitempty"` // by whom, by ID; the store may not know that yet
	Drains    []keptDrain       `json:"drains,omitempty"`
}

type keptDrain struct {
	CDN   string `json:"cdn"`
	Node  string `json:"node"`
	Drain bool   `json:"drain"`
}

// keepOverrides writes what operators have said, at once.
func (e *Engine) keepOverrides(k *Kept) {
	if k == nil || k.state == nil {
		return
	}
	e.keeping.Lock() // what was said last is written last
	defer e.keeping.Unlock()
	e.mu.Lock()
	said := keptOverrides{Overrides: slices.Clone(e.overrides), Ended: maps.Clone(e.cleared)}
	for n, drain := range e.drains {
		said.Drains = append(said.Drains, keptDrain{n.cdn, n.node, drain})
	}
	e.mu.Unlock()
	e.keepFile(overridesFile, k.state.open.Write(overridesFile, said), &e.overridesUnsaved)
}

// loadOverrides goes on with what operators had said before a restart. A reload finds
// them in the engine.
func (e *Engine) loadOverrides(f *folder) {
	if e.inForceKept() != nil {
		return
	}
	var said keptOverrides
	if !f.read(overridesFile, &said) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range said.Overrides {
		if o.Validate() == nil && !o.Over(time.Now()) {
			e.overrides = append(e.overrides, o)
		}
	}
	maps.Copy(e.cleared, said.Ended)
	e.cfg.Metrics.countOverrides(e.overrides)
	for _, d := range said.Drains {
		e.drains[nodeName{d.CDN, d.Node}] = d.Drain
	}
}

// setLocal has an override be in force on this server, whatever becomes of the store.
func (e *Engine) setLocal(o site.Override) (site.Override, error) {
	o.ID, o.Local = rand.Text(), true
	if err := o.Validate(); err != nil {
		return o, err
	}
	e.mu.Lock()
	e.force(append(slices.Clone(e.overrides), o), time.Now())
	e.mu.Unlock()
	e.keepOverrides(e.inForceKept())
	e.wakeUp()
	return o, nil
}

// clearLocal ends an override of this server, and reports whether there was one.
func (e *Engine) clearLocal(id, by string) bool {
	e.mu.Lock()
	local := func(o site.Override) bool { return o.ID == id && o.Local }
	there := slices.ContainsFunc(e.overrides, local)
	if there {
		e.cleared[id] = by
		e.force(slices.DeleteFunc(slices.Clone(e.overrides), local), time.Now())
	}
	e.mu.Unlock()
	if there {
		e.keepOverrides(e.inForceKept())
	}
	return there
}

// force makes these the overrides in force.
func (e *Engine) force(overrides []site.Override, now time.Time) {
	e.reportOverrides(e.overrides, overrides, now)
	e.overrides = overrides
	e.overruleAll(now)
}
