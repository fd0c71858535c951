package health_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// octets is a reading of one counter, 8 times the rate of which is wanted.
func octets(value float64, epoch uint64) health.Reading {
	return health.Reading{
		Signal: site.UsedBandwidth, Scale: 8,
		Num: []health.Counter{{Series: "eth0", Value: value, Epoch: epoch}},
	}
}

func TestMeterRates(t *testing.T) {
	start := time.Now()
	at := func(r health.Reading, after time.Duration) health.Reading {
		r.At = start.Add(after - time.Hour)
		return r
	}
	up := func(r health.Reading, uptime time.Duration) health.Reading {
		r.Uptime = uptime
		return r
	}
	cached := func(value float64) health.Reading {
		r := up(octets(value, 1), time.Hour)
		r.Cached = 15 * time.Second
		return r
	}
	left := func(value float64) health.Reading {
		r := octets(value, 0)
		r.Signal, r.Value, r.Scale = site.AvailableBandwidth, 1e9, -8
		return r
	}
	named := func(series string, value float64) health.Reading {
		r := octets(value, 0)
		r.Num[0].Series = series
		return r
	}
	untrue := map[string]int{
		"what cannot be true": 1, "the future": 1, "restart": 1, "restart that only the epoch tells": 1,
		"restart that only the uptime tells": 1, "restart of a source that repeats itself": 1,
	}
	type step struct {
		after   time.Duration
		reading health.Reading
		want    float64
	}
	for name, steps := range map[string][]step{
		"steady": {
			{0, octets(1e6, 1), none}, {10 * time.Second, octets(2e6, 1), 8e5}, {20 * time.Second, octets(2e6, 1), 0}, {30 * time.Second, octets(4e6, 1), 16e5},
		},
		"of a source that repeats itself": {
			{0, cached(1e6), none}, {time.Second, cached(1e6), none}, {10 * time.Second, cached(2e6), 8e5},
			{24 * time.Second, cached(2e6), none}, {25 * time.Second, cached(2e6), 0}, {39 * time.Second, cached(2e6), none}, {45 * time.Second, cached(4e6), 8e5},
		},
		"restart of a source that repeats itself": {
			{0, cached(1e6), none}, {time.Second, up(cached(1e6), time.Second), none}, {11 * time.Second, up(cached(2e6), 11*time.Second), 8e5},
		},
		"restart": {
			{0, octets(1e6, 1), none}, {10 * time.Second, octets(5, 1), none}, {20 * time.Second, octets(1e6+5, 1), 8e5},
		},
		"restart that only the epoch tells": {
			{0, octets(1e6, 1), none}, {10 * time.Second, octets(1e12, 2), none}, {20 * time.Second, octets(1e12+1e6, 2), 8e5},
		},
		"restart that only the uptime tells": {
			{0, up(octets(1e6, 1), time.Hour), none}, {10 * time.Second, up(octets(1e12, 1), time.Second), none},
			{20 * time.Second, up(octets(1e12+1e6, 1), 11*time.Second), 8e5},
		},
		"by the times of the readings": {
			{0, at(octets(1e6, 1), 0), none}, {7 * time.Second, at(octets(2e6, 1), 10*time.Second), 8e5},
		},
		"the same reading again": {
			{0, at(octets(1e6, 1), 0), none}, {10 * time.Second, at(octets(2e6, 1), 0), none}, {20 * time.Second, at(octets(2e6, 1), 20*time.Second), 4e5},
		},
		"times that come and go": {
			{0, octets(1e6, 1), none}, {10 * time.Second, at(octets(2e6, 1), 10*time.Second), none},
			{20 * time.Second, at(octets(3e6, 1), 20*time.Second), 8e5}, {30 * time.Second, octets(4e6, 1), none}, {40 * time.Second, octets(5e6, 1), 8e5},
		},
		"one series for another": {
			{0, named("eth0", 1e6), none}, {10 * time.Second, named("eth1", 2e6), none}, {20 * time.Second, named("eth1", 3e6), 8e5},
		},
		"no time has passed":  {{0, octets(1e6, 1), none}, {0, octets(2e6, 1), none}},
		"too long":            {{0, octets(1e6, 1), none}, {time.Hour + time.Second, octets(2e6, 1), none}},
		"an hour":             {{0, octets(0, 1), none}, {time.Hour, octets(3600e6, 1), 8e6}},
		"what cannot be true": {{0, octets(1e6, 1), none}, {10 * time.Second, octets(none, 1), none}, {20 * time.Second, octets(3e6, 1), 8e5}},
		"the future":          {{0, at(octets(1e6, 1), 0), none}, {10 * time.Second, at(octets(2e6, 1), 2*time.Hour), none}, {20 * time.Second, at(octets(3e6, 1), 20*time.Second), 8e5}},
		"what is left":        {{0, left(0), none}, {10 * time.Second, left(1e8), 1e9 - 8e7}},
		"nothing is left":     {{0, left(0), none}, {10 * time.Second, left(1.26e9), 0}},
	} {
		t.Run(name, func(t *testing.T) {
			m := health.NewMeter()
			rejections := 0
			for _, s := range steps {
				now := start.Add(s.after)
				samples, rejected := m.Samples(now, now, []health.Reading{s.reading})
				wantValue(t, samples, rejected, s.want)
				rejections += len(rejected)
			}
			if rejections != untrue[name] {
				t.Errorf("rejected %d readings, want %d", rejections, untrue[name])
			}
		})
	}
}

