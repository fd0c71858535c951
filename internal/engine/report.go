package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// report tells the operator that a site's decision changed.
func (e *Engine) report(s *site.Site, before, after site.Decision) {
	e.cfg.Metrics.changes.WithLabelValues(string(after.Reason.Cause)).Inc()
	if e.following && before.Share == after.Share {
		return // there may be very many, and the CDN's own line says it
	}
	say := e.cfg.Log.Infof
	if after.Side == site.SideCDN {
		say = e.cfg.Log.Warningf
	}
	say("site %q: %s -> %s: %s", s.Name(), describe(before), describe(after), after.Reason)
}

// reportAll tells what a new generation in force changes: it was silent while
// it was on offer.
func (e *Engine) reportAll(old *Generation, now time.Time) {
	known := old.byName()
	e.reportLookups(known)
	for name, c := range e.current.cdns {
		var before control.CDNState
		if from := old.cdn(name); from != nil {
			before = from.state
		}
		e.reportCDN(c, before)
	}
	e.reportGates(known)
	for _, r := range e.current.runners {
		var before site.Decision
		if from := known[r.site.Name()]; from != nil {
			before = from.answered()
		}
		if e.decided(r, before, now) {
			e.owes(r)
		}
	}
}

// reportLookups tells what the generation in force knows and the one before,
// which has these runners, did not: which sites are held back.
func (e *Engine) reportLookups(known map[string]*runner) {
	for _, r := range e.current.runners {
		var hid []uint16
		if from := known[r.site.Name()]; from != nil {
			hid = from.hides
		}
		if !slices.Equal(hid, r.hides) {
			e.reportHidden(r)
		}
	}
}

// describe says where a decision sends visitors, and what it would do if it might.
func describe(d site.Decision) string {
	switch {
	case d.Side == site.SideUnknown:
		return "unknown"
	case d.Share == 1:
		return "cdn " + cdnNames(d)
	case d.Share > 0:
		return fmt.Sprintf("cdn %s for %g %% of the clients", cdnNames(d), d.Share*100)
	case d.Side == site.SideCDN && len(d.CDNs) > 0:
		return originNames(d) + " (would be cdn " + cdnNames(d) + ")"
	}
	return originNames(d)
}

// originNames says which origin serves, if it has a name.
func originNames(d site.Decision) string {
	names := make([]string, len(d.Origins))
	for i, o := range d.Origins {
		names[i] = o.Name
	}
	return strings.TrimSpace("origin " + strings.Join(names, " and "))
}

func cdnNames(d site.Decision) string {
	names := make([]string, len(d.CDNs))
	for i, c := range d.CDNs {
		names[i] = c.Name
	}
	return strings.Join(names, " and ")
}
