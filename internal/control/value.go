package control

import (
	"math"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const samplesForP90 = 20 // of fewer a p90 is little more than the slowest probe

// Window is how far a threshold looks back that names no window of its own.
func Window(period time.Duration) time.Duration { return 3 * period }

// reading is what the thresholds of an origin say at one moment.
type reading struct {
	reason  site.Reason // of the worst threshold, without a cause
	known   bool        // at least one threshold has fresh data
	calm    bool        // every threshold that counts has, and is at its recover level or better
	pending bool        // one has not been heard since the state was restored
	counted bool        // one has been at or above its limit for long enough
}

// read compares every threshold with its window, and goes on with the counts of
// those that the new samples are of; the worst threshold is the reason.
func (j *judging) read(heard bool) reading {
	r := reading{calm: true}
	for k := range j.counts {
		t, c := threshold(j.s, j.i, k), &j.counts[k]
		m := j.measure(t)
		if m.samples == 0 && j.awaits(k) {
			r.pending = true
			continue
		}
		if m.samples == 0 {
			r.calm = j.missing(k) && r.calm
			continue
		}
		c.Heard, c.Silent = true, time.Time{}
		if heard && j.tells(t) {
			j.advance(c, t, m)
		}
		if m.v >= 1 || !t.Recovered(m.value) {
			r.calm = false
		}
		// That v is above now is asked too: counts may have run under the limit of
		// an earlier Corefile.
		r.counted = r.counted || m.v >= 1 && (int(c.Over) >= j.s.Enter || c.Hard >= hardCount)
		if !r.known || m.v > r.reason.V {
			r.reason = site.Reason{Origin: j.o.Name, Node: j.o.Node, Signal: t.Signal, Value: m.value, Limit: t.Limit, V: m.v,
				Age: j.in.Now.Sub(m.last.At), Detail: m.last.Detail}
		}
		r.known = true
	}
	return r
}

// advance goes on with the counts of a threshold. Each probe and feed counts for
// itself: one that is below its limit does not end the count of another.
func (j *judging) advance(c *Count, t *site.Threshold, worst measured) {
	own := j.measureLine(t, j.in.Sources[j.in.New].Line)
	if own.v >= 1 || worst.v < 1 {
		c.Over = inARow(c.Over, own.v >= 1)
	}
	if own.v >= hardV || worst.v < hardV {
		c.Hard = inARow(c.Hard, own.v >= hardV)
	}
}

// measured is what a threshold's window says.
type measured struct {
	samples  int // 0: nothing
	value, v float64
	last     site.Sample // the newest
}

// measure returns the worst that a probe or feed says, each with the samples of
// all addresses: what a handshake takes says nothing of what a page takes.
func (j *judging) measure(t *site.Threshold) measured {
	var worst measured
	for line := range j.lines {
		if m := j.measureLine(t, line); m.samples > 0 && (worst.samples == 0 || m.v > worst.v) {
			worst = m
		}
	}
	return worst
}

func (j *judging) measureLine(t *site.Threshold, line int) measured {
	samples := j.pool(t, line)
	if len(samples) == 0 {
		return measured{}
	}
	value := statistic(t, samples)
	return measured{samples: len(samples), value: value, v: t.V(value), last: newest(samples)}
}

// missing notes that a threshold has no fresh data, and reports whether it
// counts for nothing by its rule.
func (j *judging) missing(k int) bool {
	if c := &j.counts[k]; c.Silent.IsZero() {
		c.Silent = j.in.Now
	}
	return j.rule(k).Action == site.NoDataOrigin && j.applies(k)
}

// tells reports whether the new samples are of a threshold's signal.
func (j *judging) tells(t *site.Threshold) bool {
	src := j.in.Sources[j.in.New]
	latest := src.Samples[len(src.Samples)-1].At
	for _, s := range slices.Backward(src.Samples) {
		if !s.At.Equal(latest) {
			return false
		}
		if _, ok := j.worth(src, t, s); ok && s.Usable(j.in.Now) {
			return true
		}
	}
	return false
}

// pool collects the fresh samples of the threshold's window over all sources of a
// line that count.
func (j *judging) pool(t *site.Threshold, line int) []site.Sample {
	most := 0
	for _, src := range j.in.Sources {
		if src.Line == line {
			most += len(src.Samples)
		}
	}
	if most == 0 {
		return nil
	}
	pool := make([]site.Sample, 0, most)
	for _, src := range j.in.Sources {
		if src.Line == line && j.hears(src) {
			pool = j.appendFresh(pool, src, t)
		}
	}
	return pool
}

// appendFresh appends the source's samples of the threshold's window, counted
// back from the newest, and nothing once that one is stale.
func (j *judging) appendFresh(pool []site.Sample, src Source, t *site.Threshold) []site.Sample {
	window := t.Window
	if window == 0 {
		window = Window(src.Period)
	}
	var latest time.Time
	for _, s := range slices.Backward(src.Samples) {
		value, ok := j.worth(src, t, s)
		if !ok || !s.Usable(j.in.Now) {
			continue
		}
		if latest.IsZero() {
			latest = s.At
		}
		stale := latest.Add(src.staleAfter())
		if !stale.After(j.in.Now) || latest.Sub(s.At) >= window {
			break
		}
		j.stale = sooner(j.stale, stale)
		s.Value = value
		pool = append(pool, s)
	}
	return pool
}

// worth returns what a sample is worth to a threshold. What is available
// follows from what is used where nobody says it, and the ratio of errors from
// the probes that failed.
func (j *judging) worth(src Source, t *site.Threshold, s site.Sample) (value float64, ok bool) {
	switch {
	case s.Signal == t.Signal:
		return s.Value, true
	case t.Signal == site.AvailableBandwidth && s.Signal == site.UsedBandwidth && j.o.Capacity > 0:
		return max(0, j.o.Capacity-s.Value), !j.given
	case t.Signal == site.ErrorRatio && s.Signal == site.ResponseTime && !src.Feed:
		if s.Failure != "" {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// gives reports whether any source of the origin gives a signal itself, and has
// not fallen silent.
func (j *judging) gives(signal site.Signal) bool {
	return slices.ContainsFunc(j.in.Sources, func(src Source) bool {
		fresh := func(s site.Sample) bool {
			return s.Signal == signal && s.Usable(j.in.Now) && j.in.Now.Sub(s.At) < src.staleAfter()
		}
		return j.concerns(src) && slices.ContainsFunc(src.Samples, fresh)
	})
}

func newest(samples []site.Sample) site.Sample {
	return slices.MaxFunc(samples, func(a, b site.Sample) int { return a.At.Compare(b.At) })
}

// statistic makes one number of samples, of which there is at least one.
func statistic(t *site.Threshold, samples []site.Sample) float64 {
	which := inForce(t, len(samples))
	if which == site.Last {
		return newest(samples).Value
	}
	values := make([]float64, len(samples))
	sum := 0.0
	for i, s := range samples {
		values[i] = s.Value
		sum += s.Value
	}
	slices.Sort(values)
	switch which {
	case site.Mean:
		return sum / float64(len(values))
	case site.Min:
		return values[0]
	case site.Max:
		return values[len(values)-1]
	}
	if t.Signal.LessIsWorse() {
		slices.Reverse(values) // percentiles count from the good to the bad
	}
	return values[rank(which, len(values))]
}

// inForce returns the statistic of so many samples.
func inForce(t *site.Threshold, samples int) site.Statistic {
	which := t.Statistic
	if which == site.StatisticAuto {
		which = t.Signal.Statistic()
	}
	switch {
	case which != site.StatisticAuto:
		return which
	case samples >= samplesForP90:
		return site.P90
	}
	return site.P50
}

// rank returns the index of a percentile among n values, by the nearest rank:
// of an even number p50 is the better of the two in the middle.
func rank(which site.Statistic, n int) int {
	return max(0, int(math.Ceil(quantile(which)*float64(n)))-1)
}

func quantile(which site.Statistic) float64 {
	switch which {
	case site.P90:
		return 0.90
	case site.P95:
		return 0.95
	case site.P99:
		return 0.99
	}
	return 0.50
}
