package engine

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// runner is one site of one generation: what is known of it and where its
// decisions go.
type runner struct {
	generation *Generation

	site    *site.Site // with the addresses in force
	paths   []site.Path
	sources []*source // of the paths
	state   control.State
	entry   *route.Entry

	targets []*target // of the site's CDNs; nil: they are not looked up
	hides   []uint16  // types of the next plugin's data that hold it back
	origin  *resolved // what it was last resolved to, if the next plugin knows it; else nil
	lost    bool      // the latest lookup of the origin found nothing
	awaited bool      // its first round of probes is
}

// newRunner returns the runner of s in g, which knows what from knew of the
// site in the generation before; from may be nil.
func newRunner(g *Generation, s *site.Site, from *runner) *runner {
	r := &runner{generation: g, site: s}
	if s.Origin.Next {
		r.origin = new(resolved)
	}
	if from != nil && s.Origin.Next {
		known := *s
		known.Origin.Addresses = from.site.Origin.Addresses
		r.site = &known
		if from.origin != nil {
			*r.origin = *from.origin
		}
	}
	r.setPaths(r.site.Paths())
	if from != nil {
		r.state = control.Carry(from.state, from.paths, r.paths)
	}
	return r
}

// setPaths makes these the ways to observe the site. They have no sources until
// the engine observes anew.
func (r *runner) setPaths(paths []site.Path) {
	r.paths = paths
	r.sources = make([]*source, len(paths))
}

// located reports whether the site's origin has addresses. One that the next
// plugin knows has none at first.
func (r *runner) located() bool { return len(r.site.Origin.Addresses) > 0 }

// span is how far back the site looks on a path.
func (r *runner) span(p site.Path) time.Duration {
	span := control.Window(p.Every)
	for _, t := range r.site.Thresholds {
		span = max(span, t.Window)
	}
	return span
}

// step takes the next decision and publishes it if it says anything new. It
// returns the decision before.
func (r *runner) step(path int, now time.Time) (before site.Decision, changed bool) {
	before = r.state.Decision()
	if !r.located() {
		return before, false
	}
	sources := r.generation.scratch[:0]
	for i, src := range r.sources {
		sources = append(sources, control.Source{Address: r.paths[i].Address, Period: src.period, Samples: src.window.Within(src.span)})
	}
	r.generation.scratch = sources
	state, decision := control.Decide(r.site, r.state, control.Input{
		Now: now, Sources: sources, New: path, Ready: r.ready(), Hides: typeNames(r.hides),
	})
	r.state = state
	if decision.Epoch == before.Epoch {
		return before, false
	}
	r.publish()
	return before, true
}

// ready returns which of the site's CDNs have a target that leads somewhere;
// nil where nobody looks.
func (r *runner) ready() []bool {
	if r.targets == nil {
		return nil
	}
	ready := make([]bool, len(r.targets))
	for i, t := range r.targets {
		ready[i] = !t.dead
		if r.site.Answer.Form == site.FormAddress {
			ready[i] = !t.last.empty()
		}
	}
	return ready
}

// publish makes the present decision what answers follow.
func (r *runner) publish() {
	if r.state.Last == nil {
		return
	}
	news := route.News{Decision: r.state.Last, Passed: r.hides}
	if r.site.Answer.Form == site.FormAddress {
		news.Found = r.found(r.state.Last.CDNs)
	}
	r.entry.Publish(news)
}

// found returns what the targets of some of the site's CDNs lead to.
func (r *runner) found(cdns []site.CDN) []site.Found {
	found := make([]site.Found, len(cdns))
	for i, c := range cdns {
		found[i] = r.generation.targets[c.Target].last.found()
	}
	return found
}
