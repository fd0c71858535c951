package control

import (
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
func (j *judging) patience() time.Duration {
	var longest time.Duration
	for _, src := range j.in.Sources {
		if j.concerns(src) {
			longest = max(longest, site.StaleAfter(src.Period))
		}
	}
	return longest
}

// ruled returns the side that rules for missing data lead to now: to the CDN
// one is enough, to the origin all must agree, with no probe that finds it
// down. SideUnknown: they change nothing.
func (j *judging) ruled() site.Side {
	origin := !j.known && j.st.Side == site.SideCDN && !j.foundDown()
	for k := range j.counts {
		applies := j.applies(k)
		if applies && j.rule(k).Action == site.NoDataCDN && j.st.Side != site.SideCDN {
			return site.SideCDN
		}
		origin = origin && applies && j.rule(k).Action == site.NoDataOrigin
	}
	if origin {
		return site.SideOrigin
	}
	return site.SideUnknown
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
			j.deciding.st.Paths[i] = Path{Health: HealthUnknown}
		}
	}
	j.survey()
}

// sooner returns the earlier of two times, of which the zero one is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
