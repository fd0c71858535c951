package engine

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// Bounds of warm-ups.
const (
	maxWarming = 4                // of one CDN under way at once
	maxWarmup  = time.Minute      // of one site's
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

// beginWarming puts a warm-up behind those of its CDN that wait, or before those
// whose sites need it less, and sees to somebody who does it. It reports whether
// there is one to be done.
func (e *Engine) beginWarming(w warming) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	g, k := w.gate, w.gate.canary
	if g.site.Ready.Warmup == "" || !g.warmed.IsZero() && !g.cold {
		return false
	}
	g.warmed, g.cold = time.Now(), false
	if g.runner.state.Near {
		k.warming = slices.Insert(k.warming, 0, w)
	} else {
		k.warming = append(k.warming, w)
	}
	if k.warmers < maxWarming {
		k.warmers++
		e.tasks.Go(func() { e.warmer(k) })
	}
	return true
}

// warmer does the warm-ups of a CDN until none waits.
func (e *Engine) warmer(k *canary) {
	for w, more := e.nextWarming(k); more; w, more = e.nextWarming(k) {
		e.attempt(e.ctx, "check", func(ctx context.Context) error {
			defer close(w.over)
			e.fetchAll(ctx, w)
			return nil
		})
	}
}

// nextWarming returns the next warm-up of a CDN, if the warmer is to go on.
func (e *Engine) nextWarming(k *canary) (w warming, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(k.warming) == 0 || e.ctx.Err() != nil {
		k.warming = nil
		k.warmers--
		return w, false
	}
	w = k.warming[0]
	k.warming = slices.Delete(k.warming, 0, 1)
	return w, true
}

// fetchAll fetches all URLs of a warm-up, and tells what failed.
func (e *Engine) fetchAll(ctx context.Context, w warming) {
	ctx, cancel := context.WithTimeout(ctx, maxWarmup)
	defer cancel()
	g := w.gate
	var failed error
	for _, text := range g.site.Ready.WarmupURLs() {
		if r := e.probes["warmup"](ctx, g.site.WarmupOf(text, maxFetch, g.site.CDNs[g.cdn], w.addr, g.public(w.addr))); r.Err != nil {
			failed = r.Err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if failed != nil && e.ctx.Err() == nil && g.runner.generation == e.current {
		e.cfg.Log.Warningf("site %q: warming up cdn %s: %s", g.site.Name(), g.name(), printable(failed.Error()))
	}
}
