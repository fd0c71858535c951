package corefile

import (
	"maps"
	"slices"
)

// ProbeParsers and FeedParsers list the kinds that can be written, but for map.
func ProbeParsers() []string { return slices.Sorted(maps.Keys(probeKinds)) }
func FeedParsers() []string  { return slices.Sorted(maps.Keys(feedKinds)) }
