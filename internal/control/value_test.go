package control_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// samples returns good samples of a response time, the last of which is of now
// and the others a period apart.
func samples(now time.Time, period time.Duration, values ...float64) []site.Sample {
	s := make([]site.Sample, len(values))
	for i, value := range values {
		age := time.Duration(len(values)-1-i) * period
		s[i] = site.Sample{At: now.Add(-age), Signal: site.ResponseTime, Value: value}
	}
	return s
}

// measure returns the reason of the very first decision on windows with these
// samples, one window for each path: what was measured, at face value.
func measure(t *testing.T, s *site.Site, windows ...[]site.Sample) site.Reason {
	t.Helper()
	h := observe(s)
	for path, window := range windows {
		h.sources[path].Samples = window
	}
	for path := range windows {
		h.decide(path)
	}
	if h.last().Side == site.SideUnknown {
		t.Fatal("nothing was measured")
	}
	return h.last().Reason
}

func TestPerformanceValue(t *testing.T) {
	for _, tt := range []struct{ value, limit, want float64 }{
		{0, 0.3, 0},
		{0.15, 0.3, 0.5},
		{0.3, 0.3, 1},
		{0.39, 0.3, 1.3},
		{1.2, 1, 1.2},
		{2.999, 0.3, 2.999 / 0.3},
		{3, 0.3, 10},
		{4.5, 0.3, 10},
		{math.MaxFloat64, 0.001, 10},
	} {
		t.Run(fmt.Sprintf("%g of %g", tt.value, tt.limit), func(t *testing.T) {
			s := newSite(t, 1, func(s *site.Site) { s.Thresholds[0].Limit, s.Thresholds[0].Recover = tt.limit, tt.limit })
			got := measure(t, s, samples(begin, period, tt.value))
			if math.Abs(got.V-tt.want) > 1e-12 || got.Value != tt.value || got.Limit != tt.limit || got.Signal != site.ResponseTime {
				t.Errorf("got %+v, want v %g", got, tt.want)
			}
		})
	}
}

func TestFailedProbeCountsAsItsTimeout(t *testing.T) {
	h := observe(newSite(t, 1))
	h.play("x", side)
	if r := h.last().Reason; r.V != timeout.Seconds() || r.Detail != "no answer" {
		t.Errorf("got %+v, want v %g and what failed", r, timeout.Seconds())
	}
}

// load is a second signal, whose limit is 2.
const load site.Signal = "load"

// withLoad adds a threshold for the second signal to a valid site, which
// nothing supplies as yet.
func withLoad(s *site.Site) *site.Site {
	s.Thresholds = append(s.Thresholds, site.Threshold{Signal: load, Limit: 2, Recover: 1.6})
	return s
}

func TestWorstThresholdDecides(t *testing.T) {
	for _, tt := range []struct {
		name     string
		response float64
		load     float64
		want     site.Signal
		v        float64
	}{
		{"the first", 0.9, 1.7, site.ResponseTime, 0.9},
		{"the second", 0.8, 2.4, load, 1.2},
		{"both above", 1.3, 2.4, site.ResponseTime, 1.3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			window := samples(begin, period, tt.response, tt.load)
			window[1].Signal = load
			got := measure(t, withLoad(newSite(t, 1)), window)
			if got.Signal != tt.want || math.Abs(got.V-tt.v) > 1e-12 {
				t.Errorf("got %+v, want v %g of %s", got, tt.v, tt.want)
			}
		})
	}
}

// upTo returns 1, 2, ... n, the odd ones first: the largest is seldom the last.
func upTo(n int) []float64 {
	var values []float64
	for _, first := range []int{1, 2} {
		for i := first; i <= n; i += 2 {
			values = append(values, float64(i))
		}
	}
	return values
}

func TestStatistics(t *testing.T) {
	for _, tt := range []struct {
		statistic site.Statistic
		n         int
		want      float64
	}{
		{site.StatisticAuto, 1, 1},
		{site.StatisticAuto, 2, 1}, // the lower middle one
		{site.StatisticAuto, 3, 2},
		{site.StatisticAuto, 19, 10},
		{site.StatisticAuto, 20, 18},
		{site.StatisticAuto, 21, 19},
		{site.P50, 20, 10},
		{site.P50, 21, 11},
		{site.P90, 3, 3},
		{site.P90, 10, 9},
		{site.P90, 19, 18},
		{site.P95, 20, 19},
		{site.P95, 21, 20},
		{site.P99, 99, 99},
		{site.P99, 100, 99},
		{site.P99, 101, 100},
		{site.Mean, 4, 2.5},
		{site.Max, 9, 9},
		{site.Min, 9, 1},
		{site.Last, 9, 8},
	} {
		t.Run(fmt.Sprintf("%s of %d", tt.statistic, tt.n), func(t *testing.T) {
			s := newSite(t, 1, func(s *site.Site) {
				s.Thresholds[0].Statistic, s.Thresholds[0].Window = tt.statistic, time.Hour
			})
			if got := measure(t, s, samples(begin, period, upTo(tt.n)...)); got.Value != tt.want {
				t.Errorf("got %g, want %g", got.Value, tt.want)
			}
		})
	}
}

