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
	Side   site.Side
	Since  time.Time      // of Side
	Reason site.Reason    // of Side
	Last   *site.Decision // the latest one, not to be changed; nil: there is none yet
	Due    time.Time      // when time alone may change the decision; zero: it cannot

	Paths []Path // in the order of site.Site.Paths

	Over  int       // new samples in a row with v >= 1
	Hard  int       // new samples in a row with v >= 1.5
	Calm  time.Time // since when v is at or under the recover level; zero: it is not
	Blind time.Time // since when no threshold has fresh data; zero: one has

	Penalty   float64 // of damping, at PenaltyAt
	PenaltyAt time.Time
	Counted   bool      // the present stay at the CDN added to the penalty
	Held      time.Time // since when damping blocks the return; zero: it does not
}

// Decision returns the latest decision; the zero one if there is none yet.
func (st State) Decision() site.Decision {
	if st.Last == nil {
		return site.Decision{}
	}
	return *st.Last
}

// Path is what is known of one path to the origin.
type Path struct {
	Health Health
	Fails  int // failed samples in a row
	Goods  int // good samples in a row
	Seen   int // samples in all, up to 2: the first round is over then
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
	Address netip.Addr    // what the path speaks for; the zero Addr: the whole origin
	Period  time.Duration // of the probe behind it
	Samples []site.Sample // oldest first
}

// Input is what Decide looks at.
type Input struct {
	Now     time.Time
	Sources []Source // in the order of site.Site.Paths
	New     int      // the source whose last sample is new; None: only time has passed
	Ready   []bool   // which CDNs can take visitors, in the site's order; nil: all
	Hides   string   // types of data that a CNAME would hide although nobody has accepted that
}

// None is Input.New when no sample is new.
const None = -1

// Carry returns st for a site that was configured anew: what is known of a
// path goes with it, and a path that is new is unknown.
func Carry(st State, old, now []site.Path) State {
	paths := make([]Path, len(now))
	for i, p := range now {
		paths[i] = Path{Health: HealthUnknown}
		same := func(o site.Path) bool { return o.Target == p.Target && o.Address == p.Address }
		if j := slices.IndexFunc(old, same); j >= 0 && j < len(st.Paths) {
			paths[i] = st.Paths[j]
		}
	}
	st.Paths = paths
	return st
}
