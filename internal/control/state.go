package control

import (
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// State is what a site's next decision needs of the ones before. The zero
// State is a site of which nothing is known.
type State struct {
	Side site.Side      // of the site: at a CDN when all of its origins are out
	Told int            // index of the origin whose latest turn moved the visitors: its reason is the site's; None: that one has gone
	Last *site.Decision // the latest one, not to be changed; nil: there is none yet
	Due  time.Time      // when time alone may change the decision; zero: it cannot
	Near bool           // visitors are diverted, or soon may be
	Weak bool           // no address of its origins is known to be well

	Forced *site.Decision // what is answered instead of Last while an override says so, not to be changed; nil: Last is
	Frozen *site.Decision // what was answered when a freeze began; nil: none is in force

	At       time.Time // of the call of Decide that made it
	Restored time.Time // when it was read back, until every source has had time to be heard since; zero: it was not, or that is over

	Origins []Standing // in the order of site.Site.Origins
	Counts  []Count    // of their thresholds, origin by origin: those of the site, then the origin's own
	Paths   []Path     // in the order of site.Site.Paths
}

// Decision returns the latest decision; the zero one if there is none yet.
func (st State) Decision() site.Decision {
	if st.Last == nil {
		return site.Decision{}
	}
	return *st.Last
}

// Answer returns what the site answers: the latest decision, or the one that an
// override has put in its place; nil: there is none yet.
func (st State) Answer() *site.Decision {
	if st.Forced != nil {
		return st.Forced
	}
	return st.Last
}

// nextEpoch returns one above those of all decisions so far. What is measured and
// what is forced are counted together: whatever is answered next has another epoch,
// and a higher one.
func (st State) nextEpoch() uint64 {
	epoch := st.Decision().Epoch
	if st.Forced != nil {
		epoch = max(epoch, st.Forced.Epoch)
	}
	return epoch + 1
}

// Waiting reports whether an origin would be left if Input.Hold did not say no.
func (st State) Waiting() bool {
	return slices.ContainsFunc(st.Origins, func(o Standing) bool { return o.Waiting })
}

// Standing is how one origin of a site stands.
type Standing struct {
	Side    site.Side    // SideOrigin: it can carry the site; SideCDN: it is out
	Since   time.Time    // of Side
	Reason  *site.Reason // of Side, not to be changed; nil: there is none yet
	Calm    time.Time    // since when v is at or under the recover level; zero: it is not
	Waiting bool         // it would be out if Input.Hold did not say no
	Used    float64      // of a node's capacity, when that was last known, however long ago

	Penalty   float64 // of damping, at PenaltyAt
	PenaltyAt time.Time
	Counted   bool      // the present stay at the CDN added to the penalty
	Held      time.Time // since when damping blocks the return; zero: it does not
}

// Count is how one threshold of one origin stands.
type Count struct {
	Over   int32     // new samples in a row with v >= 1
	Hard   int32     // new samples in a row with v >= 1.5
	Heard  bool      // there has been data
	Silent time.Time // since when it has no fresh data; zero: it has
}

// Path is what is known of one path to the origin.
type Path struct {
	Health Health
	Seen   int8  // samples in all, up to 2: the first round is over then
	Fails  int32 // failed samples in a row
	Goods  int32 // good samples in a row
}

// Health says whether a path leads to a live origin.
type Health int8

// The healths of a path, from good to bad.
const (
	HealthUp Health = iota + 1
	HealthUnknown
	HealthDown
)

// Source is the window of one path.
type Source struct {
	Line    int           // counts the site's probes and feeds, see site.Path
	Origin  int           // index of the origin that the path speaks for, or site.EveryOrigin
	Address netip.Addr    // of the origin; the zero Addr: the whole of it
	Feed    bool          // it reads statistics: that it fails says nothing of the origin
	Period  time.Duration // of the probe or feed behind it
	Delay   time.Duration // how far behind that one is
	Samples []site.Sample // oldest first; those of one moment stand together
}

// staleAfter is how old the newest sample may be.
func (s Source) staleAfter() time.Duration { return site.StaleAfter(s.Period) + s.Delay }

// Input is what Decide looks at.
type Input struct {
	Now     time.Time
	Sources []Source    // in the order of site.Site.Paths
	New     int         // the source whose last samples are new; None: only time has passed
	CDNs    []Candidate // how they are, in the site's order; nil: all can take visitors
	Hides   string      // types of data that a CNAME would hide although nobody has accepted that
	Hold    Hold        // what is not to lead away from an origin now: the monitor may be blind
}

// Hold says what does not count for now.
type Hold int8

// The holds.
const (
	HoldNothing    Hold = iota
	HoldThresholds      // that an origin is down counts, but nothing else
	HoldAll
)

// None is Input.New when no sample is new.
const None = -1

// Carry returns st for a site that was configured anew: what is known of an
// origin, a threshold and a path goes with it, and one that is new is unknown.
func Carry(st State, old, now *site.Site) State {
	was := st
	st.Origins = make([]Standing, len(now.Origins))
	st.Counts, st.Told = nil, None
	for i, o := range now.Origins {
		j := slices.IndexFunc(old.Origins, func(before site.Origin) bool { return before.Name == o.Name })
		if j >= 0 && j < len(was.Origins) {
			st.Origins[i] = was.Origins[j]
			if j == was.Told {
				st.Told = i
			}
		}
		st.Counts = append(st.Counts, carryCounts(was, old, j, now, i)...)
	}
	st.Paths = carryPaths(was.Paths, old, now)
	return st
}

// carryCounts returns the counts of an origin, given those of the one that it
// was, which is less than 0 if it is new.
func carryCounts(was State, old *site.Site, j int, now *site.Site, i int) []Count {
	counts := make([]Count, thresholds(now, i))
	for k := range counts {
		signal := threshold(now, i, k).Signal
		for l := 0; j >= 0 && l < thresholds(old, j); l++ {
			at := firstCount(old, j) + l
			own := (k < len(now.Thresholds)) == (l < len(old.Thresholds))
			if own && threshold(old, j, l).Signal == signal && at < len(was.Counts) {
				counts[k] = was.Counts[at]
			}
		}
	}
	return counts
}

// carryPaths returns what is known of the paths of a site.
func carryPaths(was []Path, old, now *site.Site) []Path {
	before := old.Paths()
	paths := make([]Path, 0, len(before))
	for _, p := range now.Paths() {
		same := func(o site.Path) bool {
			return o.Target == p.Target && o.Address == p.Address && nameOf(old, o.Origin) == nameOf(now, p.Origin)
		}
		known := Path{Health: HealthUnknown}
		if j := slices.IndexFunc(before, same); j >= 0 && j < len(was) {
			known = was[j]
		}
		paths = append(paths, known)
	}
	return paths
}

// nameOf returns the name of an origin; all of them together have one that no
// origin has.
func nameOf(s *site.Site, origin int) string {
	if origin == site.EveryOrigin {
		return "*"
	}
	return s.Origins[origin].Name
}

// thresholds returns how many thresholds an origin of a site has, and threshold
// the k-th of them.
func thresholds(s *site.Site, origin int) int {
	return len(s.Thresholds) + len(s.Origins[origin].Thresholds)
}

func threshold(s *site.Site, origin, k int) *site.Threshold {
	if k < len(s.Thresholds) {
		return &s.Thresholds[k]
	}
	return &s.Origins[origin].Thresholds[k-len(s.Thresholds)]
}

// firstCount returns where an origin's counts begin in State.Counts.
func firstCount(s *site.Site, origin int) int {
	first := 0
	for i := range origin {
		first += thresholds(s, i)
	}
	return first
}
