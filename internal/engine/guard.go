package engine

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Times of the anchors.
const (
	anchorEvery   = 500 * time.Millisecond
	anchorTimeout = time.Second
	anchorSilence = 2 * time.Second // after which no answer means that anchors are silent
)

// guard keeps the sites of a generation where they are while the monitor may be
// cut off. A site leaves its origins only once an anchor has answered a question
// that was put after the site began to want to, or when it has waited for long
// enough and too few others want to leave.
type guard struct {
	site.Guard
	mass    int              // how many sites that leave at once are too many
	heard   time.Time        // when the latest question was put that an anchor has answered
	blind   time.Time        // since when too many want to leave and no anchor answers; zero: it is not so
	thaw    time.Time        // when anchors answered again after that
	waiting map[*runner]wait // sites that want to leave
	left    []time.Time      // when others did, within the guard's time
	told    time.Time        // since when the operator knows that the monitor is blind; zero: it is not

	silent time.Time // when no anchor answered, as far as CDNs are concerned

	answered bool // an anchor has, since this generation came
	muted    bool // the operator knows that no anchor answers
}

// wait is that of one site.
type wait struct {
	since time.Time
	hold  control.Hold // when it last decided: only less of it may change anything
}

func newGuard(cfg site.Guard, sites int) guard {
	return guard{Guard: cfg, mass: cfg.Mass(sites), heard: time.Now(), waiting: make(map[*runner]wait)}
}

// inherit goes on where the guard of the generation before was.
func (g *guard) inherit(old *guard) {
	g.told = old.told
	if !g.On() || !old.On() {
		return
	}
	g.left, g.muted = old.left, old.muted
	if old.thaw.After(g.thaw) {
		g.thaw = old.thaw
	}
	if !g.heard.After(old.heard) || !g.answered {
		g.heard = old.heard
	}
	switch {
	case old.blind.IsZero():
	case g.answered && g.heard.After(old.blind): // anchors of its own have answered since
		g.thaw = time.Now()
	default:
		g.blind = old.blind
	}
	since := make(map[string]time.Time)
	for r, w := range old.waiting {
		since[r.site.Name()] = w.since
	}
	for r, w := range g.waiting {
		if at, found := since[r.site.Name()]; found {
			g.waiting[r] = wait{at, w.hold}
		}
	}
}

// replace has a new runner wait as the one before did, which may be nil.
func (g *guard) replace(from, r *runner) {
	if w, waits := g.waiting[from]; waits {
		g.waiting[r] = w
	}
}

// resize is told how many sites there are.
func (g *guard) resize(sites int) { g.mass = g.Mass(sites) }

// holds says what is not to lead a site away from its origins for now. What was
// heard while the monitor was blind still counts for a time.
func (g *guard) holds(r *runner, now time.Time) control.Hold {
	if !g.On() {
		return control.HoldNothing
	}
	seeing := now.Sub(g.thaw)
	health, windows := r.memory()
	w, waits := g.waiting[r]
	switch {
	case !g.blind.IsZero(), seeing < health, !waits, now.Sub(w.since) < g.Within && !g.heard.After(w.since):
		return control.HoldAll
	case seeing < windows:
		return control.HoldThresholds
	}
	return control.HoldNothing
}

// holdsCDN says what does not count for now of what is heard of a CDN: whatever was
// heard while no anchor answered, and some time after.
func (g *guard) holdsCDN(c *cdn, now time.Time) control.Hold {
	if !g.On() {
		return control.HoldNothing
	}
	g.cutOff(now, now)
	health, windows := c.memory()
	switch since := now.Sub(g.silent); {
	case since < health:
		return control.HoldAll
	case since < windows:
		return control.HoldThresholds
	}
	return control.HoldNothing
}

// cutOff reports whether the monitor may have been cut off since a time: no anchor
// answered for a while.
func (g *guard) cutOff(since, now time.Time) bool {
	if !g.On() {
		return false
	}
	if now.Sub(g.heard) >= anchorSilence {
		g.silent = now
	}
	return !g.silent.Before(since)
}

// follow goes on with what the guard in force knows of the anchors' silence.
func (g *guard) follow(old *guard, now time.Time) {
	g.silent = old.silent
	if old.On() && now.Sub(old.heard) >= anchorSilence {
		g.silent = now
	}
}

// memory is for how long a sample counts at most: for the health of an address,
// and until it has left the windows, into which those come last that were under
// way.
func (o *observed) memory() (health, windows time.Duration) {
	for _, p := range o.judged() {
		period := p.source.period
		if !p.source.target.IsFeed() {
			health = max(health, site.StaleAfter(period)+2*period)
		}
		windows = max(windows, o.span(period)+2*period+p.source.delay())
	}
	return health, max(health, windows)
}

// guarded notes what a site's latest step means for the guard.
func (e *Engine) guarded(r *runner, before site.Side, hold control.Hold, now time.Time) {
	g := &r.generation.guard
	if !g.On() {
		return
	}
	if r.state.Side == site.SideCDN && before != site.SideCDN {
		g.left = append(g.left, now)
	}
	if !r.state.Waiting() {
		delete(g.waiting, r)
		return
	}
	w, found := g.waiting[r]
	if !found {
		w.since = now
	}
	w.hold = hold
	g.waiting[r] = w
	e.doubt(r.generation, now)
}

