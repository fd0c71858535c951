package health

import (
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Meter is meter.
type Meter = meter

// NewMeter returns one that takes rates over up to an hour.
func NewMeter() *Meter {
	m := newMeter()
	m.longest = time.Hour
	return m
}

// Samples is samples.
func (m *meter) Samples(at, now time.Time, readings []Reading) ([]site.Sample, []Rejection) {
	return m.samples(at, now, readings)
}

// Waits is wait.
func (m *meter) Waits() bool { return m.wait }

// Kept is of how many signals the meter keeps something.
func (m *meter) Kept() int { return len(m.last) }

// MapMetrics returns the selectors of a ready-made list by their signals.
func MapMetrics(name string) map[site.Signal][]string {
	selectors := make(map[site.Signal][]string)
	for _, m := range feedMaps[name].metrics {
		selectors[m.signal] = slices.DeleteFunc(m.selectors(), func(s string) bool { return s == "" })
	}
	return selectors
}

// FeedMaps returns the names of all ready-made lists.
func FeedMaps() []string {
	var names []string
	for name := range feedMaps {
		names = append(names, name)
	}
	for name := range apiMaps {
		names = append(names, name)
	}
	return names
}

// ReadPage does what a feed of kind "map" does with a page once it has it.
func ReadPage(page []byte, list string) (int, error) {
	e, err := parseExposition(page, feedMaps[list].metrics)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, m := range feedMaps[list].metrics {
		if _, _, err := e.reading(m, nil); err == nil {
			n++
		}
	}
	return n, nil
}

// ReadAPI does what a feed of a CDN's API does with an answer about one service.
func ReadAPI(name string, page []byte, now time.Time) (readings []Reading, err error) {
	switch name {
	case "fastly":
		readings, _, err = readFastly(page, site.Ask{Map: name}.Behind(), now)
		return readings, err
	case "cloudflare":
		all, _, err := readCloudflare(page, []string{"z"}, now.Truncate(time.Minute))
		if err != nil {
			return nil, err
		}
		return all[0].readings, nil
	}
	readings, _, err = readBunny(page, bunnyHour(now, site.Ask{Map: name}.Behind()))
	return readings, err
}

// Demanded is demanded.
var Demanded = demanded

// ReadFCI does what a feed of kind "fci" does with an advertisement.
func ReadFCI(page []byte, now time.Time) ([]Reading, error) {
	readings, _, err := readFCI(page, now)
	return readings, err
}

// BunnyHour is bunnyHour.
var BunnyHour = bunnyHour