// A percentile is the smallest value that at least so many percent do not
// exceed, for every number of samples that a window can hold.
func TestPercentilesAreOfNearestRank(t *testing.T) {
	percents := map[site.Statistic]int{site.P50: 50, site.P90: 90, site.P95: 95, site.P99: 99}
	for statistic, percent := range percents {
		s := newSite(t, 1, func(s *site.Site) {
			s.Thresholds[0].Statistic, s.Thresholds[0].Window = statistic, time.Hour
		})
		for n := 1; n <= 360; n++ {
			want := float64((percent*n + 99) / 100)
			if got := measure(t, s, samples(begin, period, upTo(n)...)).Value; got != want {
				t.Errorf("%s of %d: got %g, want %g", statistic, n, got, want)
			}
		}
	}
}

// mean makes v that of the mean: with powers of two as values it tells which
// of them were looked at.
func mean(s *site.Site) { s.Thresholds[0].Statistic = site.Mean }

func TestWindow(t *testing.T) {
	bits := []float64{32, 16, 8, 4, 2, 1}
	for _, tt := range []struct {
		name   string
		window time.Duration
		want   float64
	}{
		{"three samples in three periods", 0, (4. + 2 + 1) / 3},
		{"of one period", period, 1},
		{"of a little more", period + 1, (2. + 1) / 2},
		{"of two periods", 2 * period, (2. + 1) / 2},
		{"of five periods", 5 * period, (16. + 8 + 4 + 2 + 1) / 5},
		{"longer than what there is", time.Hour, 63. / 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, 1, mean, func(s *site.Site) { s.Thresholds[0].Window = tt.window })
			if got := measure(t, s, samples(begin, period, bits...)).Value; got != tt.want {
				t.Errorf("got %g, want %g", got, tt.want)
			}
		})
	}
	if got := control.Window(period); got != 3*period {
		t.Errorf("Window(%s) = %s, want three periods", period, got)
	}
}

// A window is counted back from the newest sample of its own source, and in
// periods of that source.
func TestWindowIsOfItsSource(t *testing.T) {
	s := newSite(t, 1, mean, func(s *site.Site) {
		slow := s.Probes[0]
		slow.URL, slow.Every = "http://{origin}/slow", 3*period
		s.Probes = append(s.Probes, slow)
	})
	fast := samples(begin, period, 8, 4, 2, 1)
	slow := samples(begin.Add(-2*period), 3*period, 128, 64, 32, 16)
	if got, want := measure(t, s, fast, slow).Value, (64.+32+16)/3; got != want {
		t.Errorf("got %g, want %g", got, want)
	}
}

// Each probe has a value of its own, and the worst counts: a fast one does not
// hide a slow one, nor do its samples count for it.
func TestOneProbeDoesNotHideAnother(t *testing.T) {
	h := observe(newSite(t, 1, secondProbe))
	if got, want := h.play("0.1/0.1*3 1.2/0.1*6", side), "o*6 C*3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if v := h.last().Reason.V; v != 1.2 {
		t.Errorf("got a v of %g, want that of the slow probe", v)
	}
}

func TestSamplesOfAnotherSignalAreNotInTheWindow(t *testing.T) {
	window := samples(begin, period, 4, 2, 1)
	window[1].Signal = load
	if got := measure(t, newSite(t, 1, mean), window).Value; got != 2.5 {
		t.Errorf("got %g, want 2.5", got)
	}
}

func TestStale(t *testing.T) {
	for _, tt := range []struct {
		period, age time.Duration
		want        bool
	}{
		{10 * time.Second, 0, false},
		{10 * time.Second, 30*time.Second - 1, false},
		{10 * time.Second, 30 * time.Second, true},
		{2 * time.Second, 6*time.Second - 1, false},
		{2 * time.Second, 6 * time.Second, true},
		{time.Second, 5*time.Second - 1, false}, // three periods, but at least 5 s
		{time.Second, 5 * time.Second, true},
	} {
		t.Run(fmt.Sprintf("%s after %s", tt.period, tt.age), func(t *testing.T) {
			h := observe(newSite(t, 1, func(s *site.Site) {
				s.Probes[0].Every, s.Probes[0].Timeout = tt.period, tt.period*9/10
				s.Thresholds[0].Limit, s.Thresholds[0].Recover = 0.5, 0.4
			}))
			h.hear(0, "0.1")
			h.now = h.now.Add(tt.age)
			h.decide(control.None)
			if stale := !h.state.Counts[0].Silent.IsZero(); stale != tt.want {
				t.Errorf("stale %t, want %t", stale, tt.want)
			}
		})
	}
}

