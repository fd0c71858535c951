package engine

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Pauses between two lookups of a name, whatever its TTL.
const (
	leastPause  = time.Second
	targetPause = 5 * time.Second // the least for a target
	retryPause  = 5 * time.Second // after a failure
	longPause   = 5 * time.Minute
)

// target is the name of a CDN that is looked up, and who wants to know.
type target struct {
	name  string
	last  resolved
	known bool // it was resolved, or found to lead nowhere, at least once
	users []*runner
}

// dead reports whether a target is known to lead nowhere.
func (t *target) dead() bool { return t.known && t.last.empty() }

// addTargets notes which targets are to be looked up: those whose addresses are
// answered, or all of them. What was known of one goes on.
func (g *Generation) addTargets(all bool, old map[string]*target) {
	for _, r := range g.runners {
		if !all && r.site.Answer.Form != site.FormAddress {
			continue
		}
		r.targets = make([]*target, len(r.site.CDNs))
		for i, c := range r.site.CDNs {
			r.targets[i] = g.target(c.Target, old)
			r.targets[i].users = append(r.targets[i].users, r)
		}
	}
}

func (g *Generation) target(name string, old map[string]*target) *target {
	t := g.targets[name]
	if t == nil {
		t = &target{name: name}
		if before := old[name]; before != nil {
			t.last, t.known = before.last, before.known
		}
		if t.dead() {
			g.dead++
		}
		g.targets[name] = t
	}
	return t
}

// lookAt returns the look at a target.
func (e *Engine) lookAt(g *Generation, t *target) look {
	return func(ctx context.Context) time.Duration {
		e.mu.Lock()
		last := t.last
		e.mu.Unlock()
		next, err := last.look(ctx, g.resolve, t.name)
		e.cfg.Metrics.looked("target", err)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.targetFound(g, t, next, err)
		if err != nil {
			return retryPause
		}
		return within(next.found().TTL, targetPause, longPause)
	}
}

// targetFound takes over what a target was resolved to. That it leads nowhere
// is believed only when both families say so.
func (e *Engine) targetFound(g *Generation, t *target, next resolved, err error) {
	before, wasDead := t.last.found(), t.dead()
	t.last = next
	t.known = t.known || err == nil || !next.empty()
	if t.dead() != wasDead {
		e.countDead(g, t)
	}
	if sameFound(before, next.found()) && wasDead == t.dead() {
		return
	}
	for _, r := range t.users {
		e.renew(r, time.Now())
	}
}

// countDead counts a target that has come to lead nowhere, or to lead somewhere
// again.
func (e *Engine) countDead(g *Generation, t *target) {
	if t.dead() {
		g.dead++
	} else {
		g.dead--
	}
	e.cfg.Metrics.recountLookups(e.current)
	if g == e.current {
		e.reportTarget(t)
	}
}

// reportTarget tells the operator whether a target leads anywhere.
func (e *Engine) reportTarget(t *target) {
	if t.dead() {
		e.cfg.Log.Warningf("target %q of site %q has no address: nobody is sent there", t.name, t.users[0].site.Name())
	} else {
		e.cfg.Log.Infof("target %q of site %q has addresses again", t.name, t.users[0].site.Name())
	}
}
