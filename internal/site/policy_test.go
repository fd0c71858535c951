package site_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestNewTTL(t *testing.T) {
	for _, tc := range []struct{ full, least time.Duration }{
		{0, 0},
		{time.Second, time.Second},
		{5 * time.Second, 5 * time.Second},
		{9 * time.Second, 5 * time.Second},
		{11 * time.Second, 5 * time.Second},
		{30 * time.Second, 15 * time.Second},
		{31 * time.Second, 15 * time.Second},
		{site.MaxTTL, site.MaxTTL / 2},
	} {
		want := site.TTL{Full: tc.full, Diverted: tc.full, Min: tc.least}
		if got := site.NewTTL(tc.full); got != want {
			t.Errorf("%s: got %+v", tc.full, got)
		}
	}
}

func TestDampingDefaults(t *testing.T) {
	s := site.New("www.example.org.")
	if s.DampingHalfLife() != 10*time.Minute || s.DampingMax() != 30*time.Minute {
		t.Errorf("got %s and %s", s.DampingHalfLife(), s.DampingMax())
	}
	s.FailbackDelay = time.Second
	if s.DampingHalfLife() != 5*time.Second || s.DampingMax() != 15*time.Second {
		t.Errorf("got %s and %s", s.DampingHalfLife(), s.DampingMax())
	}
	s.Damping.HalfLife, s.Damping.Max = time.Minute, time.Hour
	if s.DampingHalfLife() != time.Minute || s.DampingMax() != time.Hour {
		t.Errorf("got %s and %s", s.DampingHalfLife(), s.DampingMax())
	}
}

func TestDefaultRecover(t *testing.T) {
	if got := site.ResponseTime.DefaultRecover(0.5); got != 0.4 {
		t.Errorf("got %g", got)
	}
}

func TestReason(t *testing.T) {
	for _, tc := range []struct {
		reason site.Reason
		want   string
	}{
		{site.Reason{Cause: site.CauseStart}, "start"},
		{site.Reason{Cause: site.CauseNoData}, "no_data"},
		{
			site.Reason{Cause: site.CauseThreshold, Signal: site.ResponseTime, Value: 0.39, Limit: 0.3, V: 1.3, Age: time.Second},
			"threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)",
		},
		{
			site.Reason{Cause: site.CauseBelow, Signal: site.ResponseTime, Value: 0.0123456, Limit: 1.5, V: 0.00823, Age: 1234567 * time.Nanosecond},
			"below: response_time 12.3ms is 1 % of the limit 1.5s (age 1ms)",
		},
		{
			site.Reason{Cause: site.CauseDown, Signal: site.ResponseTime, Value: 5, Limit: 0.5, V: 10},
			"down: response_time 5s is 1000 % of the limit 500ms (age 0s)",
		},
		{
			site.Reason{Cause: site.CauseDown, Signal: site.ResponseTime, Value: 5, Limit: 0.5, V: 10, Detail: "negotiating TLS: certificate has expired"},
			"down: response_time 5s is 1000 % of the limit 500ms (age 0s), the last probe failed: negotiating TLS: certificate has expired",
		},
		{
			site.Reason{Cause: site.CauseThreshold, Origin: "fra", Signal: site.AvailableBandwidth, Value: 5e8, Limit: 1e9, V: 2, Age: time.Second},
			"threshold: available_bandwidth of origin fra 500Mbit against the limit 1Gbit is 200 % (age 1s)",
		},
		{
			site.Reason{Cause: site.CauseRecovered, Signal: site.AvailableBandwidth, Value: 2e9, Limit: 1e9, V: 0.5, Age: 90 * time.Second},
			"recovered: available_bandwidth 2Gbit against the limit 1Gbit is 50 % (age 1m30s)",
		},
		{
			site.Reason{Cause: site.CauseThreshold, Origin: "ams", Signal: site.Connections, Value: 26000, Limit: 20000, V: 1.3},
			"threshold: connections of origin ams 26000 is 130 % of the limit 20000 (age 0s)",
		},
		{
			site.Reason{Cause: site.CauseThreshold, Origin: "fra1", Node: true, Signal: site.Load, Value: 6, Limit: 5, V: 1.2},
			"threshold: load of node fra1 6 is 120 % of the limit 5 (age 0s)",
		},
		{
			site.Reason{Cause: site.CauseNoData, Origin: "fra1", Node: true, Signal: site.Load, Age: time.Minute},
			"no_data: load of node fra1 has had no fresh sample for 1m0s",
		},
		{
			site.Reason{Cause: site.CauseThreshold, Signal: site.ErrorRatio, Value: 0.5, Limit: 0.05, V: 10, Detail: "status 503"},
			"threshold: error_ratio 50% is 1000 % of the limit 5% (age 0s), the last probe failed: status 503",
		},
		{
			site.Reason{Cause: site.CauseHides, Hides: "MX TXT", Signal: site.Load, Value: 6, Limit: 5, V: 1.2},
			"hides MX TXT: load 6 is 120 % of the limit 5 (age 0s)",
		},
		{site.Reason{Cause: site.CauseHides, Hides: "MX"}, "hides MX"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			if got := tc.reason.String(); got != tc.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

// The lists that others range over have no row twice, and none that is empty.
func TestLists(t *testing.T) {
	list(t, "cause", site.Causes(), 8)
	list(t, "statistic", site.Statistics(), 8)
	list(t, "signal", site.Signals(), 8)
	list(t, "failure", site.Failures(), 11)
}

func list[T ~string](t *testing.T, what string, words []T, want int) {
	t.Helper()
	seen := map[T]bool{"": true}
	for _, word := range words {
		if seen[word] {
			t.Errorf("%s %q", what, word)
		}
		seen[word] = true
	}
	if len(words) != want {
		t.Errorf("got %d of %s, want %d", len(words), what, want)
	}
}

func TestDefaultRecoverOfRates(t *testing.T) {
	if got := site.AvailableBandwidth.DefaultRecover(8e8); got != 1e9 {
		t.Errorf("got %g", got)
	}
	if got := site.UsedBandwidth.DefaultRecover(1e9); got != 8e8 {
		t.Errorf("got %g", got)
	}
}

func TestSharesOrigins(t *testing.T) {
	s := valid()
	for name, tc := range map[string]struct {
		origins []site.Origin
		want    bool
	}{
		"one":             {[]site.Origin{{}}, false},
		"one with weight": {[]site.Origin{{Weight: 2}}, false},
		"two in order":    {[]site.Origin{{Priority: 1}, {Priority: 2}}, false},
		"two that share":  {[]site.Origin{{Weight: 1}, {Weight: 2}}, true},
	} {
		if s.Origins = tc.origins; s.SharesOrigins() != tc.want || s.ClientsDiffer() != tc.want {
			t.Errorf("%s: got %t", name, !tc.want)
		}
	}
}
