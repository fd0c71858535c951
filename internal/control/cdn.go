package control

import (
	"cmp"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// CDNState is how a CDN stands: as a site does whose origins are its nodes, or the
// CDN as a whole, where "at the CDN" means that it is out.
type CDNState struct {
	State
	Load
	Ejections int       // how often it was out lately: each time is longer
	Full      bool      // it gets no further sites
	Room      time.Time // since when it gets some again; zero: it was never full, or gets all
	Heard     bool      // something is known of it: a threshold has data, or had it lately
	Drained   bool      // all of its nodes are
	Dead      bool      // none of its nodes is up that is not drained
	Back      time.Time // since when it takes clients again; zero: it was never out, or has all of them
	Well      time.Time // since when it is not out after the latest ejection; zero: it is, or never was
}

// Load is what the nodes that take visitors have together, of those of which it is
// known.
type Load struct {
	Capacity float64 // bit/s
	Used     float64 // of it
}

// Out reports whether the CDN takes nobody. One of which nothing is known yet
// may be better than an origin that is out.
func (st CDNState) Out() bool { return st.Side == site.SideCDN || st.Drained }

// Unknown reports whether nothing is known of it: never so far, or not any more.
func (st CDNState) Unknown() bool {
	return st.Side == site.SideUnknown || st.Side == site.SideOrigin && !st.Heard
}

// slow reports whether the CDN is out and serves all the same: what is over its
// limit is not its capacity.
func (st CDNState) slow() bool {
	r := st.Reason()
	full := r.Signal == site.UsedBandwidth || r.Signal == site.AvailableBandwidth || r.Signal == site.Load
	return st.Out() && !st.Dead && !st.Drained && r.Cause == site.CauseThreshold && !full
}

// How a CDN that was out takes its clients back: in steps, so that its caches
// fill, and that what put it out shows before all are there (HAProxy's slowstart;
// two turns of a loop with a TTL of 30 s).
const (
	comeback      = 100 * time.Second
	comebackSteps = 20
)

// Part is how much of its clients a CDN takes: all, or some while it comes back.
func (st CDNState) Part(now time.Time) float64 { return partSince(st.Back, now) }

// partSince is 1 since the zero time, else it grows to that in steps.
func partSince(since, now time.Time) float64 {
	if since.IsZero() {
		return 1
	}
	steps := int(now.Sub(since) * comebackSteps / comeback)
	return float64(max(1, min(steps, comebackSteps))) / comebackSteps
}

// Candidate is how the CDN is for a site.
func (st CDNState) Candidate(now time.Time) Candidate {
	c := Candidate{Out: st.Out(), Spare: st.slow(), Unknown: st.Unknown(), Part: st.Part(now)}
	if !st.Full {
		c.Room = partSince(st.Room, now)
	}
	return c
}

// DecideCDN judges a CDN after st. Call it for every new sample, and when
// State.Due has come.
func DecideCDN(c *site.WatchedCDN, st CDNState, in Input) CDNState {
	before, out, full := st.Side, st.Out(), st.Full
	st.State, _ = Decide(judged(c, &st, in), st.State, in)
	st.survey(c, in)
	switch {
	case st.Side == site.SideCDN && before != site.SideCDN:
		st.Ejections = min(st.Lately(in.Now)+1, maxEjections)
		st.Back, st.Well = time.Time{}, time.Time{}
	case out && !st.Out():
		st.Back, st.Well = in.Now, in.Now
	case st.Part(in.Now) == 1:
		st.Back = time.Time{}
	}
	switch {
	case full && !st.Full:
		st.Room = in.Now
	case st.Full || partSince(st.Room, in.Now) == 1:
		st.Room = time.Time{}
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

// standing returns that of the CDN as a whole, or of the node whose turn was the
// latest that mattered.
func (st CDNState) standing() Standing {
	if len(st.Origins) == 0 {
		return Standing{}
	}
	return st.Origins[max(0, st.Told)]
}

// Lately is how many of its ejections still count: each is forgotten after a time in
// which the CDN was not out.
func (st CDNState) Lately(now time.Time) int {
	if st.Well.IsZero() {
		return st.Ejections
	}
	return max(0, st.Ejections-int(now.Sub(st.Well)/site.LastEjection))
}

// maxEjections is from when on they do not become longer.
const maxEjections = int(site.LastEjection / site.FirstEjection)

// judged returns the CDN as a site that is out for as long as its ejections ask
// for, and whose nodes weigh what is free of them, or was when that was last known.
func judged(c *site.WatchedCDN, st *CDNState, in Input) *site.Site {
	watch, policy := *c.Watch, *c.Watch.Policy
	policy.FailbackDelay = ejection(c.Name, st.Lately(in.Now))
	watch.Policy = &policy
	if !c.Nodes() || !watch.Supplied(site.UsedBandwidth) {
		return &watch
	}
	watch.Origins = slices.Clone(watch.Origins)
	d := begin(c.Watch, &st.State, in)
	for i := range watch.Origins {
		o, standing := &watch.Origins[i], d.origins[i].st
		if used, known := d.origins[i].used(); known {
			standing.Used = used
		}
		o.Weight = site.NodeWeight(o.Capacity, o.Capacity-standing.Used)
	}
	return &watch
}

// used returns what is used of a node's capacity, if that is known.
func (j *judging) used() (used float64, known bool) {
	if j.o.Capacity == 0 {
		return 0, false
	}
	j.survey()
	m := j.measure(&site.Threshold{Signal: site.UsedBandwidth, Limit: j.o.Capacity})
	return m.value, m.samples > 0
}

// ejection is how long the n-th one in a row lasts. Up to a fifth is added, which
// follows from the name: CDNs that went together are not to come back together.
func ejection(name string, n int) time.Duration {
	hash := fnv.New32a()
	io.WriteString(hash, name+strconv.Itoa(n))
	d := min(site.FirstEjection*time.Duration(max(1, n)), site.LastEjection)
	return d + d*time.Duration(hash.Sum32()%1000)/5000
}

// recoverFull is at how much of its soft limit a full CDN gets sites again.
const recoverFull = 0.8

// heard reports whether a threshold has fresh data, or has missed it for less than
// the time of its rule.
func (j *judging) heard() bool {
	for k := range j.counts {
		if !j.applies(k) {
			return true
		}
	}
	return false
}

// survey sets what is known of the nodes together. Whether the CDN is full stays
// as it was while nothing says what is used.
func (st *CDNState) survey(c *site.WatchedCDN, in Input) {
	st.Load, st.Drained, st.Dead, st.Heard = Load{}, true, true, false
	d := begin(c.Watch, &st.State, in)
	for i := range d.origins {
		j := &d.origins[i]
		used, known := j.used()
		j.survey()
		st.Drained = st.Drained && j.o.Drain
		st.Heard = st.Heard || j.heard()
		st.Dead = st.Dead && (j.o.Drain || j.down())
		if known && !j.o.Drain && (j.st.Side == site.SideOrigin || !c.Nodes()) {
			st.Capacity += j.o.Capacity
			st.Used += used
		}
	}
	v, known := 0., st.Capacity > 0 // of the soft limits
	if known {
		v = st.Used / cmp.Or(c.Soft, site.DefaultSoft*st.Capacity)
	}
	if c.Advertises() {
		m := d.origins[0].measure(&site.Threshold{Signal: site.Load, Limit: site.DefaultSoft})
		v, known = max(v, m.v), known || m.samples > 0
	}
	if known {
		st.Full = v >= 1 || st.Full && v > recoverFull
	}
}
