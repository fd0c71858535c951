package site_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestFormat(t *testing.T) {
	for _, tc := range []struct {
		signal site.Signal
		value  float64
		want   string
	}{
		{site.ResponseTime, 0.39, "390ms"},
		{site.ResponseTime, 0.0123456, "12.3ms"},
		{site.ResponseTime, 90, "1m30s"},
		{site.ResponseTime, 0, "0s"},
		{site.ErrorRatio, 0.05, "5%"},
		{site.ErrorRatio, 1, "100%"},
		{site.ErrorRatio, 0.00125, "0.13%"},
		{site.ErrorRatio, 1.0 / 3, "33.33%"},
		{site.HitRatio, 0.95, "95%"},
		{site.HitRatio, 0, "0%"},
		{site.AvailableBandwidth, 1e9, "1Gbit"},
		{site.AvailableBandwidth, 0, "0bit"},
		{site.UsedBandwidth, 1234567, "1.235Mbit"},
		{site.UsedBandwidth, 999, "999bit"},
		{site.UsedBandwidth, 2.5e12, "2.5Tbit"},
		{site.UsedBandwidth, -3e6, "-3Mbit"},
		{site.Load, 0.123456, "0.1235"},
		{site.Load, 12, "12"},
		{site.Connections, 20000, "20000"},
		{site.Connections, 1234567.8, "1234568"},
		{site.Requests, 999.96, "1000"},
		{site.Requests, -12345, "-12345"},
	} {
		if got := tc.signal.Format(tc.value); got != tc.want {
			t.Errorf("%s %g: got %s, want %s", tc.signal, tc.value, got, tc.want)
		}
	}
}

// What is written is read as the same rate, but for the digits that people need
// not see.
func TestRatesAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rate := rapid.Float64Range(1, 1e18).Draw(r, "rate")
		got, err := site.ParseRate(site.FormatRate(rate))
		if err != nil || math.Abs(got-rate) > 5.001e-4*rate {
			r.Fatalf("%g was written as %s and read as %g, %v", rate, site.FormatRate(rate), got, err)
		}
		if again := site.FormatRate(got); again != site.FormatRate(rate) && again != "1"+next(site.FormatRate(rate)) {
			r.Fatalf("%s was written again as %s", site.FormatRate(rate), again)
		}
	})
}

// next is the unit after one of which there are a thousand.
func next(rate string) string {
	return map[string]string{"1000bit": "kbit", "1000kbit": "Mbit", "1000Mbit": "Gbit", "1000Gbit": "Tbit"}[rate]
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{
		"0bit": 0, "8bit": 8, "1.5kbit": 1500, "200Mbit": 2e8, "10Gbit": 1e10, "1e3Tbit": 1e15, ".5Mbit": 5e5, "+5Mbit": 5e6,
	} {
		if got, err := site.ParseRate(text); err != nil || got != want {
			t.Errorf("%s: got %g, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "200", "bit", "Mbit", ".bit", "200MB", "200Mb", "200mbit", "200Kbit", "200 Mbit", " 200Mbit", "200Mbit ", "200Mbit/s",
		"-1Mbit", "NaNbit", "Infbit", "infMbit", "1e999bit", "1e305Gbit", "1,5Gbit", "5Xbit", "5MMbit",
	} {
		_, err := site.ParseRate(text)
		wantError(t, err, "invalid bit rate '"+text+"': write a unit, such as 200Mbit or 10Gbit")
	}
}

// A failed probe counts as the worst that its signal can be.
func TestWorst(t *testing.T) {
	for signal, want := range map[site.Signal]float64{site.ResponseTime: 4, site.ErrorRatio: 1, site.AvailableBandwidth: 0} {
		if got := signal.Worst(4 * time.Second); got != want {
			t.Errorf("%s: got %g", signal, got)
		}
		if limit := want / 2; !signal.LessIsWorse() && (site.Threshold{Signal: signal, Limit: limit}).V(want) < 1 {
			t.Errorf("%s: a failure is not at the limit", signal)
		}
	}
}

// Less is worse of what visitors want much of.
func TestLessIsWorse(t *testing.T) {
	for _, signal := range site.Signals() {
		want := signal == site.AvailableBandwidth || signal == site.HitRatio
		if got := signal.LessIsWorse(); got != want {
			t.Errorf("%s: Expected %t, got %t", signal, want, got)
		}
	}
	if got, want := site.HitRatio.Against(0.6, 2), "against the limit 60% is 200 %"; got != want {
		t.Errorf("Expected %q, got %q", want, got)
	}
}

func TestStatisticOfASignal(t *testing.T) {
	for _, signal := range site.Signals() {
		want := site.StatisticAuto
		if signal == site.ErrorRatio {
			want = site.Mean
		}
		if got := signal.Statistic(); got != want {
			t.Errorf("%s: got %q", signal, got)
		}
	}
}
