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
	observed // its site has the addresses in force
	state    control.State
	entry    *route.Entry

	*looked // see own
}

// observed is a site, or what is judged like one, and how it is observed.
type observed struct {
	generation *Generation
	site       *site.Site
	paths      []path
	inform     int  // of paths, at their end, so many are not judged by
	awaited    bool // its first round of probes is
	gone       bool // it is no longer in the generation
}

// judged returns the paths that the site is judged by.
func (o *observed) judged() []path { return o.paths[:len(o.paths)-o.inform] }

// heard returns what a decision is told of news on a path: those that only inform
// are none.
func (o *observed) heard(path int) int {
	if path >= len(o.judged()) {
		return control.None
	}
	return path
}

func (r *runner) hear(e *Engine, path int, now time.Time) { e.step(r, path, now) }

// looked is what is looked up for a site. Most sites need nothing of it, and
// share one that is empty.
type looked struct {
	targets []*target // of the site's CDNs; nil: their addresses are not answered
	gates   []gate    // of the site's CDNs; nil: they are not checked
	hides   []uint16  // types of the next plugin's data that hold it back
	origin  *resolved // what it was last resolved to, if the next plugin knows it; else nil
	lost    bool      // the latest lookup of the origin found nothing

	override  *site.Override // that counts for the site; nil: none does
	untouched error          // why it does not touch the site; nil: it does
}

// own returns what is looked up for this site alone: where to write.
func (r *runner) own() *looked {
	if r.looked == &r.generation.nothing {
		r.looked = new(looked)
	}
	return r.looked
}

// newRunner returns the runner of s in g, which knows what from knew of the site
// before; from may be nil. targets are those of the generation before.
func (e *Engine) newRunner(g *Generation, s *site.Site, from *runner, targets map[string]*target) *runner {
	r := &runner{observed: observed{generation: g, site: s}, looked: &g.nothing}
	if fromNext(s) {
		r.own().origin = new(resolved)
	}
	if from != nil && fromNext(s) {
		r.site = withAddresses(s, from.site.Origins[0].Addresses)
		if from.origin != nil {
			*r.origin = *from.origin
		}
	}
	r.paths, r.inform = e.pathsOf(r.site)
	r.entry = route.NewEntry(s, g.zone(s.Zone), route.NewSeed(g.wiring.Seed))
	if from != nil {
		r.follow(from)
	} else {
		r.begin(e)
	}
	g.addTargets(r, targets)
	e.addGates(r, from, targets)
	return r
}

// begin goes on with what was kept of the site over a restart, once its origin has an
// address, and reports whether there was anything.
func (r *runner) begin(e *Engine) bool {
	k, name := r.generation.kept, r.site.Name()
	if k == nil || !r.located() {
		return false
	}
	saved, known := k.known[name]
	if !known {
		return false
	}
	delete(k.known, name)
	if err := r.restore(saved, time.Now()); err != nil {
		e.cfg.Log.Errorf("site %q: what was kept of it: %v", name, err)
		return false
	}
	return true
}

// follow goes on with what the runner before knew.
func (r *runner) follow(from *runner) {
	g := r.generation
	r.state = control.Carry(from.state, from.site, r.site)
	if mayHide(r.site, g.wiring.next(r.site)) {
		r.own().hides = unaccepted(r.site, slices.Clone(from.hides))
		g.held += held(r.hides)
	}
	r.entry.Succeed(from.entry)
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
func (o *observed) span(every time.Duration) time.Duration {
	span := control.Window(every)
	for _, t := range o.site.Thresholds {
		span = max(span, t.Window)
	}
	for _, o := range o.site.Origins {
		for _, t := range o.Thresholds {
			span = max(span, t.Window)
		}
	}
	return span
}

// step takes the next decision and publishes what is answered, if that is new. It
// returns what was answered before.
func (r *runner) step(path int, now time.Time, hold control.Hold) (before site.Decision, changed bool) {
	before = r.answered()
	if !r.located() {
		return before, false
	}
	input := r.input(path, now, hold)
	r.state, _ = control.Decide(r.site, r.state, input)
	return before, r.overrule(before, input)
}

// restore goes on with a state that was saved, by this server or by another one.
func (r *runner) restore(saved control.Saved, now time.Time) error {
	state, err := control.Restore(r.site, saved, now)
	if err != nil {
		return err
	}
	r.state = state
	return nil
}

// refit has the runner of a site that has changed answer what was decided on it before as
// far as it still can. Who decides will tell what it has now.
func (r *runner) refit(now time.Time) {
	if state, err := control.Restore(r.site, control.Save(r.site, r.state), now); err == nil {
		r.state = state
	}
}

// overrule lets the override that counts have its say about what is answered.
func (r *runner) overrule(before site.Decision, input control.Input) (changed bool) {
	state, err := control.Overrule(r.site, r.state, r.override, input)
	r.state = state
	if r.override != nil || r.untouched != nil {
		r.own().untouched = err
	}
	if r.answered().Epoch == before.Epoch {
		return false
	}
	r.publish()
	return true
}

// answered returns the decision that is answered by: what was measured, or what an
// override says; the zero one if there is none yet.
func (r *runner) answered() site.Decision {
	if d := r.state.Answer(); d != nil {
		return *d
	}
	return site.Decision{}
}

// input returns what a decision looks at. Its sources are valid until the next
// call for the generation.
func (r *runner) input(path int, now time.Time, hold control.Hold) control.Input {
	return control.Input{Now: now, Sources: r.sources(), New: path, CDNs: r.candidates(now), Hides: typeNames(r.hides), Hold: hold}
}

// sources returns what is heard on all paths. It is valid until the next call
// for the generation.
func (o *observed) sources() []control.Source {
	sources := o.generation.scratch[:0]
	for _, p := range o.judged() {
		sources = append(sources, p.input(p.source.span))
	}
	o.generation.scratch = sources
	return sources
}

// candidates returns how the site's CDNs are; nil where nobody looks. They are valid
// until the next call for the generation.
func (r *runner) candidates(now time.Time) []control.Candidate {
	if r.targets == nil && r.gates == nil && !slices.ContainsFunc(r.site.CDNs, func(c site.CDN) bool { return c.Watched }) {
		return nil
	}
	candidates := r.generation.choices[:0]
	for i, c := range r.site.CDNs {
		candidate := control.Good()
		if watched := r.generation.cdns[c.Name]; watched != nil {
			candidate = watched.candidate
		}
		candidate.Out = candidate.Out || !r.leads(i)
		candidate.Lost = r.lostTo(i, now)
		candidates = append(candidates, r.through(i, candidate, now))
	}
	r.generation.choices = candidates
	return candidates
}

// leads reports whether the target of a CDN has an address, where that is answered.
func (r *runner) leads(i int) bool { return r.targets == nil || !r.targets[i].last.empty() }

// lostTo reports whether the target of a CDN is known to lead nowhere, or back to the
// site.
func (r *runner) lostTo(i int, now time.Time) bool {
	if r.gates != nil && r.gates[i].target != nil && r.gates[i].resolved(now).sure {
		return true
	}
	return !r.leads(i)
}

// publish makes the present decision what answers follow.
func (r *runner) publish() {
	answer := r.state.Answer()
	if answer == nil {
		return
	}
	news := route.News{Decision: answer, Passed: r.hides}
	if r.site.Answer.Form == site.FormAddress {
		news.Found = r.found(answer.CDNs)
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
