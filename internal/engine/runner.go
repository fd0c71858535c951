package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// runner is one site of one generation: what is known of it and where its
// decisions go.
type runner struct {
	generation *Generation

	site  *site.Site // with the addresses in force
	paths []path
	state control.State
	entry *route.Entry

	*looked      // see own
	awaited bool // its first round of probes is
}

// looked is what is looked up for a site. Most sites need nothing of it, and
// share one that is empty.
type looked struct {
	targets []*target // of the site's CDNs; nil: they are not looked up
	hides   []uint16  // types of the next plugin's data that hold it back
	origin  *resolved // what it was last resolved to, if the next plugin knows it; else nil
	lost    bool      // the latest lookup of the origin found nothing
}

// own returns what is looked up for this site alone: where to write.
func (r *runner) own() *looked {
	if r.looked == &r.generation.nothing {
		r.looked = new(looked)
	}
	return r.looked
}

// newRunner returns the runner of s in g, which knows what from knew of the
// site in the generation before; from may be nil.
func (e *Engine) newRunner(g *Generation, s *site.Site, from *runner) *runner {
	r := &runner{generation: g, site: s, looked: &g.nothing}
	if fromNext(s) {
		r.own().origin = new(resolved)
	}
	if from != nil && fromNext(s) {
		r.site = withAddresses(s, from.site.Origins[0].Addresses)
		if from.origin != nil {
			*r.origin = *from.origin
		}
	}
	r.paths = e.pathsOf(r.site)
	if from != nil {
		r.state = control.Carry(from.state, from.site, r.site)
	}
	return r
}

// fromNext reports whether the next plugin knows the site's origin.
func fromNext(s *site.Site) bool { return s.Origins[0].Next }

// withAddresses returns s with other addresses of its only origin.
func withAddresses(s *site.Site, addrs []netip.Addr) *site.Site {
	other := *s
	other.Origins = slices.Clone(s.Origins)
	other.Origins[0].Addresses = addrs
	return &other
}

// located reports whether the site's origin has addresses. One that the next
// plugin knows has none at first.
func (r *runner) located() bool { return len(r.site.Origins[0].Addresses) > 0 }

// span is how far back the site looks on a path of this period.
func (r *runner) span(every time.Duration) time.Duration {
	span := control.Window(every)
	for _, t := range r.site.Thresholds {
		span = max(span, t.Window)
	}
	for _, o := range r.site.Origins {
		for _, t := range o.Thresholds {
			span = max(span, t.Window)
		}
	}
	return span
}

// step takes the next decision and publishes it if it says anything new. It
// returns the decision before.
func (r *runner) step(path int, now time.Time, hold control.Hold) (before site.Decision, changed bool) {
	before = r.state.Decision()
	if !r.located() {
		return before, false
	}
	state, decision := control.Decide(r.site, r.state, r.input(path, now, hold))
	r.state = state
	if decision.Epoch == before.Epoch {
		return before, false
	}
	r.publish()
	return before, true
}

// input returns what a decision looks at. Its sources are valid until the next
// call for the generation.
func (r *runner) input(path int, now time.Time, hold control.Hold) control.Input {
	sources := r.generation.scratch[:0]
	for i := range r.paths {
		sources = append(sources, r.paths[i].input(r.paths[i].source.span))
	}
	r.generation.scratch = sources
	return control.Input{Now: now, Sources: sources, New: path, Ready: r.ready(), Hides: typeNames(r.hides), Hold: hold}
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
