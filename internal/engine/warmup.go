package engine

import (
	"context"
	"net/netip"
	"time"
)

// Bounds of warm-ups.
const (
	maxWarming = 32               // sites whose URLs are fetched at once
	maxFetch   = 30 * time.Second // of one URL
	warmFor    = 5 * time.Second  // how long at most a check waits for it
	rewarm     = time.Hour        // after which it is done again, when the CDN comes to be needed
)

// warming is a warm-up that waits or is under way.
type warming struct {
	gate *gate
	addr netip.Addr
	over chan struct{} // closed when it is
}

// warm has the CDN fetch what visitors will ask for, if that is wanted now, and waits
// a little for it: it is to hold nobody up for long.
func (e *Engine) warm(ctx context.Context, g *gate, addr netip.Addr) {
	w := warming{g, addr, make(chan struct{})}
	if !e.beginWarming(w) {
		return
	}
	enough := time.NewTimer(warmFor)
	defer enough.Stop()
	select {
	case <-w.over:
	case <-enough.C:
	case <-ctx.Done():
	}
}

// beginWarming puts a warm-up behind those that wait, and sees to somebody who does
// it. It reports whether there is one to be done.
func (e *Engine) beginWarming(w warming) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g := w.gate; g.site.Ready.Warmup == "" || !g.warmed.IsZero() && !g.cold {
		return false
	}
	w.gate.warmed, w.gate.cold = time.Now(), false
	e.toWarm = append(e.toWarm, w)
	if e.warmers < maxWarming {
		e.warmers++
		e.tasks.Go(e.warmer)
	}
	return true
}

// warmer does warm-ups until none waits.
func (e *Engine) warmer() {
	for {
		e.mu.Lock()
		if len(e.toWarm) == 0 || e.ctx.Err() != nil {
			e.warmers--
			e.mu.Unlock()
			return
		}
		w := e.toWarm[0]
		e.toWarm = e.toWarm[1:]
		e.mu.Unlock()
		e.attempt(e.ctx, "check", func(ctx context.Context) error {
			defer close(w.over)
			e.fetchAll(ctx, w)
			return nil
		})
	}
}

// fetchAll fetches all URLs of a warm-up, and tells what failed.
func (e *Engine) fetchAll(ctx context.Context, w warming) {
	g := w.gate
	var failed error
	for _, text := range g.site.Ready.WarmupURLs() {
		if r := e.probes["warmup"](ctx, g.site.WarmupOf(text, maxFetch, w.addr, g.thirdParty())); r.Err != nil {
			failed = r.Err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if failed != nil && ctx.Err() == nil && g.runner.generation == e.current {
		e.cfg.Log.Warningf("site %q: warming up cdn %s: %s", g.site.Name(), g.name(), printable(failed.Error()))
	}
}
