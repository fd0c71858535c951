package control

import (
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// rule returns what is to be done once the data of a threshold is missing.
func (j *judging) rule(k int) site.NoData {
	if own := threshold(j.s, j.i, k).NoData; own.Action != "" {
		return own
	}
	return j.s.NoData
}

// ruleDue returns when the rule of a threshold applies; the zero time when its
// data is there or the rule is to stay.
func (j *judging) ruleDue(k int) time.Time {
	c, rule := j.counts[k], j.rule(k)
	if c.Silent.IsZero() || rule.Action == site.NoDataStay {
		return time.Time{}
	}
	due := c.Silent.Add(rule.After)
	if !c.Heard || !j.firstRoundOver() {
		due = later(due, c.Silent.Add(j.patience()))
	}
	return due
}

// applies reports whether the time of a threshold's rule has come.
func (j *judging) applies(k int) bool {
	due := j.ruleDue(k)
	return !due.IsZero() && !due.After(j.in.Now)
}

// patience is how long a source that was never heard may take to speak before
// its data counts as missing.
func (j *judging) patience() time.Duration { return j.longest(j.concerns) }

// patience is that of all origins.
func (d *deciding) patience() time.Duration { return d.longest(func(Source) bool { return true }) }

// longest returns for how long the last of some sources may be silent.
func (d *deciding) longest(which func(Source) bool) time.Duration {
	var longest time.Duration
	for _, src := range d.in.Sources {
		if which(src) {
			longest = max(longest, src.staleAfter())
		}
	}
	return longest
}

// expecting reports whether the state was read back so short a time ago that it says
// nothing if nothing was heard since.
func (d *deciding) expecting(patience func() time.Duration) bool {
	return !d.st.Restored.IsZero() && d.in.Now.Before(d.st.Restored.Add(patience()))
}

// awaits reports whether a threshold did not lack data when the state was saved, and
// may be about to have some again.
func (j *judging) awaits(k int) bool {
	return j.counts[k].Silent.IsZero() && j.st.Side != site.SideUnknown && j.expecting(j.patience)
}

// ruled returns the side that rules for missing data lead to now, and a threshold
// whose data is missing: to the CDN one is enough, to the origin all must agree,
// with no probe that finds it down. SideUnknown: they change nothing.
func (j *judging) ruled() (side site.Side, silent int) {
	if j.expecting(j.patience) {
		return site.SideUnknown, None
	}
	origin := !j.known && j.st.Side == site.SideCDN && !j.foundDown()
	for k := range j.counts {
		applies := j.applies(k)
		if applies && j.rule(k).Action == site.NoDataCDN && j.st.Side != site.SideCDN {
			return site.SideCDN, k
		}
		origin = origin && applies && j.rule(k).Action == site.NoDataOrigin
	}
	if origin {
		return site.SideOrigin, 0
	}
	return site.SideUnknown, None
}

// silence is the reason of a turn by the rule of a threshold.
func (j *judging) silence(k int) site.Reason {
	t := threshold(j.s, j.i, k)
	return site.Reason{Cause: site.CauseNoData, Origin: j.o.Name, Node: j.o.Node, Signal: t.Signal, Limit: t.Limit, Age: j.in.Now.Sub(j.counts[k].Silent)}
}

// overdue returns when an origin of which nothing is known has been waited for
// long enough; the zero time when there is data.
func (j *judging) overdue() time.Time {
	var due time.Time
	for _, c := range j.counts {
		if j.st.Side != site.SideUnknown || c.Silent.IsZero() {
			return time.Time{}
		}
		due = later(due, c.Silent.Add(j.patience()))
	}
	return due
}

// obey follows the rules for missing data.
func (j *judging) obey() {
	j.st.Waiting = false
	if side, k := j.ruled(); side != site.SideUnknown {
		if j.turn(side, j.silence(k)) {
			j.forget()
		}
		return
	}
	for k := range j.counts {
		if j.rule(k).Action == site.NoDataOrigin && j.applies(k) {
			j.excuse(threshold(j.s, j.i, k))
		}
	}
}

// excuse drops that probes found the origin down which have been silent since,
// for so long that their threshold counts for nothing.
func (j *judging) excuse(t *site.Threshold) {
	for i, src := range j.in.Sources {
		worth := func(s site.Sample) bool { _, ok := j.worth(src, t, s); return ok }
		if j.deciding.st.Paths[i].Health == HealthDown && j.concerns(src) && j.silent(src) && slices.ContainsFunc(src.Samples, worth) {
			j.deciding.st.Paths[i].forget()
		}
	}
}

// ruleTurn returns when a rule for missing data will change the side; the zero
// time: none will.
func (j *judging) ruleTurn() time.Time {
	var first, last time.Time
	origin := !j.known && j.st.Side == site.SideCDN && !j.foundDown()
	for k := range j.counts {
		due := j.ruleDue(k)
		if j.rule(k).Action == site.NoDataCDN && j.st.Side != site.SideCDN {
			first = sooner(first, due)
		}
		origin = origin && !due.IsZero() && j.rule(k).Action == site.NoDataOrigin
		last = later(last, due)
	}
	if origin {
		return last
	}
	return first
}

// forget drops what was known of paths that have been silent since: their next
// samples are taken at face value.
func (j *judging) forget() {
	for i, src := range j.in.Sources {
		if j.concerns(src) && j.silent(src) {
			j.deciding.st.Paths[i].forget()
		}
	}
}

// sooner returns the earlier of two times, of which the zero one is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
