package engine

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// gate is one of a site's CDNs, as the checks of it find it: nobody is sent there
// while it is closed.
type gate struct {
	runner *runner
	site   *site.Site // the runner's, but for addresses that it was found to have
	cdn    int        // index in its CDNs
	target *target    // nil: its DNS is ours
	state  control.Gate
	part   float64 // of its clients that it lets through, at the latest sweep

	asked  time.Time // when the latest check began; zero: there was none
	warmed time.Time // when the warm-up was fetched
	cold   bool      // the warm-up is to be done again
	turn   int       // counts checks: each begins with another address

	canary *canary // of the CDN
	sent   bool    // the next check is a canary
	queued
}

// addGates makes the gates of a runner whose site wants its CDNs checked. What from
// knows of one, which may be nil, goes on, as long as it is asked the same.
func (e *Engine) addGates(r, from *runner, targets map[string]*target) {
	if !r.site.Ready.Checked() {
		return
	}
	g := r.generation
	r.own().gates = make([]gate, len(r.site.CDNs))
	for i, c := range r.site.CDNs {
		added := &r.gates[i]
		*added = gate{runner: r, site: r.site, cdn: i, part: 1, queued: queued{place: notQueued}}
		name, _ := r.site.Led(c)
		if own := g.cdns[c.Name]; own == nil || own.entry == nil || !dns.IsSubDomain(own.watched.Zone, name) {
			added.target = g.target(name, targets)
		}
		added.follow(from)
		g.canaryOf(c.Name, &e.checks).add(added)
	}
}

// follow goes on with what the runner of the generation before, which may be nil,
// knows of the CDN. One that is asked something else from now on is asked at once;
// its visitors stay meanwhile.
func (g *gate) follow(r *runner) {
	c := g.site.CDNs[g.cdn]
	from := r.gateTo(c)
	switch {
	case from != nil && g.asksLike(from):
		g.state, g.part, g.asked = from.state, from.part, from.asked
		if g.site.Ready.Warmup == from.site.Ready.Warmup {
			g.warmed, g.cold = from.warmed, from.cold
		}
	case from != nil && from.state.Open:
		g.state, g.part = from.state, from.part
	case from == nil && r != nil && r.gates == nil && slices.Contains(r.answered().CDNs, c):
		g.state = control.Gate{Open: true, Since: time.Now()} // nothing was asked of it so far
	}
}

// gateTo returns the gate of the runner, which may be nil, to a CDN; nil: there is
// none.
func (r *runner) gateTo(c site.CDN) *gate {
	if r == nil {
		return nil
	}
	for i, before := range r.site.CDNs {
		if before.Name == c.Name && before.Target == c.Target && i < len(r.gates) {
			return &r.gates[i]
		}
	}
	return nil
}

// asksLike reports whether two gates ask the same.
func (g *gate) asksLike(o *gate) bool {
	name, host := g.site.Led(g.site.CDNs[g.cdn])
	before, as := o.site.Led(o.site.CDNs[o.cdn])
	return g.site.Ready.Level == o.site.Ready.Level && g.site.Ready.Check == o.site.Ready.Check && name == before && host == as
}

// openGates has the gates of a generation checked from now on. Those that were not so
// far are spread, but for those whose site is in need of its CDNs.
func (e *Engine) openGates(g *Generation, now time.Time) {
	for _, r := range g.runners {
		e.openGatesOf(r, now)
	}
}

func (e *Engine) openGatesOf(r *runner, now time.Time) {
	g := r.generation
	for i := range r.gates {
		opened := &r.gates[i]
		e.plan(opened)
		if opened.asked.IsZero() && !r.state.Near {
			e.checks.queue(opened, false, now.Add(rand.N(g.firstChecks())))
		}
		if !opened.state.Back.IsZero() {
			g.returning = append(g.returning, opened)
		}
	}
}

// firstChecks is over how long the first checks of a generation are spread: a second
// for a thousand sites.
func (g *Generation) firstChecks() time.Duration {
	return max(1, time.Duration(len(g.runners))*time.Millisecond)
}

// closeGates has the gates of a generation that is over checked no more.
func (e *Engine) closeGates(g *Generation) {
	for _, r := range g.runners {
		e.closeGatesOf(r)
	}
}

func (e *Engine) closeGatesOf(r *runner) {
	for i := range r.gates {
		e.checks.remove(&r.gates[i])
	}
}

