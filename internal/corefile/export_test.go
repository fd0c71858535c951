package corefile

import (
	"maps"
	"slices"
)

// ProbeParsers and FeedParsers list the kinds that can be written, but for map.
func ProbeParsers() []string { return slices.Sorted(maps.Keys(probeKinds)) }
func FeedParsers() []string  { return slices.Sorted(maps.Keys(feedKinds)) }

// StaleSites is how many sites are not built with what is in force.
func (o *Overlay) StaleSites() int {
	n := 0
	for _, r := range o.records {
		if r.trouble != nil && r.trouble.stale {
			n++
		}
	}
	return n
}
