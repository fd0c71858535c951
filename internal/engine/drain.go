package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// nodeName tells the nodes of all CDNs apart.
type nodeName struct{ cdn, node string }

// Drain has a node get no visitors, or get them again; see api.Engine. It lasts
// over reloads, and with a folder for the state over restarts.
func (e *Engine) Drain(cdn, node string, drain bool) error {
	if err := e.drain(cdn, node, drain); err != nil {
		return err
	}
	e.keepOverrides(e.inForceKept())
	return nil
}

func (e *Engine) drain(cdn, node string, drain bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.current.cdn(cdn)
	if c == nil || !slices.ContainsFunc(c.site.Origins, func(o site.Origin) bool { return o.Name == node && node != "" }) {
		return fmt.Errorf("%w: '%s' of cdn '%s'", api.ErrNoNode, node, cdn)
	}
	e.drains[nodeName{cdn, node}] = drain
	for _, g := range []*Generation{e.current, e.candidate} {
		if c := g.cdn(cdn); c != nil {
			c.obey(e.drained(c.watched))
			e.stepCDN(c, control.None, time.Now())
		}
	}
	word := map[bool]string{true: "drained", false: "no longer drained"}[drain]
	e.cfg.Log.Warningf("cdn %q: node %q is %s, by an operator", cdn, node, word)
	return nil
}

// obey has the CDN be w from now on, which differs in what is drained.
func (c *cdn) obey(w *site.WatchedCDN) { c.watched, c.site = w, w.Watch }

// drained returns w with those nodes drained that operators want to be, and no
// others of those that they have spoken of.
func (e *Engine) drained(w *site.WatchedCDN) *site.WatchedCDN {
	other, watch := *w, *w.Watch
	watch.Origins = slices.Clone(watch.Origins)
	for i := range watch.Origins {
		if drain, said := e.drains[nodeName{w.Name, watch.Origins[i].Name}]; said {
			watch.Origins[i].Drain = drain
		}
	}
	other.Watch = &watch
	return &other
}
