package engine

import (
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// statesAtOnce is how many sites are looked at without a pause for decisions.
const statesAtOnce = 500

// States implements api.Engine.
func (e *Engine) States(q api.StateQuery) (states []api.State, next string) {
	e.mu.Lock()
	var page []*runner
	if e.current != nil {
		page, next = pageOf(e.current.inOrder(), q)
	}
	e.mu.Unlock()
	for runners := range slices.Chunk(page, statesAtOnce) {
		e.mu.Lock()
		for _, r := range runners {
			states = append(states, r.shown(r.views(time.Now())))
		}
		e.mu.Unlock()
	}
	return states, next
}

// views returns how the origins look now; nil while they have no address.
func (r *runner) views(now time.Time) []control.View {
	if !r.located() {
		return nil
	}
	return control.Explain(r.site, r.state, r.input(control.None, now, control.HoldNothing))
}

// shown returns the runner's state as people see it.
func (r *runner) shown(views []control.View) api.State {
	d := r.answered()
	s := api.State{
		Site: r.site.Name(), Customer: r.site.Customer, Epoch: d.Epoch, Side: api.Side(d.Side), Share: d.Share,
		Since: d.Since, TTL: api.Seconds(d.TTL), Reason: d.Reason.String(),
		Cause: d.Reason.Cause,
	}
	for _, c := range d.CDNs {
		s.CDNs = append(s.CDNs, shownCDN(c))
	}
	for i, view := range views {
		s.Origins = append(s.Origins, shownOrigin(&r.site.Origins[i], view, d))
	}
	showWorst(&s, views)
	showOverride(&s, r)
	return s
}

// showOverride shows the override that counts for a site, and what it hides.
func showOverride(s *api.State, r *runner) {
	if o := r.override; o != nil && r.untouched == nil {
		s.Override = &api.StateOverride{ID: o.ID, Action: o.Action, By: o.Owner, Until: o.Until, Why: o.Reason}
	}
	if measured := r.state.Decision(); r.state.Forced != nil {
		s.Measured = &api.Measured{Side: api.Side(measured.Side), Share: measured.Share, Reason: measured.Reason.String()}
	}
}

func shownCDN(c site.CDN) api.CDN { return api.CDN{Name: c.Name, Target: c.Target, Weight: c.Weight} }

// showWorst shows what the worst threshold says now, which the reason need not:
// that is of the moment when the visitors moved.
func showWorst(s *api.State, views []control.View) {
	v := worstOf(views...)
	if v.Samples == 0 {
		return
	}
	s.Signal, s.Value, s.Limit = v.Signal, api.Number(v.Value), api.Number(v.Limit)
	s.V, s.Age = api.Number(v.V), api.Seconds(v.Age)
}

// worstOf returns what the worst threshold says; that of none has no samples.
func worstOf(views ...control.View) (worst control.Verdict) {
	for _, view := range views {
		for _, v := range view.Thresholds {
			if v.Samples > 0 && (worst.Samples == 0 || v.V > worst.V) {
				worst = v
			}
		}
	}
	return worst
}

func shownOrigin(o *site.Origin, view control.View, d site.Decision) api.OriginState {
	s := api.OriginState{
		Name: o.Name, Operated: operatedBy(o.ThirdParty), Side: api.Side(view.Standing.Side),
		Serving: d.Share < 1 && serves(o, d),
	}
	s.Addresses = shownAddresses(o, view)
	return s
}

func shownAddresses(o *site.Origin, view control.View) []api.AddressState {
	var states []api.AddressState
	for i, addr := range o.Addresses {
		states = append(states, api.AddressState{Address: addr, Health: shownHealth(view.Health[i])})
	}
	return states
}

// operatedBy says who runs an origin or a CDN, in the word of the Corefile.
func operatedBy(thirdParty bool) string {
	if thirdParty {
		return "third-party"
	}
	return "own"
}

// serves reports whether an origin is one of those that a decision sends
// visitors to, if it diverts them not all.
func serves(o *site.Origin, d site.Decision) bool {
	same := func(s site.Served) bool { return s.Name == o.Name }
	return d.Epoch > 0 && (d.Origins == nil || slices.ContainsFunc(d.Origins, same))
}

func shownHealth(h control.Health) api.Health {
	switch h {
	case control.HealthUp:
		return api.HealthUp
	case control.HealthDown:
		return api.HealthDown
	}
	return api.HealthUnknown
}
