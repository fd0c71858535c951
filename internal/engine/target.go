package engine

import (
	"context"
	"slices"
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

// target is the name of a CDN that is looked up, and who answers its addresses.
type target struct {
	name  string
	last  resolved
	until time.Time // when that is over; zero: it was never looked up
	good  time.Time // when the latest lookup was that did not fail for both families; zero: none was
	fails int       // lookups that failed in a row
	err   error     // of the latest one

	looking chan struct{} // closed when the lookup under way is over; nil: there is none
	users   []*runner     // whose answers hold its addresses; nil: it is looked up for checks only
	watched bool          // it is looked up all the time
	needed  int           // by so many CDNs of sites
}

// addTargets notes which targets are to be looked up all the time: those whose
// addresses are answered. What was known of one goes on.
func (g *Generation) addTargets(r *runner, old map[string]*target) {
	if r.site.Answer.Form != site.FormAddress {
		return
	}
	r.own().targets = make([]*target, len(r.site.CDNs))
	for i, c := range r.site.CDNs {
		r.targets[i] = g.target(c.Target, old)
		r.targets[i].users = append(r.targets[i].users, r)
	}
}

func (g *Generation) target(name string, old map[string]*target) *target {
	t := g.targets[name]
	if t == nil {
		t = &target{name: name}
		if before := old[name]; before != nil {
			t.last, t.until, t.good, t.err = before.last, before.until, before.good, before.err
		}
		g.targets[name] = t
	}
	t.needed++
	return t
}

// leaveTargets has the targets of a runner that goes looked up for others only.
func (g *Generation) leaveTargets(r *runner) {
	for _, t := range r.targets {
		t.users = slices.DeleteFunc(t.users, func(u *runner) bool { return u == r })
		g.leaveTarget(t)
	}
	for i := range r.gates {
		g.leaveTarget(r.gates[i].target)
	}
}

func (g *Generation) leaveTarget(t *target) {
	if t == nil {
		return
	}
	if t.needed--; t.needed == 0 {
		delete(g.targets, t.name)
	}
}

// lookAt returns the look at a target.
func (e *Engine) lookAt(g *Generation, t *target) look {
	return func(ctx context.Context) time.Duration {
		e.lookUp(ctx, g, t)
		e.mu.Lock()
		defer e.mu.Unlock()
		switch {
		case len(t.users) == 0:
			t.watched = false
			return over
		case t.fails == 0:
			return max(leastPause, time.Until(t.until))
		case t.last.empty():
			return min(retryPause<<(t.fails-1), failPause)
		}
		return min(retryPause<<(t.fails-1), stalePause)
	}
}

// lookUp returns what a target is resolved to, which is looked up if that is over:
// by one at a time, for all who want to know.
func (e *Engine) lookUp(ctx context.Context, g *Generation, t *target) {
	e.mu.Lock()
	over, looks := t.looking, t.looking == nil && !time.Now().Before(t.until)
	if looks {
		over = make(chan struct{})
		t.looking = over
	}
	last := t.last
	e.mu.Unlock()
	switch {
	case looks:
		defer close(over)
		next, err := last, errNoLookup // should the lookup panic
		defer func() { e.targetFound(g, t, next, err) }()
		next, err = last.look(ctx, g.resolve, t.name)
		e.cfg.Metrics.looked("target", err)
	case over != nil:
		select {
		case <-over:
		case <-ctx.Done():
		}
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

// targetFound takes over what a target was resolved to.
func (e *Engine) targetFound(g *Generation, t *target, next resolved, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, now := t.last.found(), time.Now()
	t.last, t.err, t.looking = next, err, nil
	if err != nil {
		t.fails = min(t.fails+1, 7)
		t.until = now // it is not known for how long what was found before holds
		e.targetFailed(g, err)
	} else {
		t.fails = 0
		t.until = now.Add(within(next.found().TTL, targetPause, longPause))
	}
	if err == nil || next.heard {
		t.good = now
	}
	if sameFound(before, next.found()) {
		return
	}
	for _, r := range t.users {
		e.renew(r, now)
	}
}
