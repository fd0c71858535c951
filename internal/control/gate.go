package control

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Gate says whether a CDN is ready for somebody's visitors, by the checks that were
// made of it. The zero Gate is one that was never checked: it is closed, and the
// first good check opens it.
type Gate struct {
	Open     bool
	Since    time.Time // of Open; zero: it never was
	Checked  time.Time // when the latest check began that says anything; zero: none does
	Good     time.Time // when the latest good check began; zero: there was none
	Failure  string    // of the latest check that says anything, for people; empty: it was good
	OfOrigin bool      // what failed may be the origin's fault
	Fails    int32     // checks in a row
	Goods    int32     // checks in a row
	Doubt    string    // why the latest check says nothing; empty: it does
	Doubts   int32     // such checks in a row
	Closings int       // how often it has closed of late: it stays so for longer each time
	Back     time.Time // since when it lets visitors through again; zero: it never closed
}

// Check is what came of one.
type Check struct {
	At       time.Time // when it began
	Failure  string    // for people; empty: it was good
	Sure     bool      // the failure is one that no second check would mend
	OfOrigin bool      // the failure may be the fault of the site's origin
	Mute     bool      // it says nothing of the CDN: it could not be made
}

// Counts of checks in a row, and times of a gate: those of addresses and CDNs.
const (
	gateFails, gateGoods = 3, 3
	recheck              = time.Hour // of a CDN that was ready, while nobody needs it
)

// Next returns the gate after a check. CDNs of other names do not open at the same
// moment.
func (g Gate) Next(name string, c Check) Gate {
	if c.Mute {
		g.Doubt, g.Doubts = c.Failure, g.Doubts+1
		return g
	}
	good := c.Failure == ""
	g.Checked, g.Failure, g.Doubt, g.Doubts = c.At, c.Failure, "", 0
	g.Fails, g.Goods = inARow(g.Fails, !good), inARow(g.Goods, good)
	if g.OfOrigin = c.OfOrigin; good {
		g.Good = c.At
	}
	switch {
	case g.Open && !good && (c.Sure || g.Fails >= gateFails):
		g.Closings = min(g.lately(c.At)+1, maxEjections)
		g.Open, g.Since = false, c.At
	case g.Open || !good:
	case g.Since.IsZero():
		g.Open, g.Since = true, c.At
	case g.Goods >= gateGoods && c.At.Sub(g.Since) >= ejection(name, g.Closings):
		g.Open, g.Since, g.Back = true, c.At, c.At
	}
	return g
}

// lately is how many times still count that the gate has closed: one is forgotten
// after every 5 minutes in which it was open.
func (g Gate) lately(now time.Time) int {
	return max(0, g.Closings-int(now.Sub(g.Since)/site.LastEjection))
}

// Part is which part of its clients the CDN takes once the gate is open: all, or
// some while it comes back.
func (g Gate) Part(now time.Time) float64 { return partSince(g.Back, now) }

// Pause is how long the next check has time. It is one period while visitors are at
// the CDN, or soon may be, and until it is clear whether the gate opens or closes; a
// CDN that nobody needs and that is not ready is asked ever more rarely.
func (g Gate) Pause(period time.Duration, needed bool) time.Duration {
	switch {
	case needed, g.Open && g.Fails > 0, !g.Open && g.Goods > 0:
		return period
	case g.Open && g.Doubts == 0:
		return max(period, recheck)
	}
	return max(period, min(period<<min(g.Fails+g.Doubts, 12), recheck))
}

// Through is how a CDN is for a site behind a gate. Of one that could not be checked
// so far, or failed as one may whose origin fails, nothing bad is known: it is better
// than an origin that is down.
func (c Candidate) Through(g Gate, now time.Time) Candidate {
	if !g.Open {
		c.Spare = (c.Spare || !c.Out) && (g.OfOrigin || g.Checked.IsZero() && g.Doubts > 0)
		c.Untried = !c.Out && g.Checked.IsZero() && g.Since.IsZero()
		c.Out = true
		return c
	}
	c.Part = min(c.Part, g.Part(now))
	return c
}
