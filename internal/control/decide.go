package control

import (
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// hardV is so far above the limit that two samples are enough.
const (
	hardV     = 1.5
	hardCount = 2
)

// deciding is one call of Decide: what it reads and what it changes.
type deciding struct {
	s  *site.Site
	st *State
	in Input
	reading

	health []Health // of the origin's addresses, in their order
	anyUp  bool     // one of them is up
}

// Decide takes the decision on site s after st. Call it for every new sample,
// and when State.Due has come. A decision that changes no answer keeps the
// epoch of the one before.
func Decide(s *site.Site, st State, in Input) (State, *site.Decision) {
	st.Paths = slices.Clone(st.Paths)
	for len(st.Paths) < len(in.Sources) {
		st.Paths = append(st.Paths, Path{Health: HealthUnknown})
	}
	d := &deciding{s: s, st: &st, in: in}
	heard := d.observe()
	d.survey()
	d.reading = d.read()
	d.count(heard && d.pooled(in.Sources[in.New]))
	d.move()
	d.conclude()
	return st, st.Last
}

// observe counts the new sample for its path, and reports whether there is one
// that says anything.
func (d *deciding) observe() bool {
	if d.in.New == None {
		return false
	}
	samples := d.in.Sources[d.in.New].Samples
	sample := samples[len(samples)-1]
	if !sample.Usable(d.in.Now) {
		return false
	}
	path := &d.st.Paths[d.in.New]
	*path = path.observe(sample)
	return true
}

// count advances the counts that lead to an entry and to the return. A sample
// of an address that is down is not fresh: it says nothing of the others.
func (d *deciding) count(fresh bool) {
	st := d.st
	if !d.known {
		if st.Blind.IsZero() {
			st.Blind = d.in.Now
		}
		st.Calm = time.Time{}
		return
	}
	st.Blind = time.Time{}
	if fresh {
		st.Over = inARow(st.Over, d.reason.V >= 1)
		st.Hard = inARow(st.Hard, d.reason.V >= hardV)
	}
	if !d.calm || d.down() {
		st.Calm = time.Time{}
	} else if st.Calm.IsZero() {
		st.Calm = d.in.Now
	}
}

// inARow continues a count of events in a row.
func inARow(count int, again bool) int {
	if again {
		return count + 1
	}
	return 0
}

// move changes the side where the time has come.
func (d *deciding) move() {
	if !d.known {
		d.moveBlind()
		return
	}
	switch d.st.Side {
	case site.SideUnknown:
		d.start()
	case site.SideOrigin:
		d.enter()
	case site.SideCDN:
		d.leave()
	}
}

// start takes the first round at face value.
func (d *deciding) start() {
	switch {
	case !d.firstRoundOver():
	case d.down():
		d.turn(site.SideCDN, site.CauseDown)
	case d.reason.V >= 1:
		d.turn(site.SideCDN, site.CauseThreshold)
	default:
		d.turn(site.SideOrigin, site.CauseBelow)
	}
}

// enter leaves the origin. That v is above now is asked too: counts may have
// run under the limit of an earlier Corefile.
func (d *deciding) enter() {
	counted := d.st.Over >= d.s.Enter || d.st.Hard >= hardCount
	switch {
	case d.down():
		d.turn(site.SideCDN, site.CauseDown)
	case counted && d.reason.V >= 1:
		d.turn(site.SideCDN, site.CauseThreshold)
		d.penalise()
	}
}

func (d *deciding) leave() {
	if d.down() {
		d.forgive()
	}
	if due := d.returnDue(); !due.IsZero() && !due.After(d.in.Now) {
		d.turn(site.SideOrigin, site.CauseRecovered)
	}
}

// returnDue returns when the return is due if v stays where it is; the zero
// time when it is not in sight.
func (d *deciding) returnDue() time.Time {
	st := d.st
	if st.Side != site.SideCDN || st.Calm.IsZero() {
		return time.Time{}
	}
	due := later(st.Calm, st.Since).Add(d.s.FailbackDelay)
	return later(due, d.release())
}

// moveBlind applies the rule for missing data. What was known of the paths is
// of no use by then: their next samples are taken at face value.
func (d *deciding) moveBlind() {
	due := d.blindDue()
	if due.IsZero() || due.After(d.in.Now) {
		return
	}
	switch side := site.Side(d.s.NoData.Action); {
	case side == d.st.Side:
	case side == site.SideCDN, side == site.SideOrigin && d.st.Side == site.SideCDN:
		d.turn(side, site.CauseNoData)
		for i := range d.st.Paths {
			d.st.Paths[i] = Path{Health: HealthUnknown}
		}
		d.survey()
	}
}

// blindDue returns when the rule for missing data applies; the zero time when
// data is there or the rule is to stay.
func (d *deciding) blindDue() time.Time {
	if d.st.Blind.IsZero() || d.s.NoData.Action == site.NoDataStay {
		return time.Time{}
	}
	due := d.st.Blind.Add(d.s.NoData.After)
	if !d.firstRoundOver() {
		due = later(due, d.st.Blind.Add(d.patience()))
	}
	return due
}

// patience is how long a source that was never heard may take to speak before
// its data counts as missing.
func (d *deciding) patience() time.Duration {
	var longest time.Duration
	for _, src := range d.in.Sources {
		longest = max(longest, site.StaleAfter(src.Period))
	}
	return longest
}

// turn changes the side and begins all counts anew.
func (d *deciding) turn(side site.Side, cause site.Cause) {
	st := d.st
	st.Side, st.Since = side, d.in.Now
	st.Reason = d.reason
	st.Reason.Cause = cause
	st.Over, st.Hard = 0, 0
	st.Counted, st.Held = false, time.Time{}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
