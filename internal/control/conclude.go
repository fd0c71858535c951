package control

import (
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// conclude writes the decision of the state as it now is.
func (d *deciding) conclude() {
	st := d.st
	next := site.Decision{
		Site:      d.s.Name(),
		Side:      st.Side,
		Addresses: d.addresses(),
		Reason:    st.Reason,
		Since:     st.Since,
	}
	if st.Side == site.SideUnknown {
		next.Reason.Cause = site.CauseStart
	}
	if st.Side == site.SideCDN {
		d.divert(&next)
	}
	full := d.s.TTL.Full
	if next.Share > 0 {
		full = d.s.TTL.Diverted
	}
	next.TTL = full
	if d.unsettled(next.Share) || d.changesWithin(full) {
		next.TTL = d.s.TTL.Min // what may change soon must not be cached long
	}
	st.Due = d.due(full)
	last := st.Decision()
	if nothingNew(last, next) {
		return
	}
	next.Epoch = last.Epoch + 1
	st.Last = &next
}

// divert sends clients to those CDNs that are ready and preferred.
func (d *deciding) divert(next *site.Decision) {
	next.CDNs = preferred(d.s.CDNs, d.in.Ready)
	switch {
	case len(next.CDNs) == 0:
		next.Reason.Cause = site.CauseNoCDN
	case d.s.Divert.Mode == site.DivertNone:
	case d.in.Hides != "":
		next.Reason.Cause, next.Reason.Hides = site.CauseHides, d.in.Hides
	default:
		next.Share = d.share()
	}
}

// share returns the share of the clients that are diverted at the CDN's side:
// nobody is left with an origin that is down.
func (d *deciding) share() float64 {
	if d.s.Divert.Mode == site.DivertFixed && !d.down() {
		return d.s.Divert.Share
	}
	return 1
}

// preferred returns those CDNs of the lowest priority among the ready ones
// that share the clients by weight, or the first one where they have no weight.
func preferred(cdns []site.CDN, ready []bool) []site.CDN {
	var best []site.CDN
	for i, c := range cdns {
		switch {
		case ready != nil && !ready[i]:
		case len(best) == 0 || c.Priority < best[0].Priority:
			best = []site.CDN{c}
		case c.Priority == best[0].Priority && c.Weight > 0:
			best = append(best, c)
		}
	}
	return best
}

// nothingNew reports whether b says nothing that a did not.
func nothingNew(a, b site.Decision) bool {
	return a.Epoch > 0 && a.Side == b.Side && a.Share == b.Share && slices.Equal(a.CDNs, b.CDNs) && a.TTL == b.TTL &&
		a.Since.Equal(b.Since) && a.Reason.Cause == b.Reason.Cause && a.Reason.Hides == b.Reason.Hides && slices.Equal(a.Addresses, b.Addresses)
}

// unsettled reports whether a count runs that may change the answer.
func (d *deciding) unsettled(share float64) bool {
	if d.st.Side == site.SideUnknown {
		return true
	}
	if share == 1 {
		return false // only time leads back
	}
	counting := d.st.Side == site.SideOrigin && d.s.Divert.Mode != site.DivertNone && d.st.Over > 0
	return counting || slices.ContainsFunc(d.st.Paths, Path.turning)
}

// changesWithin reports whether the side is due to change before an answer of
// this TTL would have left the caches.
func (d *deciding) changesWithin(ttl time.Duration) bool {
	horizon := d.in.Now.Add(ttl)
	for _, due := range []time.Time{d.returnDue(), d.blindTurn()} {
		if !due.IsZero() && !due.After(horizon) {
			return d.s.Divert.Mode != site.DivertNone
		}
	}
	return false
}

// blindTurn is blindDue where the rule would change the side.
func (d *deciding) blindTurn() time.Time {
	if site.Side(d.s.NoData.Action) == d.st.Side {
		return time.Time{}
	}
	return d.blindDue()
}

// due returns when time alone may change the decision, or its TTL, which is
// full until a change comes near.
func (d *deciding) due(full time.Duration) time.Time {
	back, blind := d.returnDue(), d.blindTurn()
	times := []time.Time{d.staleAt(), back, back.Add(-full), blind, blind.Add(-full)}
	var due time.Time
	for _, t := range times {
		if t.After(d.in.Now) && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	return due
}

// staleAt returns when the first source that is fresh turns stale.
func (d *deciding) staleAt() time.Time {
	var first time.Time
	for _, src := range d.in.Sources {
		at := d.newestUsable(src).Add(site.StaleAfter(src.Period))
		if at.After(d.in.Now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// newestUsable returns the time of a source's newest sample that says
// anything, or the zero time.
func (d *deciding) newestUsable(src Source) time.Time {
	for _, s := range slices.Backward(src.Samples) {
		if s.Usable(d.in.Now) {
			return s.At
		}
	}
	return time.Time{}
}
