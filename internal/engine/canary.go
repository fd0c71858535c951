package engine

import (
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// canary checks a CDN for one of its sites after the other, one each period: so that
// it is known whether a CDN serves that nobody is in need of, at a cost that does
// not grow with the sites. What it finds counts for those sites whose own latest good
// check is older. It asks for those sites that ask most of the CDN.
type canary struct {
	gates []*gate
	level int           // how much they ask: index in site.ReadyLevels
	next  int           // whose turn it is
	every time.Duration // the shortest that a site asks for
	due   time.Time
	state control.Gate
	first time.Time // when the first of the latest failures in a row began
	bad   time.Time // when that of those did that closed the gate
	part  float64   // of the clients of warned sites that it lets through, at the latest sweep

	cdnQueue
	warming []warming // warm-ups that wait
	warmers int       // of those that are under way
}

// canaryOf returns that of a CDN, which waits in q.
func (g *Generation) canaryOf(cdn string, q *checkQueue) *canary {
	k := g.canaries[cdn]
	if k == nil {
		k = &canary{state: control.Gate{Open: true}, part: 1}
		q.init(&k.cdnQueue, cdn)
		g.canaries[cdn] = k
	}
	return k
}

// add makes the canary that of a gate, too.
func (k *canary) add(g *gate) {
	g.canary = k
	level := g.level()
	if level > k.level {
		k.level, k.gates, k.every = level, nil, 0
	}
	if level < k.level {
		return
	}
	if every := g.site.Ready.Check.Every; k.every == 0 || every < k.every {
		k.every = every
	}
	k.gates = append(k.gates, g)
}

// leaveCanaries has the canaries of a generation forget the gates of runners that are
// gone.
func (g *Generation) leaveCanaries(gone []*runner) {
	left := make(map[*canary]bool)
	for _, r := range gone {
		for i := range r.gates {
			left[r.gates[i].canary] = true
		}
	}
	for k := range left {
		k.leave()
		if len(k.gates) == 0 {
			g.regroup(k)
		}
	}
}

// leave drops the gates of runners that are gone.
func (k *canary) leave() {
	k.gates = slices.DeleteFunc(k.gates, func(g *gate) bool { return g.runner.gone })
	k.every = 0
	for _, g := range k.gates {
		if every := g.site.Ready.Check.Every; k.every == 0 || every < k.every {
			k.every = every
		}
	}
}

// regroup has a canary ask for those who ask less of its CDN, as nobody is left of
// those who asked most.
func (g *Generation) regroup(k *canary) {
	k.level = 0
	for _, r := range g.runners {
		for i := range r.gates {
			if !r.gone && r.gates[i].canary == k {
				k.add(&r.gates[i])
			}
		}
	}
}

// level says how much the gate asks of its CDN.
func (g *gate) level() int { return slices.Index(site.ReadyLevels(), g.site.Ready.Level) }

// followCanaries goes on with what the canaries of the generation in force know. It
// warns nobody who asks a CDN something else from now on: those checks are newer.
func (g *Generation) followCanaries(old *Generation) {
	for cdn, k := range g.canaries {
		if before := old.canaries[cdn]; before != nil && before.level == k.level {
			k.state, k.first, k.bad, k.part, k.due = before.state, before.first, before.bad, before.part, before.due
		}
	}
}

// warns reports whether the canaries know better than a gate does, whose latest good
// check is from before they began to fail.
func (k *canary) warns(g *gate) bool { return !k.state.Open && k.warned(g) }

// warned reports whether they did so at last.
func (k *canary) warned(g *gate) bool { return g.state.Good.Before(k.bad) && g.level() == k.level }

// send makes the check of that gate whose turn it is a canary, if the time has come:
// the next of those that are open. What is known to fail tells nothing new.
func (e *Engine) send(k *canary, now time.Time) {
	if now.Before(k.due) {
		return
	}
	k.due = now.Add(k.every)
	for range k.gates {
		g := k.gates[k.next%len(k.gates)]
		k.next = (k.next + 1) % len(k.gates)
		if g.state.Open && g.place != notQueued {
			g.sent = true
			e.checks.queue(g, true, time.Time{}) // before all others
			return
		}
	}
}

// canaryHeard takes in what the check of a canary found.
func (e *Engine) canaryHeard(g *gate, c control.Check, now time.Time) {
	generation := g.runner.generation
	name := g.name()
	k := g.canary
	was := k.state.Open
	c.Sure = false // it is of one site
	k.state = k.state.Next(name, c)
	if k.state.Fails == 1 {
		k.first = c.At
	}
	if k.state.Open == was {
		return
	}
	if was {
		k.bad = k.first
	}
	k.part = k.state.Part(now)
	if generation == e.current {
		e.reportCanary(name, k)
	}
	e.stepDiverted(generation, name, now)
}

func (e *Engine) reportCanary(cdn string, k *canary) {
	if k.state.Open {
		e.cfg.Log.Infof("cdn %q: it is ready again for sites that were not checked since it was not", cdn)
		return
	}
	e.cfg.Log.Warningf("cdn %q: it is not ready: %d checks in a row have failed, of one site after the other, the last one: %s", cdn, k.state.Fails, k.state.Failure)
}

// sweepGates sends canaries, and lets the clients of CDNs come back part by part.
func (e *Engine) sweepGates(g *Generation, now time.Time) {
	for cdn, k := range g.canaries {
		e.send(k, now)
		if part := k.state.Part(now); k.state.Open && part != k.part {
			k.part = part
			e.stepDiverted(g, cdn, now)
		}
	}
	left := g.returning[:0]
	for _, back := range g.returning {
		part := back.state.Part(now)
		if !back.state.Open || back.runner.gone {
			continue
		}
		if part < 1 {
			left = append(left, back)
		}
		if part != back.part {
			back.part = part
			e.step(back.runner, control.None, now)
		}
	}
	clear(g.returning[len(left):])
	g.returning = left
}
