package site

import (
	"fmt"
	"math"
	"slices"
)

// DefaultDownloadLimit is what all downloads together may cost, in bit/s.
const DefaultDownloadLimit = 100e6

// Downloads returns what the downloads of some sites cost in bit/s, on the
// average, and how many targets there are.
func Downloads(sites []*Site) (cost float64, targets int) {
	cost, targets, _ = downloads(sites, math.Inf(1))
	return cost, targets
}

// ValidateDownloads refuses the site with which downloads come to cost more than
// limit, in bit/s. Every error is a *PlaceError.
func ValidateDownloads(sites []*Site, limit float64) error {
	cost, targets, beyond := downloads(sites, limit)
	if beyond == nil {
		return nil
	}
	return &PlaceError{beyond.Place, fmt.Errorf("with those of '%s' all downloads cost %s (targets: %d), more than %s: make them smaller or less often, or allow more with 'download RATE'",
		beyond.Name(), FormatRate(cost), targets, FormatRate(limit))}
}

// downloads adds up the cost of each target at its shortest period, up to the
// site that goes beyond a limit, if there is one.
func downloads(sites []*Site, limit float64) (cost float64, targets int, beyond *Site) {
	costs := make(map[Target]float64)
	download := func(p Source) bool { return p.Kind == "download" }
	for _, s := range sites {
		if !slices.ContainsFunc(s.Probes, download) {
			continue
		}
		for _, p := range s.Paths() {
			if p.Target.Kind != "download" {
				continue
			}
			known := costs[p.Target]
			costs[p.Target] = max(known, float64(p.Target.Ask.Value().Size)*8/p.Every.Seconds())
			cost += costs[p.Target] - known
		}
		if cost > limit {
			return cost, len(costs), s
		}
	}
	return cost, len(costs), nil
}
