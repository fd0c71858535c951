package site

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// DefaultDownloadLimit is what all downloads together may cost, in bit/s.
const DefaultDownloadLimit = 100e6

// Downloads returns what the downloads of some sites cost in bit/s, on the
// average, and how many targets there are.
func Downloads(sites []*Site) (cost float64, targets int) {
	all := NewDownloadCosts()
	for _, s := range sites {
		all.Add(s)
	}
	return all.Cost(), len(all.periods)
}

// ValidateDownloads refuses the site with which downloads come to cost more than
// limit, in bit/s. Every error is a *PlaceError.
func ValidateDownloads(sites []*Site, limit float64) error {
	all := NewDownloadCosts()
	for _, s := range sites {
		all.Add(s)
		if err := all.Check(s, limit); err != nil {
			return &PlaceError{s.Place, err}
		}
	}
	return nil
}

// DownloadCosts is what the downloads of sites that come and go cost together.
type DownloadCosts struct {
	periods map[Target][]time.Duration // of everybody who has it downloaded
	total   float64                    // in thousandths of bit/s, whole ones, so that what is added can be taken off
}

// NewDownloadCosts returns the costs of nothing.
func NewDownloadCosts() *DownloadCosts {
	return &DownloadCosts{periods: make(map[Target][]time.Duration)}
}

// Cost is what all downloads cost in bit/s, on the average.
func (d *DownloadCosts) Cost() float64 { return d.total / 1000 }

// Check refuses the site with which downloads have come to cost more than limit.
func (d *DownloadCosts) Check(s *Site, limit float64) error {
	if d.Cost() <= limit {
		return nil
	}
	return fmt.Errorf("with those of '%s' all downloads cost %s (targets: %d), more than %s: make them smaller or less often, or allow more with 'download RATE'",
		s.Name(), FormatRate(d.Cost()), len(d.periods), FormatRate(limit))
}

// Add adds the downloads of a site.
func (d *DownloadCosts) Add(s *Site) {
	d.change(s, func(periods []time.Duration, every time.Duration) []time.Duration { return append(periods, every) })
}

// Remove takes those of a site off that was added.
func (d *DownloadCosts) Remove(s *Site) {
	d.change(s, func(periods []time.Duration, every time.Duration) []time.Duration {
		i := slices.Index(periods, every)
		return slices.Delete(periods, i, i+1)
	})
}

func (d *DownloadCosts) change(s *Site, change func(periods []time.Duration, every time.Duration) []time.Duration) {
	if !s.HasDownloads() {
		return
	}
	for _, p := range s.Paths() {
		if p.Target.Kind != "download" {
			continue
		}
		d.total -= costOf(p.Target, d.periods[p.Target])
		periods := change(d.periods[p.Target], p.Every)
		d.total += costOf(p.Target, periods)
		d.periods[p.Target] = periods
		if len(periods) == 0 {
			delete(d.periods, p.Target)
		}
	}
}

// costOf is what a target costs at the shortest of its periods.
func costOf(t Target, periods []time.Duration) float64 {
	if len(periods) == 0 {
		return 0
	}
	return math.Round(float64(t.Ask.Value().Size) * 8 / slices.Min(periods).Seconds() * 1000)
}

// HasDownloads reports whether the site is measured by downloads.
func (s *Site) HasDownloads() bool {
	return slices.ContainsFunc(s.Probes, func(p Source) bool { return p.Kind == "download" })
}
