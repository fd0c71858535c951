package engine

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// sweepEvery is how late time alone may change a decision.
const sweepEvery = time.Second

// decide is the task that turns samples into decisions, and looks once a
// second for those that time has changed.
func (e *Engine) decide(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	settling := time.NewTicker(settleEvery)
	defer settling.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev := <-e.events:
			e.take(ev)
		case <-tick.C:
			e.sweep(time.Now())
		case <-settling.C:
			e.settle(time.Now())
		}
	}
}

// take takes in samples of this server.
func (e *Engine) take(ev event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	src := e.sources[ev.target]
	if src == nil {
		return // nobody wants it any more
	}
	if now := time.Now(); !e.note(src, ev.samples, now) {
		e.hear(src, ev.samples, now)
	}
}

// hear adds samples to their source and has all users decide.
func (e *Engine) hear(src *source, samples []site.Sample, now time.Time) {
	if !src.add(samples, now) {
		return
	}
	e.sourceBack(src)
	for _, u := range src.users {
		u.hear(e, u.path, now)
	}
}

// add puts samples into the window, and reports whether one says anything: the
// others would stand in the way of those that do.
func (src *source) add(samples []site.Sample, now time.Time) (added bool) {
	for _, s := range samples {
		if s.Usable(now) {
			src.window.Add(s)
			added = true
		}
	}
	return added
}

// sweep has those sites decide whose time has come without a sample.
func (e *Engine) sweep(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.surveyed) >= surveyEvery {
		e.survey(now)
	}
	e.lonely(now)
	e.endOverrides(now)
	for _, g := range []*Generation{e.current, e.candidate} {
		if g == nil {
			continue
		}
		for _, c := range g.cdns {
			if c.due(now) {
				e.stepCDN(c, control.None, now)
			}
		}
		for _, r := range g.runners {
			if due := r.state.Due; !due.IsZero() && !due.After(now) {
				e.step(r, control.None, now)
			}
		}
		e.sweepGates(g, now)
	}
	e.tellGates(now)
}

// step lets a runner decide and reports what came of it. Where another server decides,
// only overrides have their say. A panic stays with its site: the others must not wait
// for the task to start again.
func (e *Engine) step(r *runner, path int, now time.Time) {
	defer e.recovered()
	before := r.noted()
	hold := r.generation.guard.holds(r, now)
	if e.role == roleFollows {
		r.overrule(before.answer, r.input(control.None, now, hold))
	} else {
		r.step(path, now, hold)
		e.guarded(r, before.side, hold, now)
	}
	e.concluded(r, before, now)
}

// noted is what a runner was before a step.
type noted struct {
	answer site.Decision
	side   site.Side // that was measured
	near   bool
	calm   int
}

func (r *runner) noted() noted { return noted{r.answered(), r.state.Side, r.state.Near, r.calm()} }

// calm counts the origins that are on their way back.
func (r *runner) calm() (n int) {
	for _, o := range r.state.Origins {
		if !o.Calm.IsZero() {
			n++
		}
	}
	return n
}

// concluded says what came of a step. Only the generation in force does: the other
// one would say everything twice.
func (e *Engine) concluded(r *runner, before noted, now time.Time) {
	if before.near != r.state.Near {
		e.need(r, now)
	}
	if r.awaited && r.settled() {
		r.generation.known(&r.observed)
	}
	if r.generation != e.current {
		return
	}
	if before.side != r.state.Side {
		e.cfg.Metrics.moved(before.side, r.state.Side)
	}
	if e.decided(r, before.answer, now) || before.side != r.state.Side || before.calm != r.calm() {
		e.owes(r)
	}
}

// decided enters and reports what a site in force answers, if that is another decision
// than before.
func (e *Engine) decided(r *runner, before site.Decision, now time.Time) bool {
	after := r.answered()
	elsewhere := moved(before, after)
	if after.Epoch == before.Epoch && !elsewhere { // epochs of two servers may be the same
		return false
	}
	e.enter(r, before, after, now)
	if elsewhere {
		e.report(r.site, before, after)
	}
	return true
}

// recovered keeps a panic in one decision.
func (e *Engine) recovered() {
	if value := recover(); value != nil {
		e.panicked("decide", value, debug.Stack())
	}
}

// sameOrigin reports whether two origins are one.
func sameOrigin(a, b site.Served) bool { return a.Name == b.Name }

// renew lets a runner decide on what was looked up, and publishes that even if
// the decision stays.
func (e *Engine) renew(r *runner, now time.Time) {
	if !r.generation.opened {
		return
	}
	epoch := r.answered().Epoch
	e.step(r, control.None, now)
	if r.answered().Epoch == epoch {
		r.publish()
	}
}

// sameCDN reports whether two are one, even if its target is another now.
func sameCDN(a, b site.CDN) bool { return a.Name == b.Name }

// moved reports whether visitors, or what was measured, went elsewhere.
func moved(a, b site.Decision) bool {
	return a.Side != b.Side || a.Share != b.Share || !slices.EqualFunc(a.CDNs, b.CDNs, sameCDN) ||
		!slices.EqualFunc(a.Origins, b.Origins, sameOrigin)
}