// A source that repeats itself has not if only what is divided by has moved.
func TestMeterRatioWithoutErrorsIsNoRepetition(t *testing.T) {
	m, now := health.NewMeter(), time.Now()
	read := func(errors, requests float64) ([]site.Sample, []health.Rejection) {
		now = now.Add(time.Second)
		return m.Samples(now, now, []health.Reading{{
			Signal: site.ErrorRatio, Scale: 1, Cached: 15 * time.Second,
			Num: []health.Counter{{Value: errors}}, Den: []health.Counter{{Value: requests}},
		}})
	}
	for _, step := range []struct{ errors, requests, want float64 }{{1, 10, none}, {1, 10, none}, {1, 20, 0}, {1, 20, none}, {2, 24, 0.25}} {
		samples, rejected := read(step.errors, step.requests)
		wantValue(t, samples, rejected, step.want)
	}
}

// A moment's clock difference does not make a sample unusable.
func TestMeterTimes(t *testing.T) {
	now := time.Now()
	slot := now.Add(-time.Millisecond)
	for _, c := range []struct{ at, want time.Time }{
		{time.Time{}, slot},
		{now.Add(-time.Minute), now.Add(-time.Minute)},
		{now.Add(time.Second), now},
		{now.Add(time.Second + 1), time.Time{}},
	} {
		samples, rejected := health.NewMeter().Samples(slot, now, []health.Reading{{Signal: site.Load, At: c.at}})
		if c.want.IsZero() {
			if len(samples) != 0 || len(rejected) != 1 {
				t.Errorf("at %s: got %+v, rejected %+v", c.at, samples, rejected)
			}
			continue
		}
		if len(samples) != 1 || !samples[0].At.Equal(c.want) || !samples[0].Usable(now) {
			t.Errorf("at %s: got %+v, want a usable one at %s", c.at, samples, c.want)
		}
	}
}

// Each reason why a reading cannot be true is a rejection, and none is a 0.
func TestMeterRejects(t *testing.T) {
	gauge := func(signal site.Signal, value float64) health.Reading {
		return health.Reading{Signal: signal, Value: value}
	}
	for _, c := range []struct {
		reading health.Reading
		why     string
	}{
		{gauge(site.Load, math.NaN()), "not a number"},
		{gauge(site.Load, math.Inf(1)), "not a number"},
		{gauge(site.Load, math.Inf(-1)), "not a number"},
		{gauge(site.Load, -1), "negative"},
		{gauge(site.ErrorRatio, 1.01), "above 1"},
		{gauge(site.HitRatio, 95), "above 1"},
		{octets(math.NaN(), 0), "a counter"},
		{octets(math.Inf(1), 0), "a counter"},
		{octets(-1, 0), "a counter"},
		{health.Reading{Signal: site.Load, At: time.Now().Add(time.Minute)}, "future"},
	} {
		now := time.Now()
		samples, rejected := health.NewMeter().Samples(now, now, []health.Reading{c.reading, gauge(site.Connections, 0)})
		if len(samples) != 1 || samples[0].Signal != site.Connections {
			t.Errorf("%+v: got samples %+v, want the other one alone", c.reading, samples)
		}
		if len(rejected) != 1 || rejected[0].Signal != c.reading.Signal || !strings.Contains(rejected[0].Why, c.why) {
			t.Errorf("%+v: rejected %+v, want because %q", c.reading, rejected, c.why)
		}
	}
}

