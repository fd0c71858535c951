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

	site    *site.Site
	paths   []site.Path
	sources []*source // of the paths
	state   control.State
	entry   *route.Entry

	input []control.Source // reused from decision to decision
}

// newRunner returns the runner of s in g, which knows what from knew of the
// site in the generation before; from may be nil.
func newRunner(g *Generation, s *site.Site, from *runner) *runner {
	r := &runner{generation: g, site: s, paths: s.Paths()}
	r.sources = make([]*source, len(r.paths))
	r.input = make([]control.Source, len(r.paths))
	if from != nil {
		r.state = control.Carry(from.state, from.paths, r.paths)
	}
	return r
}

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
	for i, src := range r.sources {
		r.input[i] = control.Source{Address: r.paths[i].Address, Period: src.period, Samples: src.window.Within(src.span)}
	}
	before = r.state.Last
	state, decision := control.Decide(r.site, r.state, control.Input{Now: now, Sources: r.input, New: path})
	r.state = state
	if decision.Epoch == before.Epoch {
		return before, false
	}
	if r.entry != nil {
		r.entry.Publish(decision)
	}
	return before, true
}
