package health

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Reading is what a feed says of one signal at one moment. Its value is Value,
// or, where counters say it, follows from how they have moved since the reading
// before; see meter.
type Reading struct {
	Signal site.Signal
	At     time.Time     // when it was true, by whoever keeps the statistics; zero: now
	Value  float64       // in the signal's unit; with counters, what their rate is added to
	Scale  float64       // what the rate of the counters is multiplied by
	Num    []Counter     // whose increases are added up; nil: there are no counters
	Den    []Counter     // whose increases Num's are divided by; nil: the time that passed
	Uptime time.Duration // of whoever counts: all counters began anew when it falls; 0: not known
	Of     float64       // of a ratio, how many requests a second it is of; 0: not known
	Cached time.Duration // for how long its source may repeat counters that have moved since
}

// Counter is a number that only grows, but for a restart.
type Counter struct {
	Series string  // tells it from others of the same reading
	Value  float64 // so far
	Epoch  uint64  // changes where the counter began anew, if its source says so
}
