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
	retryPause  = 5 * time.Second // after a failure; twice as long after each more of a target
	longPause   = 5 * time.Minute
	stalePause  = 30 * time.Second // while addresses are answered that may be gone
	failPause   = time.Minute      // the longest after failures
)

// target is the name of a CDN that is looked up, and who wants to know.
type target struct {
	name  string
	last  resolved
	dead  bool // it is known to lead nowhere
	fails int  // lookups that failed in a row
	users []*runner
}

// addTargets notes which targets are to be looked up: those whose addresses are
// answered, or all of them. What was known of one goes on.
func (g *Generation) addTargets(all bool, old map[string]*target) {
	for _, r := range g.runners {
		if !all && r.site.Answer.Form != site.FormAddress {
			continue
		}
		r.own().targets = make([]*target, len(r.site.CDNs))
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
			t.last, t.dead = before.last, before.dead
		}
		if t.dead {
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
		again := within(next.found().TTL, targetPause, longPause)
		if err == nil {
			t.fails = 0
			return again
		}
		e.targetFailed(g, err)
		t.fails = min(t.fails+1, 7)
		longest := failPause
		if !next.empty() {
			longest = stalePause
		}
		return min(retryPause<<(t.fails-1), longest)
	}
}

// complainEvery is how often at most lookups of targets that fail are told: when
// the resolvers are gone, all of them fail.
const complainEvery = time.Minute

// targetFailed tells the operator that a target could not be looked up.
func (e *Engine) targetFailed(g *Generation, err error) {
	if now := time.Now(); g == e.current && e.ctx.Err() == nil && now.Sub(e.complained) >= complainEvery {
		e.complained = now
		e.cfg.Log.Warningf("looking up targets of CDNs: %v (said once a minute at most)", err)
	}
}

// targetFound takes over what a target was resolved to. That it leads nowhere
// is believed only when both families say so.
func (e *Engine) targetFound(g *Generation, t *target, next resolved, err error) {
	before, wasDead := t.last.found(), t.dead
	t.last = next
	t.dead = next.empty() && (err == nil || wasDead)
	if t.dead != wasDead {
		e.countDead(g, t)
	}
	if sameFound(before, next.found()) && wasDead == t.dead {
		return
	}
	for _, r := range t.users {
		e.renew(r, time.Now())
	}
}

// countDead counts a target that has come to lead nowhere, or to lead somewhere
// again.
func (e *Engine) countDead(g *Generation, t *target) {
	if t.dead {
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
	if t.dead {
		e.cfg.Log.Warningf("target %q of site %q has no address: nobody is sent there", t.name, t.users[0].site.Name())
	} else {
		e.cfg.Log.Infof("target %q of site %q has addresses again", t.name, t.users[0].site.Name())
	}
}
