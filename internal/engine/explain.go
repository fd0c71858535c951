package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Explain says all about the site that answers a name; see api.Engine.
func (e *Engine) Explain(name string, client netip.Addr) (api.Explanation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.ownerOf(name)
	if r == nil {
		return api.Explanation{}, api.Unknown(name)
	}
	now := time.Now()
	views := r.views(now)
	x := api.Explanation{State: r.shown(views), Names: r.site.Names, Candidates: r.shownCandidates(), Answer: r.answer(name, client), NextChange: "the origin has no address yet"}
	e.showDecider(&x)
	if !r.located() {
		return x, nil
	}
	x.NextChange = r.outlook(views)
	for i, view := range views {
		for _, v := range view.Thresholds {
			x.Thresholds = append(x.Thresholds, shownThreshold(r.site.Origins[i].Name, v))
		}
	}
	for i := range r.paths {
		x.Sources = append(x.Sources, r.shownSource(i, r.state.Paths, now))
	}
	return x, nil
}

// showDecider says who takes the decisions, where that is not simply this server.
func (e *Engine) showDecider(x *api.Explanation) {
	switch {
	case e.role == roleFollows:
		x.DecidedBy = e.holder
	case e.role == roleAlone && e.sharing():
		x.AloneSince = e.alone
	}
}

// ownerOf returns the runner of the site in force that answers a name, or nil. It
// goes by the table, as questions do.
func (e *Engine) ownerOf(name string) *runner {
	if e.current == nil || e.current.Table == nil {
		return nil
	}
	entry := e.current.Table.Lookup(name)
	if entry == nil {
		return nil
	}
	return e.current.byName()[entry.Name()]
}

func shownThreshold(origin string, v control.Verdict) api.ThresholdState {
	return api.ThresholdState{
		Origin: origin, Signal: v.Signal, Statistic: v.Statistic, Limit: api.Number(v.Limit), Recover: api.Number(v.Recover),
		Missing: v.Samples == 0, Value: api.Number(v.Value), V: api.Number(v.V), Samples: v.Samples, Age: api.Seconds(v.Age),
		Over: int(v.Count.Over), Hard: int(v.Count.Hard), NoData: shownRule(v.NoData),
	}
}

// shownRule writes a rule for missing data as the Corefile does.
func shownRule(n site.NoData) string {
	if n.Action == site.NoDataStay {
		return string(n.Action)
	}
	return fmt.Sprintf("%s after %s", n.Action, n.After)
}

func (o *observed) shownSource(i int, states []control.Path, now time.Time) api.SourceState {
	p := &o.paths[i]
	state := control.Path{Health: control.HealthUnknown}
	if i < len(states) {
		state = states[i]
	}
	s := api.SourceState{
		Kind: p.source.target.Kind, Target: api.URL(p.source.target.URL), Address: p.address, Every: api.Seconds(p.source.period),
		Health: shownHealth(state.Health), Fails: int(state.Fails), Goods: int(state.Goods),
	}
	if p.origin != site.EveryOrigin {
		s.Origin = o.site.Origins[p.origin].Name
	}
	var seen []site.Signal
	for _, sample := range slices.Backward(p.source.window.Within(p.source.span)) {
		if slices.Contains(seen, sample.Signal) {
			continue
		}
		seen = append(seen, sample.Signal)
		s.Last = append(s.Last, api.Sample{
			Age: api.Seconds(now.Sub(sample.At)), Signal: sample.Signal, Value: api.Number(sample.Value),
			Failure: sample.Failure, Detail: sample.Detail,
		})
	}
	return s
}

// outlook says what would change the decision.
func (r *runner) outlook(views []control.View) string {
	s := r.site
	switch {
	case r.state.Waiting():
		return "leaves its origin once an anchor of the guard answers, or after the guard's time"
	case r.state.Side == site.SideUnknown:
		return "is decided once every probe and feed has spoken"
	case r.state.Side == site.SideOrigin:
		return fmt.Sprintf("leaves its origin after %d new samples in a row at or above a limit, 2 at 1.5 times as much, or when it is down", s.Enter)
	}
	back := time.Time{}
	for _, view := range views {
		if !view.Back.IsZero() && (back.IsZero() || view.Back.Before(back)) {
			back = view.Back
		}
	}
	if back.IsZero() {
		return fmt.Sprintf("comes back once every threshold of an origin has been at its recover level for %s", s.FailbackDelay)
	}
	return fmt.Sprintf("comes back at %s if all stays as it is", back.UTC().Format(time.RFC3339))
}

// answer returns what a client is answered at a name of the site; nil where that
// depends on the client and none is named.
func (r *runner) answer(name string, client netip.Addr) *api.Answer {
	answers := r.entry.Answers()
	if answers == nil || answers.Decides().ClientsDiffer() && !client.IsValid() {
		return nil
	}
	a := &api.Answer{}
	records := answers.Decides().Of(client)
	if answers.Decides().ClientsDiffer() {
		a.Client = route.ClientOf(client, client.BitLen()).Prefix
	}
	a.Side, a.CDN, a.Host = api.Side(site.SideOrigin), records.CDN, records.Host
	if records.CDN != "" {
		a.Side = api.Side(site.SideCDN)
	}
	a.Records = recordTexts(name, answers.Of(client))
	return a
}

// recordTexts writes records as a zone file does.
func recordTexts(name string, r *route.Records) []string {
	var texts []string
	owner := name
	write := func(rdata string) { texts = append(texts, fmt.Sprintf("%s %d IN %s", owner, r.TTL, rdata)) }
	if r.Target != "" {
		write("CNAME " + r.Target)
		owner = r.Target
	}
	for _, a := range r.A {
		write("A " + netip.AddrFrom4(a).String())
	}
	for _, aaaa := range r.AAAA {
		write("AAAA " + netip.AddrFrom16(aaaa).String())
	}
	return texts
}