// doubt finds out whether the monitor is cut off.
func (e *Engine) doubt(generation *Generation, now time.Time) {
	g := &generation.guard
	g.left = slices.DeleteFunc(g.left, func(at time.Time) bool { return now.Sub(at) >= g.Within })
	switch mass := g.leaving() >= g.mass; {
	case g.blind.IsZero() && mass && now.Sub(g.heard) >= anchorSilence:
		g.blind = now
	case !g.blind.IsZero() && !mass:
		g.blind, g.thaw = time.Time{}, now // whoever wanted to leave is well again
	}
}

// leaving counts the sites that want to leave, or did within the guard's time.
func (g *guard) leaving() int { return len(g.waiting) + len(g.left) }

// tellBlind tells the operator, once, that the monitor has become blind, and
// that it no longer is. Of generations only the one in force is told of,
// whatever it knew before it was.
func (e *Engine) tellBlind(now time.Time) {
	if e.current == nil {
		return
	}
	g := &e.current.guard
	switch blind := !g.blind.IsZero(); {
	case blind && g.told.IsZero():
		g.told = now
		e.cfg.Metrics.blind.Set(1)
		e.cfg.Log.Errorf("guard: %d sites would leave their origins, and no anchor has answered for %s: the monitor is cut off, all sites stay where they are",
			g.leaving(), now.Sub(g.heard).Round(time.Millisecond))
	case !blind && !g.told.IsZero():
		e.cfg.Metrics.blind.Set(0)
		e.cfg.Log.Warningf("guard: the monitor is no longer cut off, after %s: sites may leave their origins once new samples say so", now.Sub(g.told).Round(time.Second))
		g.told = time.Time{}
	}
}

// muteAfter is after how long the operator is told that no anchor answers.
const muteAfter = 10 * time.Second

// tellMute tells the operator, once, that sites wait before they leave because
// no anchor answers, and that one does again.
func (e *Engine) tellMute(now time.Time) {
	if e.current == nil || !e.current.guard.On() {
		return
	}
	g := &e.current.guard
	switch mute := now.Sub(g.heard) >= muteAfter; {
	case mute && !g.muted:
		e.cfg.Log.Warningf("guard: no anchor has answered for %s: every site waits %s before it leaves its origins, and a mass of them stays", now.Sub(g.heard).Round(time.Second), g.Within)
	case !mute && g.muted:
		e.cfg.Log.Infof("guard: an anchor answers again")
	}
	g.muted = now.Sub(g.heard) >= muteAfter
}

// watchAnchors is the task that asks the anchors of all guards, each as long as
// there is one.
func (e *Engine) watchAnchors(ctx context.Context) error {
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	busy := make(map[netip.AddrPort]bool)
	answered := make(chan answer)
	tick := time.NewTicker(anchorEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-answered:
			delete(busy, a.anchor)
			e.heard(a, time.Now())
		case now := <-tick.C:
			for _, anchor := range e.anchors(now) {
				if !busy[anchor] {
					busy[anchor] = true
					asking.Go(func() { e.ask(ctx, anchor, answered) })
				}
			}
		}
	}
}

// answer is what came of asking an anchor.
type answer struct {
	anchor netip.AddrPort
	asked  time.Time
	err    error
}

func (e *Engine) ask(ctx context.Context, anchor netip.AddrPort, answered chan<- answer) {
	a := answer{anchor: anchor, asked: time.Now()}
	limited, cancel := context.WithTimeout(ctx, anchorTimeout)
	defer cancel()
	a.err = e.askGuarded(limited, anchor)
	select {
	case answered <- a:
	case <-ctx.Done():
	}
}

// askGuarded asks an anchor; a panic is no answer.
func (e *Engine) askGuarded(ctx context.Context, anchor netip.AddrPort) (err error) {
	defer func() {
		if value := recover(); value != nil {
			e.panicked("guard", value, debug.Stack())
			err = errors.New("it panicked")
		}
	}()
	return e.cfg.Anchor(ctx, anchor)
}

// anchors returns all anchors, and looks after the sites that wait.
func (e *Engine) anchors(now time.Time) []netip.AddrPort {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []netip.AddrPort
	for _, generation := range e.guarding() {
		all = append(all, generation.guard.Anchors...)
		e.doubt(generation, now)
		e.review(generation, now)
	}
	e.tellBlind(now)
	e.tellMute(now)
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all)
}

// guarding returns the generations that have a guard.
func (e *Engine) guarding() []*Generation {
	var guarding []*Generation
	for _, generation := range []*Generation{e.current, e.candidate} {
		if generation != nil && generation.guard.On() {
			guarding = append(guarding, generation)
		}
	}
	return guarding
}

// heard notes the answer of an anchor: whoever waits for it may go.
func (e *Engine) heard(a answer, now time.Time) {
	if a.err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, generation := range e.guarding() {
		g := &generation.guard
		if !slices.Contains(g.Anchors, a.anchor) || !a.asked.After(g.heard) {
			continue
		}
		g.heard, g.answered = a.asked, true
		if !g.blind.IsZero() {
			g.blind, g.thaw = time.Time{}, now
		}
		e.review(generation, now)
	}
	e.tellBlind(now)
}

// review lets those decide again who waited and need not wait any longer.
func (e *Engine) review(generation *Generation, now time.Time) {
	for _, r := range slices.Collect(maps.Keys(generation.guard.waiting)) {
		if generation.guard.holds(r, now) < generation.guard.waiting[r].hold {
			e.step(r, control.None, now)
		}
	}
}
