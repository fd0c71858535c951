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

	again bool // something was put off that no sample may bring back

	origins []judging
	lines   int       // of probes and feeds
	stale   time.Time // when the first signal that is fresh turns stale; zero: none is
}

// judging is one origin of the site in a call of Decide.
type judging struct {
	*deciding
	i      int
	o      *site.Origin
	st     *Standing
	counts []Count // of its thresholds
	given  bool    // a source says what bandwidth is available
	reading

	health []Health // of its addresses, in their order
	anyUp  bool     // one of them is up
}

// Decide takes the decision on site s after st. Call it for every new sample,
// and when State.Due has come. A decision that changes no answer keeps the
// epoch of the one before.
func Decide(s *site.Site, st State, in Input) (State, *site.Decision) {
	d := begin(s, &st, in)
	heard := d.observe()
	for i := range d.origins {
		d.origins[i].hear(heard)
	}
	d.judge()
	d.conclude()
	return st, st.Last
}

// begin returns a call of Decide that has judged nothing so far.
func begin(s *site.Site, st *State, in Input) *deciding {
	st.fit(s, len(in.Sources))
	d := &deciding{s: s, st: st, in: in, origins: make([]judging, len(s.Origins))}
	for _, src := range in.Sources {
		d.lines = max(d.lines, src.Line+1)
	}
	for i := range s.Origins {
		first := firstCount(s, i)
		d.origins[i] = judging{
			deciding: d, i: i, o: &s.Origins[i], st: &st.Origins[i],
			counts: st.Counts[first : first+thresholds(s, i)],
		}
		d.origins[i].given = d.origins[i].gives(site.AvailableBandwidth)
	}
	return d
}

// judge says how the origins stand. They may share a path, so all obey the rules
// for missing data before any goes on: their order must not matter.
func (d *deciding) judge() {
	for i := range d.origins {
		d.origins[i].obey()
	}
	for i := range d.origins {
		d.origins[i].move()
	}
}

// fit makes the state's lists its own, and as long as the site needs them.
func (st *State) fit(s *site.Site, sources int) {
	st.Paths = slices.Clone(st.Paths)
	for len(st.Paths) < sources {
		st.Paths = append(st.Paths, Path{Health: HealthUnknown})
	}
	origins, counts := st.Origins, st.Counts
	st.Origins = make([]Standing, len(s.Origins))
	copy(st.Origins, origins)
	st.Counts = make([]Count, firstCount(s, len(s.Origins)))
	copy(st.Counts, counts)
}

// hear takes in what the sources say.
func (j *judging) hear(heard bool) {
	j.survey()
	j.reading = j.read(heard && j.hears(j.in.Sources[j.in.New]))
}

// observe counts the new samples for their path, and reports whether there is
// one that says anything.
func (d *deciding) observe() bool {
	if d.in.New == None {
		return false
	}
	src := d.in.Sources[d.in.New]
	sample := src.Samples[len(src.Samples)-1]
	if !sample.Usable(d.in.Now) {
		return false
	}
	path := &d.st.Paths[d.in.New]
	*path = path.observe(sample, &d.s.Rules)
	return true
}

// rest notes since when all is calm, which leads to the return. What is still
// awaited after a restart neither begins nor ends that.
func (j *judging) rest() {
	switch {
	case !j.calm || j.down() || !j.known && !j.pending:
		j.st.Calm = time.Time{}
	case j.st.Calm.IsZero() && !j.pending:
		j.st.Calm = j.in.Now
	}
}

// inARow continues a count of events in a row.
func inARow(count int32, again bool) int32 {
	if again {
		return count + 1
	}
	return 0
}

// move changes the side where the time has come.
func (j *judging) move() {
	j.survey()
	j.rest()
	if j.st.Waiting && !(j.in.Hold == HoldThresholds && j.down()) {
		return
	}
	switch j.st.Side {
	case site.SideUnknown:
		j.start()
	case site.SideOrigin:
		j.enter()
	case site.SideCDN:
		j.leave()
	}
}

// start takes the first round at face value.
func (j *judging) start() {
	switch {
	case !j.firstRoundOver():
	case j.down():
		j.turn(site.SideCDN, j.because(site.CauseDown))
	case !j.known:
	case j.reason.V >= 1:
		j.turn(site.SideCDN, j.because(site.CauseThreshold))
	default:
		j.turn(site.SideOrigin, j.because(site.CauseBelow))
	}
}

// enter leaves the origin.
func (j *judging) enter() {
	switch {
	case j.down():
		j.turn(site.SideCDN, j.because(site.CauseDown))
	case j.counted:
		if j.turn(site.SideCDN, j.because(site.CauseThreshold)) {
			j.penalise()
		}
	}
}

func (j *judging) leave() {
	if j.down() {
		j.forgive()
	}
	if due := j.returnDue(); !due.IsZero() && !due.After(j.in.Now) && !j.pending {
		j.turn(site.SideOrigin, j.because(site.CauseRecovered))
	}
}

// returnDue returns when the return is due if v stays where it is; the zero
// time when it is not in sight.
func (j *judging) returnDue() time.Time {
	st := j.st
	if st.Side != site.SideCDN || st.Calm.IsZero() {
		return time.Time{}
	}
	due := later(st.Calm, st.Since).Add(j.s.FailbackDelay)
	return later(due, j.release())
}

// turn changes the side and begins all counts anew. It reports whether it did:
// nobody leaves an origin on the word of a monitor that may be blind, nor comes
// back to one because it hears nothing.
func (j *judging) turn(side site.Side, reason site.Reason) bool {
	st := j.st
	held := j.in.Hold == HoldAll || j.in.Hold == HoldThresholds && reason.Cause != site.CauseDown
	if held && side == site.SideCDN {
		st.Waiting = true
		return false
	}
	if held && reason.Cause == site.CauseNoData {
		j.again = true
		return false
	}
	st.Waiting = false
	st.Side, st.Since, st.Reason = side, j.in.Now, &reason
	for k := range j.counts {
		j.counts[k].Over, j.counts[k].Hard = 0, 0
	}
	st.Counted, st.Held = false, time.Time{}
	return true
}

// because returns the worst threshold as the reason of a turn. What is down need
// not be what that measures: the probe that found it is named as well.
func (j *judging) because(cause site.Cause) site.Reason {
	reason := j.reason
	reason.Cause = cause
	if cause == site.CauseDown {
		reason.Detail = j.whatFailed()
	}
	return reason
}

// whatFailed returns what failed in the newest sample of a path that is down.
func (j *judging) whatFailed() string {
	var last site.Sample
	for i, src := range j.in.Sources {
		if j.concerns(src) && !src.Feed && j.path(i) == HealthDown && len(src.Samples) > 0 {
			if s := src.Samples[len(src.Samples)-1]; !s.At.Before(last.At) {
				last = s
			}
		}
	}
	return last.Detail
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
