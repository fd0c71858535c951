package engine

import (
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// cdn is one CDN that is watched for the sites of a generation.
type cdn struct {
	observed
	watched   *site.WatchedCDN
	state     control.CDNState
	candidate control.Candidate // what the sites decide on
	entry     *route.Entry      // of the names that we answer for it; nil: its DNS is not ours
	said      *site.Decision    // what that answers; nil: nothing yet
}

func (c *cdn) hear(e *Engine, path int, now time.Time) { e.stepCDN(c, path, now) }

// newCDN returns w in g, which knows what the generation in force does of the
// CDN of that name.
func (e *Engine) newCDN(g *Generation, w *site.WatchedCDN) *cdn {
	c := &cdn{observed: observed{generation: g, site: w.Watch}, watched: w}
	c.paths, c.inform = e.pathsOf(w.Watch)
	if from := e.current.cdn(w.Name); from != nil {
		c.state = from.state
		c.state.State = control.Carry(from.state.State, from.site, c.site)
		if w.Zone != "" {
			c.said = left(from.said, c.site)
		}
	}
	c.candidate = c.state.Candidate(time.Now())
	return c
}

// cdn returns the CDN with a name, or nil; a nil generation has none.
func (g *Generation) cdn(name string) *cdn {
	if g == nil {
		return nil
	}
	return g.cdns[name]
}

// due reports whether time alone changes something of the CDN.
func (c *cdn) due(now time.Time) bool {
	due := c.state.Due
	return !due.IsZero() && !due.After(now) || c.state.Candidate(now) != c.candidate
}

// input returns what a judgement of the CDN looks at.
func (c *cdn) input(path int, now time.Time, hold control.Hold) control.Input {
	return control.Input{Now: now, Sources: c.sources(), New: path, Hold: hold}
}

// stepCDN judges a CDN, and has those sites decide again whose visitors it has,
// or might have.
func (e *Engine) stepCDN(c *cdn, path int, now time.Time) {
	defer e.recovered()
	g := c.generation
	before := c.state
	c.state = control.DecideCDN(c.watched, before, c.input(path, now, g.guard.holdsCDN(c, now)))
	if c.state.Side != site.SideUnknown {
		g.known(&c.observed)
	}
	c.publish()
	was := c.candidate
	c.candidate = c.state.Candidate(now)
	if g == e.current && g.opened {
		e.reportCDN(c, before)
	}
	if was != c.candidate {
		e.stepDiverted(g, c.watched.Name, now)
	}
}

// publish makes the present addresses of the nodes what is answered, if they are
// new. While no node is up the last ones stay, over a reload as well.
func (c *cdn) publish() {
	last := c.state.Last
	if c.entry == nil || last == nil {
		return
	}
	news := last
	if c.state.Dead && c.said != nil {
		news = c.said
	}
	if news != c.said || c.entry.Answers() == nil {
		c.said = news
		c.entry.Publish(route.News{Decision: news})
	}
}

// left returns what a decision says of those nodes that are left; nil: none is.
func left(d *site.Decision, s *site.Site) *site.Decision {
	if d == nil {
		return nil
	}
	other := *d
	other.Origins, other.Addresses = nil, nil
	for _, served := range d.Origins {
		same := func(o site.Origin) bool { return o.Name == served.Name }
		if i := slices.IndexFunc(s.Origins, same); i >= 0 {
			other.Origins = append(other.Origins, site.Served{Name: served.Name, Weight: served.Weight, Addresses: s.Origins[i].Addresses})
			other.Addresses = append(other.Addresses, s.Origins[i].Addresses...)
		}
	}
	if other.Origins == nil {
		return nil
	}
	return &other
}

// stepDiverted lets those sites decide that are at a CDN, or would be if one
// took them, and know this one.
func (e *Engine) stepDiverted(g *Generation, cdn string, now time.Time) {
	knows := func(o site.CDN) bool { return o.Name == cdn }
	e.following = true
	defer func() { e.following = false }()
	for _, r := range g.runners {
		if r.entry != nil && r.state.Side == site.SideCDN && slices.ContainsFunc(r.site.CDNs, knows) {
			e.step(r, control.None, now)
		}
	}
}

// reportCDN tells the operator that a CDN has gone out, or takes visitors again.
func (e *Engine) reportCDN(c *cdn, before control.CDNState) {
	switch st := c.state; {
	case st.Drained && !before.Drained:
		e.cfg.Log.Warningf("cdn %q: it takes no visitors: all of its nodes are drained", c.watched.Name)
	case st.Out() && !before.Out():
		e.cfg.Metrics.ejections.WithLabelValues(c.labels()...).Inc()
		e.cfg.Log.Warningf("cdn %q: it takes no visitors, time %d of late: %s", c.watched.Name, st.Ejections, st.Reason())
	case !st.Out() && before.Out():
		e.cfg.Log.Infof("cdn %q: it takes its visitors back, part by part: %s", c.watched.Name, st.Reason())
	}
	switch st := c.state; {
	case st.Full && !before.Full:
		e.cfg.Log.Warningf("cdn %q: it is at its soft limit, and gets no further sites while another one takes them", c.watched.Name)
	case st.Full != before.Full:
		e.cfg.Log.Infof("cdn %q: it gets further sites again", c.watched.Name)
	}
}

// labels are those of the CDN's series.
func (c *cdn) labels() []string { return []string{c.watched.Name, operatedBy(c.watched.ThirdParty)} }

// surveyCDNs sets the gauges of the CDNs in force.
func (e *Engine) surveyCDNs(now time.Time) {
	m := e.cfg.Metrics
	if e.current == nil {
		return
	}
	sites := e.current.sitesAtCDNs()
	for name, c := range e.current.cdns {
		labels := c.labels()
		m.ejections.WithLabelValues(labels...)
		m.cdnPart.WithLabelValues(labels...).Set(c.part(now))
		m.cdnSites.WithLabelValues(labels...).Set(float64(sites[name]))
		for node, part := range c.nodeParts() {
			m.nodePart.WithLabelValues(name, node).Set(part)
		}
		if worst := worstOf(c.views(now)...); worst.Samples > 0 {
			m.cdnValue.WithLabelValues(labels...).Set(worst.V)
		} else {
			m.cdnValue.DeleteLabelValues(labels...)
		}
	}
}

// nodeParts returns each node's part of the CDN's clients.
func (c *cdn) nodeParts() map[string]float64 {
	parts, sum := make(map[string]float64), 0.
	if !c.watched.Nodes() {
		return parts
	}
	for _, o := range c.site.Origins {
		parts[o.Name] = float64(c.weight(o.Name))
		sum += parts[o.Name]
	}
	for name := range parts {
		parts[name] /= max(1, sum)
	}
	return parts
}

// part is how much of its clients the CDN takes: nothing while it is out.
func (c *cdn) part(now time.Time) float64 {
	if c.state.Out() {
		return 0
	}
	return c.state.Part(now)
}

// views returns how the nodes of the CDN look, or the CDN as a whole.
func (c *cdn) views(now time.Time) []control.View {
	return control.ExplainCDN(c.watched, c.state, c.input(control.None, now, control.HoldNothing))
}

// sitesAtCDNs counts the sites whose visitors each CDN has, by its name.
func (g *Generation) sitesAtCDNs() map[string]int {
	sites := make(map[string]int)
	for _, r := range g.runners {
		if d := r.answered(); d.Share > 0 {
			for _, c := range d.CDNs {
				sites[c.Name]++
			}
		}
	}
	return sites
}