// plan has the next check of a gate come in its time.
func (e *Engine) plan(g *gate) {
	period := g.site.Ready.Check.Every
	needed := g.runner.state.Near
	if g.asked.IsZero() {
		e.checks.queue(g, needed, time.Time{})
		return
	}
	e.checks.queue(g, needed, g.asked.Add(spread(g.state.Pause(period, needed))))
}

// need has the gates of a site that is in need of its CDNs, or no longer is, checked
// in its time, and what they have warmed up long ago once more.
func (e *Engine) need(r *runner, now time.Time) {
	for i := range r.gates {
		g := &r.gates[i]
		g.cold = g.cold || r.state.Near && now.Sub(g.warmed) >= rewarm
		if g.place != notQueued {
			e.plan(g)
		}
	}
}

// settled reports whether the first round is over: it is known who serves the site,
// and of its CDNs whether they are ready, if they are needed.
func (r *runner) settled() bool {
	return r.state.Side == site.SideOrigin || r.state.Side == site.SideCDN && r.asked()
}

// asked reports whether each of the site's CDNs was checked at least once, whatever
// came of it.
func (r *runner) asked() bool {
	for i := range r.gates {
		if r.gates[i].asked.IsZero() {
			return false
		}
	}
	return true
}

// through returns how a CDN is for the site once its gate has had its say.
func (r *runner) through(i int, c control.Candidate, now time.Time) control.Candidate {
	if r.gates == nil {
		return c
	}
	g := &r.gates[i]
	c = c.Through(g.state, now)
	c.Spare = c.Spare && r.asked() // till then there may be a better one
	switch k := g.canary; {
	case g.state.Open && k.warns(g):
		c.Out, c.Spare = true, !c.Out && k.state.OfOrigin
	case k.warned(g):
		c.Part = min(c.Part, k.state.Part(now))
	}
	return c
}

// ready reports whether the CDN is ready for the site.
func (g *gate) ready() bool { return g.state.Open && !g.canary.warns(g) }

// whyNot says why a CDN is not ready for the site; empty: it is.
func (g *gate) whyNot() string {
	switch k := g.canary; {
	case g.ready():
		return ""
	case g.state.Open && k.state.Failure == "":
		return "checks of other sites have only begun to be good again"
	case g.state.Open:
		return "checks of other sites fail: " + k.state.Failure
	case g.state.Checked.IsZero() && g.state.Doubts > 0:
		return "it could not be checked: " + g.state.Doubt
	case g.state.Checked.IsZero():
		return "it has not been checked yet"
	case g.state.Failure == "":
		return "its checks have only begun to be good again"
	}
	return g.state.Failure
}

// sayGates is how many gates are told of in a minute: a CDN may be closed for very
// many sites at once.
const sayGates = 10

// reportGate tells the operator that a CDN is not ready for a site, or is again.
func (e *Engine) reportGate(g *gate, before bool) {
	if g.state.Open && (before || g.state.Back.IsZero()) {
		return // it is new, and well
	}
	if e.saidGates >= sayGates {
		e.unsaidGates++
		return
	}
	e.saidGates++
	if s := g.runner.site.Name(); g.state.Open {
		e.cfg.Log.Infof("site %q: cdn %s is ready again", s, g.name())
	} else {
		e.cfg.Log.Warningf("site %q: cdn %s is not ready: %s", s, g.name(), g.whyNot())
	}
}

// reportGates tells of the gates that the generation in force has found closed, and
// the one before, whose runners are known, has not.
func (e *Engine) reportGates(known map[string]*runner) {
	for _, r := range e.current.runners {
		for i := range r.gates {
			g := &r.gates[i]
			from := known[r.site.Name()].gateTo(r.site.CDNs[i])
			if !g.asked.IsZero() && !g.state.Open && (from == nil || from.asked.IsZero() || from.state.Open) {
				e.reportGate(g, true)
			}
		}
	}
}

// tellGates says how many gates nobody was told of, once a minute.
func (e *Engine) tellGates(now time.Time) {
	if now.Sub(e.countedGates) < time.Minute {
		return
	}
	if e.unsaidGates > 0 {
		e.cfg.Log.Warningf("cdns were found ready or not ready for %d more sites", e.unsaidGates)
	}
	e.countedGates, e.saidGates, e.unsaidGates = now, 0, 0
}

// shown says how the gate is, in a word.
func (g *gate) shown() string {
	switch {
	case g.ready():
		return "open"
	case g.state.Checked.IsZero() && !g.state.Open:
		return "unchecked"
	}
	return "closed"
}
