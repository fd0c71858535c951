package site_test

import (
	"math"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestStaleAfter(t *testing.T) {
	for period, want := range map[time.Duration]time.Duration{
		0:                5 * time.Second,
		time.Second:      5 * time.Second,
		2 * time.Second:  6 * time.Second,
		10 * time.Second: 30 * time.Second,
	} {
		if got := site.StaleAfter(period); got != want {
			t.Errorf("%s: got %s", period, got)
		}
	}
}

func TestUsable(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		value float64
		at    time.Time
		want  bool
	}{
		{0.3, now, true},
		{0, now.Add(-time.Hour), true},
		{-0.1, now, false},
		{math.NaN(), now, false},
		{math.Inf(1), now, false},
		{math.Inf(-1), now, false},
		{0.3, now.Add(1), false},
	} {
		if got := (site.Sample{Value: tc.value, At: tc.at}).Usable(now); got != tc.want {
			t.Errorf("%g at %s: got %t", tc.value, tc.at, got)
		}
	}
}
