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
	} {
		t.Run(tc.want, func(t *testing.T) {
			if got := tc.reason.String(); got != tc.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

// The lists that others range over have no row twice.
func TestLists(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range site.Causes() {
		if c == "" || seen[string(c)] {
			t.Errorf("cause %q", c)
		}
		seen[string(c)] = true
	}
	for _, s := range site.Statistics() {
		if s == site.StatisticAuto || seen[string(s)] {
			t.Errorf("statistic %q", s)
		}
		seen[string(s)] = true
	}
}