// A meter waits for a second reading of counters, keeps them signal by signal,
// and keeps nothing of a gauge without times.
func TestMeterWaitsForCounters(t *testing.T) {
	m, now := health.NewMeter(), time.Now()
	read := func(readings ...health.Reading) int {
		now = now.Add(apart)
		samples, _ := m.Samples(now, now, readings)
		return len(samples)
	}
	gauge := health.Reading{Signal: site.Load, Value: 1}
	if n := read(gauge); n != 1 || m.Waits() || m.Kept() != 0 {
		t.Errorf("a gauge: got %d samples, waits %t, keeps %d", n, m.Waits(), m.Kept())
	}
	if n := read(octets(1e6, 0), gauge); n != 1 || !m.Waits() || m.Kept() != 1 {
		t.Errorf("first counters: got %d samples, waits %t, keeps %d", n, m.Waits(), m.Kept())
	}
	if n := read(octets(2e6, 0), gauge); n != 2 || m.Waits() {
		t.Errorf("counters again: got %d samples, waits %t", n, m.Waits())
	}
	if read(octets(1e6, 0)); m.Waits() {
		t.Error("waits after a restart, too")
	}
	cached := octets(1e6, 0)
	cached.Signal, cached.Cached = site.Requests, time.Second
	if read(cached); m.Waits() {
		t.Error("waits for what its source would repeat")
	}
}

// TestMeterProperties has counters that grow by at most limit a second, start
// anew, come and go, and readings of every kind of nonsense: no sample is ever
// NaN, infinite, negative or more than the limit.
func TestMeterProperties(t *testing.T) {
	const limit = 1e6
	nonsense := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64}
	rapid.Check(t, func(t *rapid.T) {
		m, now := health.NewMeter(), time.Now()
		timed := rapid.Bool().Draw(t, "timed")
		seen, count := map[string]bool{}, map[string]float64{"a": rapid.Float64Range(0, 1e12).Draw(t, "start")}
		for range rapid.IntRange(2, 40).Draw(t, "steps") {
			passed := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(2*time.Minute)).Draw(t, "passed"))
			now = now.Add(passed)
			for series := range count {
				if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
					count[series] = 0
				}
				count[series] += rapid.Float64Range(0, 1).Draw(t, "growth") * limit * passed.Seconds()
			}
			series := rapid.SampledFrom([]string{"b", "c"}).Draw(t, "series")
			switch _, there := count[series]; rapid.IntRange(0, 9).Draw(t, "change") {
			case 0:
				delete(count, series)
			case 1:
				if !there && !seen[series] { // one that comes back begins at 0
					count[series] = rapid.Float64Range(0, 1e12).Draw(t, "appears")
				} else if !there {
					count[series] = 0
				}
				seen[series] = true
			}
			r := health.Reading{Signal: site.Requests, Scale: 1}
			for series, value := range count {
				if rapid.IntRange(0, 19).Draw(t, "broken") == 0 {
					value = rapid.SampledFrom(nonsense[:4]).Draw(t, "nonsense")
				}
				r.Num = append(r.Num, health.Counter{Series: series, Value: value})
			}
			if timed {
				r.At = now.Add(-time.Minute)
			}
			gauge := health.Reading{Signal: site.Load, Value: rapid.SampledFrom(append(nonsense, 1)).Draw(t, "gauge")}
			samples, _ := m.Samples(now, now, []health.Reading{r, gauge})
			for _, s := range samples {
				if !s.Usable(now) || math.IsInf(s.Value, 0) {
					t.Fatalf("got %+v", s)
				}
				if most := limit * float64(len(count)) * 1.001; s.Signal == site.Requests && s.Value > most {
					t.Fatalf("got %+v, more than %v", s, most)
				}
			}
		}
	})
}

// After a silence of a feed there is no rate until it has been read twice: one
// over the silence would be of the past.
func TestNoRateOverASilence(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const period = 10 * time.Second
		read := 0
		probe := func(context.Context, site.Target) health.Result {
			if read++; read > 5 && read < 10 {
				return health.Result{Failure: site.FailureConnect}
			}
			return health.Result{Readings: []health.Reading{octets(float64(read)*1e6, 0)}}
		}
		var at []int
		s := health.NewScheduler(health.Config{
			Probes:  map[string]health.Probe{"prometheus": probe},
			Deliver: func(site.Target, []site.Sample) { at = append(at, read) },
		})
		s.Set(map[site.Target]time.Duration{source("prometheus", "http://192.0.2.1/", site.Ask{}): period})
		ctx, cancel := context.WithTimeout(t.Context(), 10*period)
		defer cancel()
		s.Run(ctx)
		if want := []int{2, 3, 4, 5, 11}; len(at) < len(want) || !slices.Equal(at[:len(want)], want) {
			t.Errorf("got samples of the readings %d, want %d first", at, want)
		}
	})
}
