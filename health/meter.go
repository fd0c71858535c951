package health

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// meter turns the readings of one feed into samples. It keeps, for each signal,
// what the next reading is compared with.
//
// What cannot be known is left out: it never becomes 0.
type meter struct {
	last    map[site.Signal]memory
	wait    bool          // for a second reading: counters have said nothing so far
	longest time.Duration // that a rate may be taken over: over more it says little of now
	behind  time.Duration // how old readings are that have no time of their own
}

// memory is the last reading, its counters in the order of their series.
type memory struct {
	Reading
	fetched time.Time // by the monotonic clock
}

// Rejection is a reading that cannot be true.
type Rejection struct {
	Signal site.Signal
	Why    string
}

// maxAhead is by how much clocks may differ.
const maxAhead = time.Second

func newMeter() *meter { return &meter{last: make(map[site.Signal]memory)} }

// samples returns what readings, fetched at now for the slot at, are worth. There
// is no sample of a signal where nothing new can be said of it: its first
// counters, and a reading seen before. Those after a restart are rejected.
func (m *meter) samples(at, now time.Time, readings []Reading) (samples []site.Sample, rejected []Rejection) {
	m.wait = false
	for _, r := range readings {
		value, known, why := m.measure(now, r)
		if why != "" {
			rejected = append(rejected, Rejection{r.Signal, why})
		}
		if known {
			samples = append(samples, site.Sample{At: sampleTime(r, at.Add(-m.behind), now), Signal: r.Signal, Value: value})
		}
	}
	return samples, rejected
}

// sampleTime is the reading's own time if it has one. Of a clock a little ahead
// of ours it is now: a sample from the future is none.
func sampleTime(r Reading, at, now time.Time) time.Time {
	switch {
	case r.At.IsZero():
		return at
	case r.At.After(now):
		return now
	}
	return r.At
}

// measure returns a reading's value if there is one, and why the reading cannot
// be true otherwise. A reading that cannot be leaves no trace.
func (m *meter) measure(now time.Time, r Reading) (value float64, known bool, why string) {
	if why := impossible(r, now); why != "" {
		return 0, false, why
	}
	before, again := m.last[r.Signal]
	m.wait = m.wait || r.Num != nil && !again && r.Cached == 0
	if !r.At.IsZero() && !r.At.After(before.At) {
		return 0, false, ""
	}
	present := memory{r, now}
	present.Num, present.Den = bySeries(r.Num), bySeries(r.Den)
	if present.repeats(before) {
		return 0, false, ""
	}
	if r.Num != nil || !r.At.IsZero() {
		m.last[r.Signal] = present
	}
	if present.restarted(before) {
		return 0, false, "its counters began anew"
	}
	if present.elapsed(before) > m.longest+r.Cached {
		before = memory{}
	}
	value, known = present.since(before)
	if !known {
		return 0, false, ""
	}
	why = improbable(r.Signal, value)
	return value, why == "", why
}

// impossible says what is wrong with a reading by itself.
func impossible(r Reading, now time.Time) string {
	if r.At.After(now.Add(maxAhead)) {
		return "its time is in the future"
	}
	for _, c := range slices.Concat(r.Num, r.Den) {
		if !(c.Value >= 0) || math.IsInf(c.Value, 1) {
			return "a counter is negative or not a number"
		}
	}
	return ""
}

// improbable says what is wrong with a value.
func improbable(signal site.Signal, value float64) string {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return "its value is not a number"
	case value < 0:
		return "its value is negative"
	case signal.Ratio() && value > 1:
		return "its value is a ratio above 1"
	}
	return ""
}

// bySeries returns the counters in the order of their series, as a new list.
func bySeries(counters []Counter) []Counter {
	counters = slices.Clone(counters)
	slices.SortStableFunc(counters, bySeriesName)
	return counters
}

func bySeriesName(a, b Counter) int { return strings.Compare(a.Series, b.Series) }

// repeats reports whether the reading may be the one before, seen again.
func (m memory) repeats(before memory) bool {
	return m.elapsed(before) < m.Cached && m.Uptime >= before.Uptime && slices.Equal(m.Num, before.Num) && slices.Equal(m.Den, before.Den)
}

// restarted reports whether counters began anew since the reading before: they
// fell, or whoever keeps them says so.
func (m memory) restarted(before memory) bool {
	anew := func(now, then []Counter) bool {
		return slices.ContainsFunc(now, func(c Counter) bool {
			i, found := slices.BinarySearchFunc(then, c, bySeriesName)
			return found && (c.Epoch != then[i].Epoch || c.Value < then[i].Value)
		})
	}
	return m.Uptime < before.Uptime || anew(m.Num, before.Num) || anew(m.Den, before.Den)
}

// since returns the reading's value, with the help of the one before.
func (m memory) since(before memory) (value float64, known bool) {
	if m.Num == nil {
		return m.Value, true
	}
	rate, known := m.rate(before)
	if m.Signal.Ratio() {
		rate = min(rate, 1) // the errors or hits in an interval may be those of requests before it
	}
	value = m.Value + m.Scale*rate
	if m.Value > 0 {
		value = max(value, 0) // what is left of a whole that is rounded, such as a link's speed
	}
	return value, known
}

// rate is the increase of Num over that of Den, or a second.
func (m memory) rate(before memory) (rate float64, known bool) {
	num, grown := increase(before.Num, m.Num)
	passed := m.elapsed(before)
	if !grown || passed <= 0 {
		return 0, false
	}
	if m.Den == nil {
		return num / passed.Seconds(), true
	}
	den, grown := increase(before.Den, m.Den)
	return num / den, grown && den > 0
}

// elapsed is by the clock of whoever keeps the statistics, if that is known of
// both readings; 0: the times cannot be compared.
func (m memory) elapsed(before memory) time.Duration {
	switch {
	case m.At.IsZero() && before.At.IsZero():
		return m.fetched.Sub(before.fetched)
	case m.At.IsZero() || before.At.IsZero():
		return 0
	}
	return m.At.Sub(before.At)
}

// increase adds up how much the counters have grown. Nobody knows by how much if
// one of them appeared or vanished.
func increase(before, now []Counter) (sum float64, grown bool) {
	if len(before) != len(now) {
		return 0, false
	}
	for i, c := range now {
		b := before[i]
		if c.Series != b.Series {
			return 0, false
		}
		sum += c.Value - b.Value
	}
	return sum, true
}
