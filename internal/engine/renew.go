package engine

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
)

// renewAll puts all sites and CDNs that k has into force at once, in the table that
// questions are answered by: for a change that reaches beyond single sites. It
// reports false, and does nothing, while a reload is under way.
func (e *Engine) renewAll(ctx context.Context, k *Kept, revision int64) bool {
	e.setting.Lock()
	defer e.setting.Unlock()
	old := e.inForceAlone()
	if old == nil {
		return false
	}
	sites := old.wiring
	k.mu.Lock()
	sites.Sites, sites.CDNs, sites.Seed, sites.Kept = k.overlay.Sites(), k.overlay.CDNs(), k.seed, k
	sites.Own = OwnOf(k.overlay.Blocks())
	k.mu.Unlock()
	g := e.prepare(sites)
	g.socket, g.console, g.http = old.socket, old.console, old.http
	e.look(ctx, g)
	e.open(g, time.Now())
	e.mu.Lock()
	defer e.mu.Unlock()
	k.served.Store(revision) // what is decided by it says so
	e.promoteOver(g, old)
	return true
}

// inForceAlone returns the generation in force if none is on offer beside it.
func (e *Engine) inForceAlone() *Generation {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.candidate != nil {
		return nil
	}
	return e.current
}

// promoteOver puts a generation into force in the table of the one before.
func (e *Engine) promoteOver(g, old *Generation) {
	e.promoteLocked()
	g.Table = old.Table
	g.Table.Replace(g.entries())
}

// entries returns all that is in the generation's table.
func (g *Generation) entries() []*route.Entry {
	entries := entriesOf(g.runners)
	for _, c := range g.cdns {
		if c.entry != nil {
			entries = append(entries, c.entry)
		}
	}
	return entries
}
