package control

import (
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// conclude writes the decision of the state as it now is.
func (d *deciding) conclude() {
	st := d.st
	serving := d.serving()
	next := site.Decision{Side: d.side(serving)}
	next.Origins, next.Addresses = served(serving)
	st.Side = next.Side
	last := st.Decision()
	if st.Told == None || next.Side != last.Side || !slices.EqualFunc(next.Origins, last.Origins, sameOrigin) {
		st.Told = d.latest(serving)
	}
	told := &st.Origins[st.Told]
	next.Reason = site.Reason{Cause: site.CauseStart}
	if st.Side != site.SideUnknown && told.Reason != nil {
		next.Reason, next.Since = *told.Reason, told.Since
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
	if !d.expecting(d.patience) {
		st.Restored = time.Time{}
	}
	st.At = d.in.Now
	st.Near, st.Weak = d.near(), d.weak()
	if nothingNew(last, next) {
		return
	}
	next.Epoch = st.nextEpoch()
	news := next // what is nothing new needs no memory of its own
	st.Last = &news
	if told.Reason != nil && *told.Reason == news.Reason {
		told.Reason = &news.Reason // one copy is enough
	}
}

// nearV is the performance value from which on CDNs are to be ready.
const nearV = 0.8

// near reports whether a CDN has visitors of the site, or an origin has come near
// its limits.
func (d *deciding) near() bool {
	for i := range d.origins {
		if j := &d.origins[i]; j.known && j.reason.V > nearV {
			return true
		}
	}
	return d.st.Side == site.SideCDN
}

// weak reports whether no origin is known to be well, by the newest probe of each
// address: what others get of it may fail before it counts as down.
func (d *deciding) weak() bool {
	for i := range d.origins {
		j := &d.origins[i]
		newest := func(source int) Health {
			if d.st.Paths[source].Fails > 0 {
				return HealthDown
			}
			return j.path(source)
		}
		for a := range j.health {
			if j.healthOf(a, newest) == HealthUp {
				return false
			}
		}
	}
	return true
}

// serving returns the origins that serve those who are not diverted: the
// preferred ones of those that can, else of those that are not down. One of
// which nothing is known takes nothing over, but at the start it is waited for.
// Those that are drained come last.
func (d *deciding) serving() []*judging {
	for _, fit := range []func(*judging) bool{
		func(j *judging) bool { return !j.o.Drain && (j.awaited() || j.st.Side == site.SideOrigin) },
		func(j *judging) bool { return !j.o.Drain && j.st.Side == site.SideCDN && !j.down() },
		func(j *judging) bool { return !j.o.Drain && !j.down() },
		func(j *judging) bool { return !j.o.Drain },
		func(*judging) bool { return true },
	} {
		if best := d.best(fit); len(best) > 0 {
			return best
		}
	}
	return nil // a site has an origin
}

// awaited reports whether the site waits for the origin's first round.
func (j *judging) awaited() bool {
	due := j.overdue()
	return j.deciding.st.Side == site.SideUnknown && j.st.Side == site.SideUnknown && (due.IsZero() || due.After(j.in.Now))
}

// best returns those fit origins of the lowest priority that share the clients
// by weight, or the first one where they have no weight.
func (d *deciding) best(fit func(*judging) bool) []*judging {
	var best []*judging
	for i := range d.origins {
		j := &d.origins[i]
		switch {
		case !fit(j):
		case len(best) == 0 || j.o.Priority < best[0].o.Priority:
			best = append(best[:0], j)
		case j.o.Priority == best[0].o.Priority && j.o.Weight > 0:
			best = append(best, j)
		}
	}
	return best
}

// side returns the site's side, given the origins that serve it, all of which
// are on one: it is at a CDN if any is out where none can serve.
func (d *deciding) side(serving []*judging) site.Side {
	out := func(o Standing) bool { return o.Side == site.SideCDN }
	switch {
	case slices.ContainsFunc(serving, (*judging).awaited):
		return site.SideUnknown
	case serving[0].st.Side == site.SideUnknown && slices.ContainsFunc(d.st.Origins, out):
		return site.SideCDN
	}
	return serving[0].st.Side
}

// served writes origins as a decision does.
func served(serving []*judging) (origins []site.Served, addresses []netip.Addr) {
	if len(serving) == 1 && serving[0].o.Name == "" {
		return nil, serving[0].addresses()
	}
	for _, j := range serving {
		o := site.Served{Name: j.o.Name, Addresses: j.addresses()}
		if len(serving) > 1 {
			o.Weight = j.o.Weight
		}
		origins = append(origins, o)
	}
	if len(origins) == 1 {
		return origins, origins[0].Addresses
	}
	return origins, addressesOf(origins)
}

// addressesOf returns those of some origins, each once.
func addressesOf(origins []site.Served) (addresses []netip.Addr) {
	for _, o := range origins {
		for _, addr := range o.Addresses {
			if !slices.Contains(addresses, addr) {
				addresses = append(addresses, addr)
			}
		}
	}
	return addresses
}

// latest returns the index of the origin that has turned last; of several, one
// that serves.
func (d *deciding) latest(serving []*judging) int {
	latest := serving[0].i
	for i, o := range d.st.Origins {
		if o.Since.After(d.st.Origins[latest].Since) {
			latest = i
		}
	}
	return latest
}

// down reports whether all origins are down.
func (d *deciding) down() bool {
	for i := range d.origins {
		if !d.origins[i].down() {
			return false
		}
	}
	return true
}

// divert sends clients to those CDNs that are ready and preferred.
func (d *deciding) divert(next *site.Decision) {
	next.CDNs = d.choose()
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

// nothingNew reports whether b says nothing that a did not.
func nothingNew(a, b site.Decision) bool {
	return a.Epoch > 0 && a.Side == b.Side && a.Share == b.Share && slices.Equal(a.CDNs, b.CDNs) && a.TTL == b.TTL &&
		a.Since.Equal(b.Since) && a.Reason.Cause == b.Reason.Cause && a.Reason.Hides == b.Reason.Hides && a.Reason.Override.Same(b.Reason.Override) &&
		slices.EqualFunc(a.Origins, b.Origins, sameServed) && slices.Equal(a.Addresses, b.Addresses)
}

// sameOrigin reports whether two are one origin, and sameServed whether they
// serve the same.
func sameOrigin(a, b site.Served) bool { return a.Name == b.Name }

func sameServed(a, b site.Served) bool {
	return a.Name == b.Name && a.Weight == b.Weight && slices.Equal(a.Addresses, b.Addresses)
}

// unsettled reports whether a count runs that may change the answer.
func (d *deciding) unsettled(share float64) bool {
	if d.st.Side == site.SideUnknown || d.st.Waiting() {
		return true
	}
	if share == 1 {
		return false // only time leads back
	}
	return d.counting() || slices.ContainsFunc(d.st.Paths, Path.turning)
}

// counting reports whether samples have begun to lead away from an origin.
func (d *deciding) counting() bool {
	for i := range d.origins {
		j := &d.origins[i]
		over := func(c Count) bool { return c.Over > 0 }
		if j.st.Side == site.SideOrigin && d.movable() && slices.ContainsFunc(j.counts, over) {
			return true
		}
	}
	return false
}

// movable reports whether a turn of an origin can move anybody.
func (d *deciding) movable() bool { return d.s.Divert.Mode != site.DivertNone || len(d.origins) > 1 }

// changesWithin reports whether a side is due to change before an answer of
// this TTL would have left the caches.
func (d *deciding) changesWithin(ttl time.Duration) bool {
	horizon := d.in.Now.Add(ttl)
	for i := range d.origins {
		for _, due := range []time.Time{d.origins[i].returnDue(), d.origins[i].ruleTurn()} {
			if !due.IsZero() && !due.After(horizon) {
				return d.movable()
			}
		}
	}
	return false
}

// putOff is after how long that is tried again which Input.Hold put off.
const putOff = time.Second

// due returns when time alone may change the decision, or its TTL, which is
// full until a change comes near.
func (d *deciding) due(full time.Duration) time.Time {
	var due time.Time
	consider := func(t time.Time) {
		if t.After(d.in.Now) {
			due = sooner(due, t)
		}
	}
	consider(d.stale)
	if d.again {
		consider(d.in.Now.Add(putOff))
	}
	consider(d.silentAt())
	for i := range d.origins {
		j := &d.origins[i]
		back, turn := j.returnDue(), j.ruleTurn()
		for _, t := range []time.Time{back, back.Add(-full), turn, turn.Add(-full)} {
			consider(t)
		}
		if len(d.origins) > 1 {
			consider(j.overdue())
		}
		for k := range j.counts {
			consider(j.ruleDue(k))
		}
	}
	return due
}

// silentAt returns when the first source falls silent that is heard.
func (d *deciding) silentAt() time.Time {
	var first time.Time
	for _, src := range d.in.Sources {
		if at := d.newestUsable(src).Add(src.staleAfter()); at.After(d.in.Now) {
			first = sooner(first, at)
		}
	}
	return first
}

// newestUsable returns the time of a source's newest sample that says
// anything. One that could not be heard since the state was restored is given the
// same time as one that was heard then; the zero time is that of all others.
func (d *deciding) newestUsable(src Source) time.Time {
	for _, s := range slices.Backward(src.Samples) {
		if s.Usable(d.in.Now) {
			return s.At
		}
	}
	return d.st.Restored
}