// The pool is the samples of all addresses that are up, and of no other.
func TestPoolsAddressesThatAreUp(t *testing.T) {
	good, failed := samples(begin, period, 4, 2, 1), samples(begin, period, 8, 16, 32)
	both := measure(t, newSite(t, 2, mean), good, failed)
	if want := 63. / 6; both.Value != want {
		t.Errorf("both up: got %g, want %g", both.Value, want)
	}
	for i := range failed {
		failed[i].Failure = site.FailureConnect
	}
	if got, want := measure(t, newSite(t, 2, mean), good, failed).Value, 7./3; got != want {
		t.Errorf("one down: got %g, want %g", got, want)
	}
	for i := range good {
		good[i].Failure = site.FailureConnect
	}
	if got, want := measure(t, newSite(t, 2, mean), good, failed).Value, 63./6; got != want {
		t.Errorf("both down: got %g, want %g", got, want)
	}
}

// A stale source leaves the pool, a fresh one stays.
func TestPoolsFreshSources(t *testing.T) {
	s := newSite(t, 2, mean)
	old := samples(begin.Add(-3*period), period, 4, 2, 1)
	if got := measure(t, s, old, samples(begin, period, 8, 8, 8)).Value; got != 8 {
		t.Errorf("got %g, want 8", got)
	}
}

// unusable are the words for what is no measurement at all.
var unusable = []string{"nan", "inf", "-inf", "-0.1", "future"}

func TestUnusableSamplesNeverCount(t *testing.T) {
	for _, word := range unusable {
		run(t, side, []scriptTest{
			{word + " says nothing at the start", newSite(t, 1), word + "*3 0.5", "?*3 o", site.CauseBelow},
			{word + " enters nothing", newSite(t, 1, lastOnly), "0.5 " + word + " 0.5 " + word + " 0.5", "o*5", site.CauseBelow},
			{word + " does not end a row", newSite(t, 1, lastOnly), "0.5 1 " + word + " 1 " + word + " 1", "o*5 C", site.CauseThreshold},
			{word + " is not healthy", newSite(t, 1, lastOnly), "1 " + word + "*40", "C*41", site.CauseThreshold},
			{word + " is missing data", newSite(t, 1, lastOnly), "1 " + word + "*63", "C*63 o", site.CauseNoData},
			{word + " does not break a recovery", newSite(t, 1, lastOnly), "1 0.5*6 " + word + " 0.5*6", "C*13 o", site.CauseRecovered},
		})
	}
}

// An unusable sample that says that its probe failed is not a failed probe.
func TestUnusableSamplesDoNotTakeAnAddressDown(t *testing.T) {
	h := observe(newSite(t, 2))
	h.play("0.5", side)
	for range 5 {
		h.wait(period)
		h.hear(0, "0.5")
		h.add(1, site.Sample{At: h.now, Signal: site.ResponseTime, Value: math.NaN(), Failure: site.FailureProtocol})
	}
	if got := answer(h.last()); got != "12" {
		t.Errorf("answered with %s, want both addresses", got)
	}
}

// What is unusable leaves the rest of its window as it is, wherever it stands.
func TestUnusableSamplesAreNotInTheWindow(t *testing.T) {
	whole := func(s *site.Site) {
		s.Probes[0].URL = "http://status.example.org/"
		s.Probes = append(s.Probes, s.Probes[0])
	}
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
		for at := range 3 {
			window := samples(begin, period, 32, 16, 8)
			window[at].Value = value
			h := observe(newSite(t, 1, mean, whole))
			h.sources[0].Samples, h.sources[1].Samples = samples(begin, period, 4, 2, 1), window
			h.decide(0)
			h.decide(0) // twice: the first round need not wait for the other
			want := []float64{24, 40, 48}[at] / 2
			if got := h.last().Reason.Value; got != want {
				t.Errorf("%g as sample %d: the mean is %g, want %g", value, at, got, want)
			}
		}
	}
	future := samples(begin.Add(time.Second), period, 32, 16, 8)
	h := observe(newSite(t, 1, mean, whole))
	h.sources[0].Samples, h.sources[1].Samples = samples(begin, period, 4, 2, 1), future
	h.decide(0)
	h.decide(0)
	if got, want := h.last().Reason.Value, 48./2; got != want {
		t.Errorf("a sample of the future: the mean is %g, want %g", got, want)
	}
}
