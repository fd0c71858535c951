package control_test

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// of returns a site with one threshold and one window for each of some sources:
// probes at first, then feeds, of an origin with a capacity of 10.
func of(signal site.Signal, statistic site.Statistic, limit float64, feeds ...bool) (*site.Site, []control.Source) {
	s := site.New("www.example.org.")
	s.Origins = []site.Origin{{Addresses: []netip.Addr{address(0)}, Capacity: 10}}
	s.Thresholds = []site.Threshold{{Signal: signal, Statistic: statistic, Limit: limit, Recover: signal.DefaultRecover(limit)}}
	var sources []control.Source
	for _, feed := range feeds {
		sources = append(sources, control.Source{Origin: site.EveryOrigin, Feed: feed, Period: period})
	}
	return s, sources
}

// valued returns samples a period apart, the last of which is of begin.
func valued(signal site.Signal, values ...float64) []site.Sample {
	all := samples(begin, period, values...)
	for i := range all {
		all[i].Signal = signal
	}
	return all
}

// reasonOf decides on windows, the last of which is new.
func reasonOf(s *site.Site, sources []control.Source) site.Reason {
	in := control.Input{Now: begin, Sources: sources}
	var st control.State
	for in.New = range sources {
		for i := 0; i < 2 && len(sources[in.New].Samples) > 0; i++ { // that the first round is over
			st, _ = control.Decide(s, st, in)
		}
	}
	return st.Decision().Reason
}

// Each signal has its direction and its statistic; percentiles count from the
// good to the bad.
func TestSignals(t *testing.T) {
	values := []float64{2, 6, 4}
	for _, tt := range []struct {
		signal    site.Signal
		statistic site.Statistic
		value, v  float64 // at a limit of 5
	}{
		{site.Load, site.StatisticAuto, 4, 0.8},
		{site.Load, site.P90, 6, 1.2},
		{site.Load, site.Min, 2, 0.4},
		{site.Connections, site.Mean, 4, 0.8},
		{site.Requests, site.Last, 4, 0.8},
		{site.UsedBandwidth, site.Max, 6, 1.2},
		{site.ErrorRatio, site.StatisticAuto, 4, 0.8}, // the mean
		{site.HitRatio, site.StatisticAuto, 4, 1.25},
		{site.HitRatio, site.P90, 2, 2.5},
		{site.HitRatio, site.Max, 6, 5. / 6},
		{site.AvailableBandwidth, site.StatisticAuto, 4, 1.25},
		{site.AvailableBandwidth, site.P90, 2, 2.5},
		{site.AvailableBandwidth, site.P99, 2, 2.5},
		{site.AvailableBandwidth, site.Max, 6, 5. / 6},
		{site.AvailableBandwidth, site.Min, 2, 2.5},
		{site.AvailableBandwidth, site.Last, 4, 1.25},
	} {
		s, sources := of(tt.signal, tt.statistic, 5, true)
		sources[0].Samples = valued(tt.signal, values...)
		if r := reasonOf(s, sources); math.Abs(r.Value-tt.value) > 1e-9 || math.Abs(r.V-tt.v) > 1e-9 {
			t.Errorf("%s %s: got %+v, want %g and v %g", tt.signal, tt.statistic, r, tt.value, tt.v)
		}
	}
	s, sources := of(site.ErrorRatio, site.StatisticAuto, 5, true)
	sources[0].Samples = valued(site.ErrorRatio, 0, 0, 9)
	if r := reasonOf(s, sources); r.Value != 3 {
		t.Errorf("errors: got %+v, want the mean", r)
	}
}

// Of an even number the better middle one is p50, in either direction, and p90
// from 20 samples on.
func TestPercentilesOfWhatIsAvailable(t *testing.T) {
	for n, want := range map[int]float64{2: 2, 4: 3, 19: 10, 20: 3} {
		s, sources := of(site.AvailableBandwidth, site.StatisticAuto, 5, true)
		s.Thresholds[0].Window = time.Hour
		values := upTo(n)
		slices.Reverse(values)
		sources[0].Samples = valued(site.AvailableBandwidth, values...)
		if r := reasonOf(s, sources); r.Value != want {
			t.Errorf("of 1 to %d: got %g, want %g", n, r.Value, want)
		}
	}
}

