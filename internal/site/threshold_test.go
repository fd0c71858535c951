package site_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// drawn is any threshold of any signal with the recover level that it has
// without one.
func drawn(r *rapid.T) site.Threshold {
	signal := rapid.SampledFrom(site.Signals()).Draw(r, "signal")
	limit := rapid.Float64Range(1e-6, 1e15).Draw(r, "limit")
	return site.Threshold{Signal: signal, Limit: limit, Recover: signal.DefaultRecover(limit)}
}

// good reports whether a value is on the good side of a limit.
func good(t site.Threshold, value float64) bool {
	if t.Signal.LessIsWorse() {
		return value > t.Limit
	}
	return value < t.Limit
}

// v is below 1 exactly on the good side, and from 0 to 10.
func TestVTellsTheSides(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		threshold := drawn(r)
		near := []float64{threshold.Limit, math.Nextafter(threshold.Limit, 0), math.Nextafter(threshold.Limit, math.Inf(1)), 0}
		value := rapid.OneOf(rapid.SampledFrom(near), rapid.Float64Range(0, 1e300), rapid.Float64Range(0, 3*threshold.Limit)).Draw(r, "value")
		v := threshold.V(value)
		if v < 1 != good(threshold, value) || !(v >= 0 && v <= 10) {
			r.Fatalf("v of %g is %g", value, v)
		}
	})
}

// What has recovered is below the limit, and the default recover level is where
// v is 0.8.
func TestRecovered(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		threshold := drawn(r)
		value := rapid.Float64Range(0, 3*threshold.Limit).Draw(r, "value")
		if threshold.Recovered(value) && threshold.V(value) > 0.8+1e-9 || !threshold.Recovered(value) && threshold.V(value) < 0.8-1e-9 {
			r.Fatalf("recovered at %g: %t, v %g", value, threshold.Recovered(value), threshold.V(value))
		}
		if !threshold.Recovered(threshold.Recover) {
			r.Fatal("the recover level itself does not count")
		}
		if threshold.Recovered(threshold.Limit) {
			r.Fatal("recovered at the limit")
		}
	})
}

func TestV(t *testing.T) {
	time := site.Threshold{Signal: site.ResponseTime, Limit: 0.3}
	rate := site.Threshold{Signal: site.AvailableBandwidth, Limit: 1e9}
	hits := site.Threshold{Signal: site.HitRatio, Limit: 0.6}
	for _, tc := range []struct {
		threshold   site.Threshold
		value, want float64
	}{
		{time, 0, 0}, {time, 0.15, 0.5}, {time, 0.3, 1}, {time, 0.6, 2}, {time, 3, 10}, {time, 5, 10}, {time, math.Inf(1), 10},
		{rate, 0, 10}, {rate, 1, 10}, {rate, 1e8, 10}, {rate, 5e8, 2}, {rate, 1e9, 1}, {rate, 2e9, 0.5}, {rate, math.Inf(1), 0},
		{hits, 0, 10}, {hits, 0.3, 2}, {hits, 0.6, 1}, {hits, 1, 0.6},
	} {
		if got := tc.threshold.V(tc.value); got != tc.want {
			t.Errorf("%s %g: got %g, want %g", tc.threshold.Signal, tc.value, got, tc.want)
		}
	}
}

func TestRecoverAtTheLimit(t *testing.T) {
	for _, signal := range site.Signals() {
		threshold := site.Threshold{Signal: signal, Limit: 0.5, Recover: 0.5}
		if err := threshold.Validate(); err != nil || !threshold.Recovered(0.5) {
			t.Errorf("%s: got %v", signal, err)
		}
	}
}

// Every rule of a threshold by itself.
func TestThresholdErrors(t *testing.T) {
	for want, threshold := range map[string]site.Threshold{
		"signal 'smoke' is not known":                                                                   {Signal: "smoke", Limit: 1, Recover: 1},
		"statistic 'p42' is not known":                                                                  {Signal: site.Load, Statistic: "p42", Limit: 1, Recover: 1},
		"limit NaN of load is not above zero":                                                           {Signal: site.Load, Limit: math.NaN(), Recover: 1},
		"limit +Inf of load is not above zero":                                                          {Signal: site.Load, Limit: math.Inf(1), Recover: 1},
		"limit 0bit of used_bandwidth is not above zero":                                                {Signal: site.UsedBandwidth, Recover: 1},
		"limit 100.01% of error_ratio is above 100%":                                                    {Signal: site.ErrorRatio, Limit: 1.0001, Recover: 1},
		"limit 100.01% of hit_ratio is above 100%":                                                      {Signal: site.HitRatio, Limit: 1.0001, Recover: 1},
		"recover 59.99% is below the limit 60%: the more there is of hit_ratio, the better":             {Signal: site.HitRatio, Limit: 0.6, Recover: 0.5999},
		"recover 112.5% of hit_ratio is above 100%: write one that can be reached":                      {Signal: site.HitRatio, Limit: 0.9, Recover: site.HitRatio.DefaultRecover(0.9)},
		"recover NaN is not above zero and at most the limit 1":                                         {Signal: site.Load, Limit: 1, Recover: math.NaN()},
		"recover 2 is not above zero and at most the limit 1":                                           {Signal: site.Load, Limit: 1, Recover: 2},
		"recover 999bit is below the limit 1kbit: the more there is of available_bandwidth, the better": {Signal: site.AvailableBandwidth, Limit: 1000, Recover: 999},
		"no_data 'wait' is neither origin nor cdn nor stay":                                             {Signal: site.Load, Limit: 1, Recover: 1, NoData: site.NoData{Action: "wait"}},
		"no_data '' is neither origin nor cdn nor stay":                                                 {Signal: site.Load, Limit: 1, Recover: 1, NoData: site.NoData{After: 1}},
		"after -1ns is negative":                                                                        {Signal: site.Load, Limit: 1, Recover: 1, NoData: site.NoData{Action: site.NoDataStay, After: -1}},
	} {
		wantError(t, threshold.Validate(), want)
	}
}

// A rule for missing data may be left out of a threshold, not of a site.
func TestNoDataMayBeLeftOut(t *testing.T) {
	s := valid()
	for _, rule := range []site.NoData{{}, {Action: site.NoDataCDN}, {Action: site.NoDataStay, After: 1}, site.DefaultNoData()} {
		s.Thresholds[0].NoData = rule
		if err := s.Validate(); err != nil {
			t.Errorf("%+v: %v", rule, err)
		}
	}
	s.NoData = site.NoData{}
	wantError(t, s.Validate(), "no_data '' is neither origin nor cdn nor stay")
}

// Only a probe ends at a timeout: what a feed gives may be any time.
func TestLimitOfAFeed(t *testing.T) {
	s := asking("json", "http://{origin}/")
	s.Thresholds[0].Limit = 3600
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	s.Probes = valid().Probes
	wantError(t, s.Validate(), "limit 1h0m0s is not below the timeout 5s of the probe that measures it")
}
