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

// take adds samples to their source and has all users decide.
func (e *Engine) take(ev event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	src := e.sources[ev.target]
	if src == nil {
		return // nobody wants it any more
	}
	now := time.Now()
	if !src.add(ev.samples, now) {
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

// step lets a runner decide and reports what came of it. Only the generation
// in force reports: the other one would say everything twice. A panic stays
// with its site: the others must not wait for the task to start again.
func (e *Engine) step(r *runner, path int, now time.Time) {
	defer e.recovered()
	hold := r.generation.guard.holds(r, now)
	near := r.state.Near
	before, changed := r.step(path, now, hold)
	e.guarded(r, before.Side, hold, now)
	if near != r.state.Near {
		e.need(r, now)
	}
	if r.awaited && r.settled() {
		r.generation.known(&r.observed)
	}
	if !changed {
		return
	}
	after := r.state.Decision()
	if r.generation == e.current && moved(before, after) {
		e.cfg.Metrics.moved(before.Side, after.Side)
		e.report(r.site, before, after)
	}
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
	epoch := r.state.Decision().Epoch
	e.step(r, control.None, now)
	if r.state.Decision().Epoch == epoch {
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