// What is available follows from what is used only where nobody says it.
func TestAvailableFollowsFromUsed(t *testing.T) {
	s, sources := of(site.AvailableBandwidth, site.Last, 5, true, true)
	sources[0].Samples = valued(site.UsedBandwidth, 7)
	if r := reasonOf(s, sources); r.Value != 3 || r.Signal != site.AvailableBandwidth {
		t.Errorf("7 of 10 used: got %+v", r)
	}
	sources[0].Samples = valued(site.UsedBandwidth, 12)
	if r := reasonOf(s, sources); r.Value != 0 || r.V != 10 {
		t.Errorf("12 of 10 used: got %+v, want none left", r)
	}
	sources[1].Samples = valued(site.AvailableBandwidth, 8)
	if r := reasonOf(s, sources); r.Value != 8 {
		t.Errorf("somebody says 8: got %+v", r)
	}
	s.Origins[0].Capacity, sources[1].Samples = 0, nil
	if r := reasonOf(s, sources); r.Signal != "" {
		t.Errorf("of an unknown capacity: got %+v", r)
	}
}

// Errors are those of probes that failed; what a feed says of times has none.
func TestErrorsFollowFromProbes(t *testing.T) {
	for feed, want := range map[bool]float64{false: 2. / 3, true: 0} {
		s, sources := of(site.ErrorRatio, site.StatisticAuto, 0.5, feed, true)
		sources[0].Samples = valued(site.ResponseTime, 5, 0.1, 5)
		sources[0].Samples[0].Failure, sources[0].Samples[2].Failure = site.FailureTimeout, site.FailureStatus
		if !feed {
			sources[1].Samples = nil
		}
		if r := reasonOf(s, sources); math.Abs(r.Value-want) > 1e-9 {
			t.Errorf("feed %t: got %+v, want %g", feed, r, want)
		}
	}
}

// A cache that answers little is at its limit, and has recovered once it answers
// much again: less is worse. While nobody asks it, nothing is known of it.
func TestACacheThatAnswersLittle(t *testing.T) {
	h := observe(newSite(t, 1, func(s *site.Site) {
		s.Feeds = []site.Source{{Kind: "file", URL: "file:///run/hits", Every: period, Timeout: timeout, Ask: site.Ask{Signal: site.HitRatio, Query: "g"}}}
		s.Thresholds = []site.Threshold{{Signal: site.HitRatio, Limit: 0.6, Recover: 0.8}}
	}))
	for _, step := range []struct {
		hits  float64
		times int
		want  site.Side
	}{
		{0.9, 3, site.SideOrigin}, {0.61, 6, site.SideOrigin}, {0.6, 3, site.SideOrigin}, {0.6, 2, site.SideCDN},
		{0.79, 30, site.SideCDN}, {silence, 30, site.SideCDN}, {0.8, 12, site.SideCDN}, {0.8, 2, site.SideOrigin},
		{0, 2, site.SideOrigin}, {0, 1, site.SideCDN},
	} {
		for range step.times {
			h.wait(period)
			h.add(0, site.Sample{At: h.now, Signal: site.ResponseTime, Value: 0.1})
			if !math.IsNaN(step.hits) {
				h.add(1, site.Sample{At: h.now, Signal: site.HitRatio, Value: step.hits})
			}
		}
		if got := h.last().Side; got != step.want {
			t.Errorf("After %d times %g: Expected the side %s, got %s because of %s", step.times, step.hits, step.want, got, h.last().Reason)
		}
	}
	if got, want := h.last().Reason.String(), "threshold: hit_ratio 0% against the limit 60% is 1000 % (age 0s)"; got != want {
		t.Errorf("Expected the reason %q, got %q", want, got)
	}
}

// The return begins on the good side of the recover level.
func TestRecoverOfWhatIsAvailable(t *testing.T) {
	for v, back := range map[float64]bool{0.4: true, 0.5: true, 0.51: false, 0.9: false} {
		h := observe(newSite(t, 0, withExporters("a"), everySecond)) // recovers at twice the limit
		h.tell(120, one(0.1), one(3))
		h.wantTold(t, "little is left", "cdn", site.CauseThreshold, "a")
		for range 5 * 60 {
			h.wait(time.Second)
			used := site.Sample{At: h.now, Signal: site.UsedBandwidth, Value: capacity - least/v}
			h.add(1, site.Sample{At: h.now, Signal: site.Load, Value: 0.1}, used)
			h.add(0, h.batch(0, mood{v: 0.1})...)
		}
		if got := h.last().Side == site.SideOrigin; got != back {
			t.Errorf("v %g: back %t, want %t", v, got, back)
		}
	}
}
