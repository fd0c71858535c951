package engine

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Sites is what one Corefile says: its sites, and the name servers of those
// zones that name any.
type Sites struct {
	Sites []*site.Site
	NS    map[string][]string // by zone
}

// Generation is the sites of one Corefile while they are observed.
type Generation struct {
	Table *route.Table

	runners []*runner
	began   time.Time
	unknown int           // sites whose first round is not over
	ready   chan struct{} // closed when there is none
}

// firstRound is how long at most Offer waits.
const firstRound = 5 * time.Second

// Offer begins to observe sites beside those in force, and waits until the
// first round of probes of those that are new is in, at most 5 s. An engine
// without sites takes them as the ones in force at once.
func (e *Engine) Offer(ctx context.Context, sites Sites) *Generation {
	g := e.offer(sites, time.Now())
	ctx, cancel := context.WithTimeout(ctx, firstRound)
	defer cancel()
	select {
	case <-g.ready:
	case <-ctx.Done():
		e.cfg.Log.Warningf("not every site has been probed within %s: those that were not answer with their origin", firstRound)
	}
	return g
}

func (e *Engine) offer(sites Sites, now time.Time) *Generation {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := &Generation{began: now, ready: make(chan struct{})}
	known := e.current.byName()
	for _, s := range sites.Sites {
		g.runners = append(g.runners, newRunner(g, s, known[s.Name()]))
	}
	if e.current == nil {
		e.current = g
	} else {
		e.candidate = g
	}
	e.observe()
	g.open(sites.NS, now)
	e.cfg.Metrics.recount(e.current)
	return g
}

// open decides for the first time, on what is known already, and fills the table.
func (g *Generation) open(ns map[string][]string, now time.Time) {
	entries := make([]*route.Entry, len(g.runners))
	for i, r := range g.runners {
		r.step(control.None, now)
		mname := ""
		if names := ns[r.site.Zone]; len(names) > 0 {
			mname = names[0]
		}
		r.entry = route.NewEntry(r.site, mname, r.state.Last)
		entries[i] = r.entry
		if r.state.Side == site.SideUnknown {
			g.unknown++
		}
	}
	g.Table = route.NewTable(entries...)
	if g.unknown == 0 {
		close(g.ready)
	}
}

// known counts a site whose first round is over.
func (g *Generation) known() {
	if g.unknown--; g.unknown == 0 {
		close(g.ready)
	}
}

// byName returns the runners by the name of their site; a nil generation has none.
func (g *Generation) byName() map[string]*runner {
	names := make(map[string]*runner)
	if g != nil {
		for _, r := range g.runners {
			names[r.site.Name()] = r
		}
	}
	return names
}

// Promote puts the generation on offer into force, and reports whether there
// was one.
func (e *Engine) Promote() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.candidate == nil {
		return false
	}
	old := e.current.byName()
	e.current, e.candidate = e.candidate, nil
	e.observe()
	e.reportAll(old)
	e.cfg.Metrics.recount(e.current)
	return true
}

// Drop ends the generation on offer, if any.
func (e *Engine) Drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.candidate = nil
	e.observe()
}
