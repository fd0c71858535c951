package control

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Combine makes one sample of the newest fresh ones that each server has of one
// target and signal; false: none of them says anything. A feed reads what somebody
// else has measured, so the newest counts. A probe depends on the way to the target:
// two thirds must have failed for it to have, else the median of the good ones counts.
// It is as new as the newest of all. The order of the reports does not matter.
func Combine(feed bool, reports []site.Sample, now time.Time) (site.Sample, bool) {
	usable := make([]site.Sample, 0, len(reports))
	for _, s := range reports {
		if s.Usable(now) && s.Failure != site.FailureLocal {
			usable = append(usable, s)
		}
	}
	if len(usable) == 0 {
		return site.Sample{}, false
	}
	slices.SortFunc(usable, compareSamples)
	latest := usable[len(usable)-1]
	if feed {
		return latest, true
	}
	s := verdict(usable)
	s.At = latest.At
	return s, true
}

// compareSamples is below zero if a is the older one. Samples that differ are never
// equal.
func compareSamples(a, b site.Sample) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Failure, b.Failure),
		strings.Compare(a.Detail, b.Detail), cmp.Compare(a.Signal, b.Signal))
}

// verdict returns what most servers saw of a probe, given their samples in order.
func verdict(samples []site.Sample) site.Sample {
	var failed, good []site.Sample
	for _, s := range samples {
		if s.Failure != "" {
			failed = append(failed, s)
		} else {
			good = append(good, s)
		}
	}
	if 3*len(failed) >= 2*len(samples) {
		return commonest(failed)
	}
	return site.Sample{Signal: good[0].Signal, Value: median(good)}
}

// commonest returns the newest sample of the failure that was seen most, or of the
// first one by its word.
func commonest(failed []site.Sample) site.Sample {
	seen := make(map[site.Failure]int)
	for _, s := range failed {
		seen[s.Failure]++
	}
	return slices.MaxFunc(failed, func(a, b site.Sample) int {
		return cmp.Or(cmp.Compare(seen[a.Failure], seen[b.Failure]), cmp.Compare(b.Failure, a.Failure), compareSamples(a, b))
	})
}

// median returns the value in the middle, or the mean of the two that are there.
func median(samples []site.Sample) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.Value
	}
	slices.Sort(values)
	low, high := values[(len(values)-1)/2], values[len(values)/2]
	return low + (high-low)/2
}
