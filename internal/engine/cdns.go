package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// CDNs returns the states of all CDNs in force that are watched or checked, in the
// order of their names; see api.Engine.
func (e *Engine) CDNs() []api.CDNState {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.current
	if g == nil {
		return nil
	}
	now := time.Now()
	sites, counts := g.sitesAtCDNs(), g.countGates()
	names := slices.AppendSeq(slices.Collect(maps.Keys(g.cdns)), maps.Keys(g.canaries))
	slices.Sort(names)
	var states []api.CDNState
	for _, name := range slices.Compact(names) {
		state := api.CDNState{Name: name, Operated: operatedBy(true), Standing: api.StandingReady, Part: 1, Reason: "nothing but checks tells anything of it"}
		if c := g.cdn(name); c != nil {
			state = c.shown(now)
		}
		state.Sites = sites[name]
		if k := g.canaries[name]; k != nil {
			k.show(&state, counts[k])
		}
		states = append(states, state)
	}
	return states
}

// gateCount is how many sites a CDN is checked for, and how it does.
type gateCount struct {
	gates, notReady int
	one             *gate // that it is not ready for
}

// countGates counts the gates of each CDN.
func (g *Generation) countGates() map[*canary]gateCount {
	counts := make(map[*canary]gateCount)
	for _, r := range g.runners {
		for i := range r.gates {
			g := &r.gates[i]
			n := counts[g.canary]
			n.gates++
			if !g.ready() {
				n.notReady, n.one = n.notReady+1, g
			}
			counts[g.canary] = n
		}
	}
	return counts
}

// show adds what checks have found of a CDN.
func (k *canary) show(s *api.CDNState, n gateCount) {
	s.NotReady = n.notReady
	switch {
	case n.gates == 0 || s.Standing == api.StandingOut:
	case !k.state.Open:
		s.Standing, s.Part, s.Since, s.Reason = api.StandingOut, 0, k.state.Since, "checks of its sites fail: "+k.state.Failure
	case n.notReady == n.gates:
		s.Standing, s.Part, s.Reason = api.StandingOut, 0, "it is ready for no site: "+n.one.whyNot()
	}
}

// shown returns the CDN's state as people see it.
func (c *cdn) shown(now time.Time) api.CDNState {
	views := c.views(now)
	s := api.CDNState{
		Name: c.watched.Name, Operated: operatedBy(c.watched.ThirdParty), Standing: c.standing(),
		Full: c.state.Full, Part: c.part(now), Since: c.state.Since(), Ejections: c.state.Lately(now),
		Reason: c.state.Reason().String(), Capacity: api.Number(c.watched.Capacity), Soft: api.Number(c.watched.Soft), Zone: c.watched.Zone,
	}
	if c.state.Drained {
		s.Reason = "all of its nodes are drained"
	}
	if c.watched.Nodes() {
		s.Capacity = api.Number(c.state.Capacity)
	}
	if c.state.Capacity > 0 {
		left := api.Number(max(0, c.state.Capacity-c.state.Used))
		s.Used, s.Left = api.Number(c.state.Used), &left
	}
	for i, view := range views {
		for _, v := range view.Thresholds {
			s.Thresholds = append(s.Thresholds, shownThreshold(c.site.Origins[i].Name, v))
		}
		if c.state.Out() {
			s.Back = soonest(s.Back, view.Back)
		}
	}
	for i := range c.paths {
		s.Sources = append(s.Sources, c.shownSource(i, c.state.Paths, now))
	}
	if c.watched.Nodes() {
		s.Nodes = c.shownNodes(views, s.Sources)
	} else {
		s.Record = record(s.Sources)
	}
	return s
}

func (c *cdn) standing() api.Standing {
	switch {
	case c.state.Out():
		return api.StandingOut
	case c.state.Unknown():
		return api.StandingUnknown
	}
	return api.StandingReady
}

func standing(side site.Side) api.Standing {
	switch side {
	case site.SideCDN:
		return api.StandingOut
	case site.SideOrigin:
		return api.StandingReady
	}
	return api.StandingUnknown
}

