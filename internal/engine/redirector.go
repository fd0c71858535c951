package engine

import (
	"context"
	"fmt"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Redirect has the sites of the next Offer redirected over HTTP at some
// addresses, once they are in force. Sockets that are open already go on.
func (e *Engine) Redirect(redirectors []site.Redirector) (err error) {
	var before *redirect.Set
	if e.current != nil {
		before = e.current.http
	}
	e.redirectors, err = redirect.Open(redirectors, before, e.cfg.Redirect, e.cfg.Log)
	return err
}

// Withdraw closes the sockets that were meant for an Offer that does not come.
func (e *Engine) Withdraw() {
	offered := &Generation{socket: e.offered, console: e.console, http: e.redirectors}
	e.closeSocket(offered, e.current)
	e.closeConsole(offered, e.current)
	e.closeRedirectors(offered, e.current)
	e.offered, e.console, e.redirectors = nil, nil, nil
}

// serve has the redirectors go by the sites of a generation that is in force, and the
// console answer as its Corefile says.
func (g *Generation) serve() {
	if g.console != nil {
		g.console.server.Use(g.console.config)
	}
	if g.http != nil {
		g.http.Serve(g.Table)
	}
}

// closeRedirectors closes those of a generation that goes, but for the sockets
// of the one that stays.
func (e *Engine) closeRedirectors(goes, stays *Generation) {
	if goes == nil || goes.http == nil {
		return
	}
	var kept *redirect.Set
	if stays != nil {
		kept = stays.http
	}
	if err := goes.http.Close(kept); err != nil {
		e.cfg.Log.Warningf("%v", err)
	}
}

// countRequests is the feed of kind "redirector": how many requests have come
// for a site so far. The usage of a site will be counted from the same number.
func (e *Engine) countRequests(_ context.Context, t site.Target) health.Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, g := range []*Generation{e.current, e.candidate} {
		if g == nil || g.Table == nil {
			continue
		}
		entry := g.Table.Lookup(t.Counted())
		if entry == nil {
			continue
		}
		if n, counted := entry.Requests(); counted {
			reading := health.Reading{Signal: site.Requests, Scale: 1, Num: []health.Counter{{Series: entry.Name(), Value: float64(n)}}}
			return health.Result{Readings: []health.Reading{reading}}
		}
	}
	return health.Result{Failure: site.FailureLocal, Err: fmt.Errorf("reading '%s': the redirector does not know the site", t.Shown())}
}
