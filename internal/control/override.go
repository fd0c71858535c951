package control

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Reigning returns the override that counts for a site, nil if none does: of those
// that are not over one that can touch the site goes before those that cannot, then one
// of this server before those of the store, then the narrowest scope, then the latest. It
// points into overrides.
func Reigning(s *site.Site, overrides []site.Override, now time.Time) *site.Override {
	var reigning *site.Override
	for i := range overrides {
		if o := &overrides[i]; !o.Over(now) && o.Covers(s) && (reigning == nil || precedence(s, o, reigning) < 0) {
			reigning = o
		}
	}
	return reigning
}

// precedence is below zero if a goes before b. Every server finds the same order.
func precedence(s *site.Site, a, b *site.Override) int {
	scope := func(o *site.Override) int { return slices.Index(site.OverrideScopes(), o.Scope) }
	idle := func(o *site.Override) int {
		if Untouched(s, o) != nil {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(idle(a), idle(b)),
		cmp.Compare(store(a), store(b)),
		cmp.Compare(scope(a), scope(b)),
		b.Since.Compare(a.Since),
		strings.Compare(b.ID, a.ID))
}

// Untouched says why an override cannot touch a site, whatever is heard of it; nil: it can.
func Untouched(s *site.Site, o *site.Override) error {
	switch {
	case o.Action == site.OverrideCDN && !slices.ContainsFunc(s.CDNs, func(c site.CDN) bool { return c.Name == o.CDN }):
		return fmt.Errorf("it has no cdn '%s'", o.CDN)
	case o.Action == site.OverrideShare && o.Share > 0 && o.Share < 1 && !s.MayShare():
		return unshared(o.Share)
	}
	return nil
}

func unshared(share float64) error {
	return fmt.Errorf("a share of %g %% of its clients needs 'answer cname HOST', 'answer address' or 'answer switch keyed'", share*100)
}

// store is 0 for an override of this server alone.
func store(o *site.Override) int {
	if o.Local {
		return 0
	}
	return 1
}

// Expiry returns when time alone next changes what an override makes of a site
// whose answers are cached for ttl: they are given with the short TTL before it
// ends, and then it does. The zero time: it is over.
func Expiry(o *site.Override, ttl time.Duration, now time.Time) time.Time {
	for _, at := range []time.Time{o.Until.Add(-ttl), o.Until} {
		if at.After(now) {
			return at
		}
	}
	return time.Time{}
}

// Overrule returns st with what the site answers while an override is in force, nil
// being none: State.Forced beside the decision that was measured. Call it after
// every Decide, with the same input. It keeps o, which must not change. The error
// says why the override does not touch the site; what was measured is answered then.
func Overrule(s *site.Site, st State, o *site.Override, in Input) (State, error) {
	if o == nil || o.Over(in.Now) || st.Last == nil {
		st.Frozen = nil
		return st.released(), nil
	}
	f := forcing{s: s, st: &st, o: o, in: in}
	f.freeze()
	next, err := f.force()
	if err != nil {
		return st.released(), fmt.Errorf("site '%s': %w", s.Name(), err)
	}
	st.Due = sooner(st.Due, Expiry(o, f.full(next.Share), in.Now))
	if st.Forced == nil || !nothingNew(*st.Forced, next) {
		next.Epoch = st.nextEpoch()
		st.Forced = &next
	}
	return st, nil
}

// released returns the state without anything that is forced. What was measured
// stands again, as a decision of its own.
func (st State) released() State {
	forced := st.Forced
	st.Forced = nil
	if forced != nil && st.Last != nil && st.Last.Epoch <= forced.Epoch {
		again := *st.Last
		again.Epoch = forced.Epoch + 1
		st.Last = &again
	}
	return st
}

// forcing is one call of Overrule.
type forcing struct {
	s  *site.Site
	st *State
	o  *site.Override
	in Input
}

// freeze notes what is answered when a freeze begins, once something is known.
func (f *forcing) freeze() {
	switch {
	case f.o.Action != site.OverrideFreeze:
		f.st.Frozen = nil
	case f.st.Frozen == nil && f.st.Answer().Side != site.SideUnknown:
		f.st.Frozen = f.st.Answer()
	}
}

// force returns what the override has the site answer.
func (f *forcing) force() (site.Decision, error) {
	last := f.st.Last
	next := site.Decision{Side: site.SideOrigin, Origins: last.Origins, Addresses: last.Addresses, Since: f.o.Since}
	err := f.act(&next)
	if next.Share > 0 {
		next.Side = site.SideCDN
	}
	next.Reason = site.Reason{Cause: site.CauseOverride, Override: f.o}
	next.TTL = f.ttl(next.Share)
	return next, cmp.Or(err, f.refuse(next))
}

// act does what the override says.
func (f *forcing) act(next *site.Decision) error {
	switch f.o.Action {
	case site.OverrideOrigin:
	case site.OverrideCDN:
		next.Share = 1
		return f.only(next)
	case site.OverrideShare:
		if next.Share = f.o.Share; next.Share > 0 {
			next.CDNs = f.chosen()
		}
	case site.OverrideFreeze:
		return f.frozen(next)
	default:
		return fmt.Errorf("action '%s' is not known", f.o.Action)
	}
	return nil
}

// only sends to the CDN that the override names, be it ready or not.
func (f *forcing) only(next *site.Decision) error {
	i := slices.IndexFunc(f.s.CDNs, func(c site.CDN) bool { return c.Name == f.o.CDN })
	switch {
	case i < 0:
		return Untouched(f.s, f.o)
	case f.lost(i):
		return fmt.Errorf("the target of cdn '%s' leads nowhere, or back to the site", f.o.CDN)
	}
	next.CDNs = pick(f.s.CDNs, []int{i})
	return nil
}

// chosen returns the CDNs for a share of the clients: those of the measured
// decision, else those that would be chosen now, else the preferred ones.
func (f *forcing) chosen() []site.CDN {
	if cdns := f.usable(f.st.Last.CDNs); len(cdns) > 0 {
		return cdns
	}
	d := &deciding{s: f.s, st: f.st, in: f.in}
	if cdns := f.usable(d.choose()); len(cdns) > 0 {
		return cdns
	}
	all := f.s.CDNs
	return pick(all, foremost(all, ordered(all, func(i int) bool { return !f.lost(i) })))
}

// frozen repeats what was answered when the freeze began.
func (f *forcing) frozen(next *site.Decision) error {
	if f.st.Frozen == nil {
		return errors.New("nothing is known of it so far that could be frozen")
	}
	*next = refit(f.s, *f.st.Frozen, f.st.Last)
	next.CDNs = f.usable(next.CDNs)
	return nil
}

// lost reports whether nobody can be sent to one of the site's CDNs.
func (f *forcing) lost(i int) bool { return i < len(f.in.CDNs) && f.in.CDNs[i].Lost }

// usable returns those of some CDNs that the site has, and that lead anywhere.
func (f *forcing) usable(cdns []site.CDN) []site.CDN {
	return present(f.s, cdns, func(i int) bool { return !f.lost(i) })
}

// refuse says what keeps the site from answering so.
func (f *forcing) refuse(d site.Decision) error {
	switch {
	case !(d.Share >= 0 && d.Share <= 1):
		return fmt.Errorf("share %g is not from 0 to 1", d.Share)
	case d.Share == 0:
		return nil
	case len(d.CDNs) == 0:
		return errors.New("it has no CDN left whose target leads anywhere")
	case f.in.Hides != "":
		return fmt.Errorf("its CNAME would hide %s of the next plugin: 'hides %[1]s' accepts that", f.in.Hides)
	case d.Share < 1 && !f.s.MayShare():
		return unshared(d.Share)
	}
	return nil
}

// ttl returns for how long the answer may be cached: short before the override
// ends, and while the origin's addresses may change.
func (f *forcing) ttl(share float64) time.Duration {
	full := f.full(share)
	if !f.o.Until.After(f.in.Now.Add(full)) || share < 1 && f.o.Action != site.OverrideFreeze && f.unsettled() {
		return f.s.TTL.Min
	}
	return full
}

func (f *forcing) full(share float64) time.Duration {
	if share > 0 {
		return f.s.TTL.Diverted
	}
	return f.s.TTL.Full
}

// unsettled reports whether an address, or one of several origins, may be about to
// change.
func (f *forcing) unsettled() bool {
	origins := len(f.s.Origins) > 1 && f.st.Last.TTL == f.s.TTL.Min
	return origins || slices.ContainsFunc(f.st.Paths, Path.turning)
}
