package control

import (
	"hash/fnv"
	"io"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// CDNState is how a CDN stands: as an origin does that a site has alone, where
// "at the CDN" means that it is out.
type CDNState struct {
	State
	Ejections int       // how often it was out lately: each time is longer
	Full      bool      // it gets no further sites
	Back      time.Time // since when it takes clients again; zero: it was never out, or has all of them
}

// Out reports whether the CDN takes nobody. One of which nothing is known yet
// may be better than an origin that is out.
func (st CDNState) Out() bool { return st.Side == site.SideCDN }

// How a CDN that was out takes its clients back: in steps, so that its caches
// fill, and that what put it out shows before all are there (HAProxy's slowstart;
// two turns of a loop with a TTL of 30 s).
const (
	comeback      = 100 * time.Second
	comebackSteps = 20
)

// Part is how much of its clients a CDN takes: all, or some while it comes back.
func (st CDNState) Part(now time.Time) float64 {
	if st.Back.IsZero() {
		return 1
	}
	steps := int(now.Sub(st.Back) * comebackSteps / comeback)
	return float64(max(1, min(steps, comebackSteps))) / comebackSteps
}

// Candidate is how the CDN is for a site.
func (st CDNState) Candidate(now time.Time) Candidate {
	return Candidate{Out: st.Out(), Full: st.Full, Part: st.Part(now)}
}

// DecideCDN judges a CDN after st. Call it for every new sample, and when
// State.Due has come.
func DecideCDN(c *site.WatchedCDN, st CDNState, in Input) CDNState {
	before, since := st.Side, st.standing().Since
	st.State, _ = Decide(ejecting(c, st.Ejections), st.State, in)
	st.Full = full(c, st, in)
	switch {
	case st.Side == site.SideCDN && before != site.SideCDN:
		st.Ejections = lately(st.Ejections, since, in.Now) + 1
		st.Back = time.Time{}
	case st.Side == site.SideOrigin && before == site.SideCDN:
		st.Back = in.Now
	case st.Part(in.Now) == 1:
		st.Back = time.Time{}
	}
	return st
}

// Reason is why the CDN is out or not.
func (st CDNState) Reason() site.Reason {
	if r := st.standing().Reason; r != nil {
		return *r
	}
	return site.Reason{Cause: site.CauseStart}
}

// Since is since when it is.
func (st CDNState) Since() time.Time { return st.standing().Since }

// standing returns that of the CDN as a whole.
func (st CDNState) standing() Standing {
	if len(st.Origins) == 0 {
		return Standing{}
	}
	return st.Origins[0]
}

// lately returns how many ejections still count: each is forgotten after a time
// in which the CDN was not out.
func lately(ejections int, since, now time.Time) int {
	if since.IsZero() {
		return 0
	}
	return max(0, ejections-int(now.Sub(since)/site.LastEjection))
}

// ejecting returns the CDN as a site that is out for as long as that many
// ejections ask for.
func ejecting(c *site.WatchedCDN, ejections int) *site.Site {
	watch, policy := *c.Watch, *c.Watch.Policy
	policy.FailbackDelay = ejection(c.Name, ejections)
	watch.Policy = &policy
	return &watch
}

// ejection is how long the n-th one in a row lasts. Up to a fifth is added, which
// follows from the name: CDNs that went together are not to come back together.
func ejection(name string, n int) time.Duration {
	hash := fnv.New32a()
	io.WriteString(hash, name+strconv.Itoa(n))
	d := min(site.FirstEjection*time.Duration(max(1, n)), site.LastEjection)
	return d + d*time.Duration(hash.Sum32()%1000)/5000
}

// full reports whether the CDN gets no further sites. What is not known stays.
func full(c *site.WatchedCDN, st CDNState, in Input) bool {
	if c.Soft == 0 {
		return false
	}
	soft := c.Full()
	j := &begin(c.Watch, &st.State, in).origins[0]
	j.survey()
	if m := j.measure(&soft); m.samples > 0 {
		return m.v >= 1
	}
	return st.Full
}
