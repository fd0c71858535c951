package control

import (
	"math"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const (
	maxV          = 10 // beyond this v says nothing more
	samplesForP90 = 20 // of fewer a p90 is little more than the slowest probe
)

// Window is how far a threshold looks back that names no window of its own.
func Window(period time.Duration) time.Duration { return 3 * period }

// reading is what the thresholds say at one moment.
type reading struct {
	reason site.Reason // of the worst threshold, without a cause
	known  bool        // at least one threshold has fresh data
	calm   bool        // every threshold has, and is at or under its recover level
}

// read compares every threshold with its window; the worst decides.
func (d *deciding) read() reading {
	r := reading{calm: true}
	for _, t := range d.s.Thresholds {
		samples := d.pool(t)
		if len(samples) == 0 {
			r.calm = false
			continue
		}
		value := statistic(t.Statistic, samples)
		v := min(value/t.Limit, maxV)
		if v >= 1 || value > t.Recover {
			r.calm = false
		}
		if !r.known || v > r.reason.V {
			last := newest(samples)
			r.reason = site.Reason{Signal: t.Signal, Value: value, Limit: t.Limit, V: v,
				Age: d.in.Now.Sub(last.At), Detail: last.Detail}
		}
		r.known = true
	}
	return r
}

// pool collects the fresh samples of the threshold's window over all sources
// that count.
func (d *deciding) pool(t site.Threshold) []site.Sample {
	most := 0
	for _, src := range d.in.Sources {
		most += len(src.Samples)
	}
	pool := make([]site.Sample, 0, most)
	for _, src := range d.in.Sources {
		if d.pooled(src) {
			pool = appendFresh(pool, src, t, d.in.Now)
		}
	}
	return pool
}

// appendFresh appends the source's samples of the threshold's window, counted
// back from the newest, and nothing once that one is stale.
func appendFresh(pool []site.Sample, src Source, t site.Threshold, now time.Time) []site.Sample {
	window := t.Window
	if window == 0 {
		window = Window(src.Period)
	}
	var latest time.Time
	for _, s := range slices.Backward(src.Samples) {
		if s.Signal != t.Signal || !s.Usable(now) {
			continue
		}
		if latest.IsZero() {
			latest = s.At
		}
		if now.Sub(latest) >= site.StaleAfter(src.Period) || latest.Sub(s.At) >= window {
			break
		}
		pool = append(pool, s)
	}
	return pool
}

func newest(samples []site.Sample) site.Sample {
	return slices.MaxFunc(samples, func(a, b site.Sample) int { return a.At.Compare(b.At) })
}

// statistic makes one number of samples, of which there is at least one.
func statistic(which site.Statistic, samples []site.Sample) float64 {
	if which == site.Last {
		return newest(samples).Value
	}
	values := make([]float64, len(samples))
	sum := 0.0
	for i, s := range samples {
		values[i] = s.Value
		sum += s.Value
	}
	if which == site.Mean {
		return sum / float64(len(values))
	}
	slices.Sort(values)
	return values[rank(which, len(values))]
}

// rank returns the index of a statistic among n sorted values, by the nearest
// rank: of an even number p50 is the lower middle one.
func rank(which site.Statistic, n int) int {
	if which == site.StatisticAuto {
		which = site.P50
		if n >= samplesForP90 {
			which = site.P90
		}
	}
	return max(0, int(math.Ceil(quantile(which)*float64(n)))-1)
}

func quantile(which site.Statistic) float64 {
	switch which {
	case site.P50:
		return 0.50
	case site.P90:
		return 0.90
	case site.P95:
		return 0.95
	case site.P99:
		return 0.99
	case site.Max:
		return 1
	}
	return 0 // site.Min
}