// soonest returns the earlier of two times, of which the zero one is none.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// shownNodes says how each node is, with a record of its own.
func (c *cdn) shownNodes(views []control.View, sources []api.SourceState) []api.NodeState {
	var nodes []api.NodeState
	for i, o := range c.site.Origins {
		st := views[i].Standing
		n := api.NodeState{
			Name: o.Name, Standing: standing(st.Side), Drained: o.Drain, Capacity: api.Number(o.Capacity),
			Since: st.Since, Reason: reasonOf(st).String(), Weight: c.weight(o.Name),
			Addresses: shownAddresses(&o, views[i]),
		}
		n.Record = record(slices.DeleteFunc(slices.Clone(sources), func(s api.SourceState) bool { return s.Origin != o.Name }))
		nodes = append(nodes, n)
	}
	return nodes
}

// weight returns a node's part of the clients among those that serve, 0 if it
// does not.
func (c *cdn) weight(node string) int {
	d := c.state.Decision()
	if c.said != nil {
		d = *c.said // while no node is up, that is the last one
	}
	for _, o := range d.Origins {
		if o.Name == node {
			return max(1, o.Weight)
		}
	}
	return 0
}

// record returns the newest sample of each signal, whichever source has it.
func record(sources []api.SourceState) []api.Sample {
	newest := make(map[site.Signal]api.Sample)
	for _, src := range sources {
		for _, s := range src.Last {
			if known, found := newest[s.Signal]; !found || s.Age < known.Age {
				newest[s.Signal] = s
			}
		}
	}
	var samples []api.Sample
	for _, signal := range site.Signals() {
		if s, found := newest[signal]; found {
			samples = append(samples, s)
		}
	}
	return samples
}

// shownCandidates says of each CDN of a site whether it takes its visitors.
func (r *runner) shownCandidates() []api.Candidate {
	d := r.answered()
	candidates := r.candidates(time.Now())
	shown := make([]api.Candidate, len(r.site.CDNs))
	for i, c := range r.site.CDNs {
		shown[i] = api.Candidate{CDN: shownCDN(c), Priority: c.Priority, Part: 1}
		if candidates != nil {
			shown[i].Part = candidates[i].Part
		}
		shown[i].Taken = slices.ContainsFunc(d.CDNs, func(o site.CDN) bool { return sameCDN(o, c) })
		shown[i].Why = r.why(i, candidates, shown[i].Taken)
		if r.gates != nil {
			shown[i].Checked = r.gates[i].state.Checked
		}
		switch {
		case shown[i].Taken && len(d.CDNs) == 1:
			shown[i].Part = 1
		case candidates != nil && candidates[i].Out:
			shown[i].Part = 0
		}
	}
	return shown
}

// why says why a CDN takes the site's visitors or not.
func (r *runner) why(i int, candidates []control.Candidate, taken bool) string {
	c := r.generation.cdns[r.site.CDNs[i].Name]
	notReady := ""
	if r.gates != nil {
		notReady = r.gates[i].whyNot()
	}
	switch {
	case !r.leads(i):
		return fmt.Sprintf("out: the target %s has no address", r.site.CDNs[i].Target)
	case notReady != "" && taken:
		return "better than an origin that is down, but not known to be ready: " + notReady
	case notReady != "":
		return "not ready: " + notReady
	case c != nil && c.state.Out() && taken:
		return "slow, but better than an origin that is down: " + c.state.Reason().String()
	case c != nil && c.state.Out():
		return "out: " + c.state.Reason().String()
	case taken && len(r.answered().CDNs) == 1:
		return "taken"
	case c != nil && c.state.Unknown():
		return "nothing is known of it: those of which something is come first"
	case candidates != nil && candidates[i].Part < 1:
		return fmt.Sprintf("comes back: takes %.0f %% of its clients so far", candidates[i].Part*100)
	case taken:
		return "taken"
	case c != nil && c.state.Full:
		return "full: it gets no further sites while another CDN takes them"
	case candidates != nil && candidates[i].Room < 1:
		return "was full: it gets further sites one by one"
	case r.state.Side != site.SideCDN:
		return "ready"
	}
	return "ready: others come first"
}
