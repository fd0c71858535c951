package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// at returns a sample that many seconds after a fixed time, with them as its value.
func at(seconds float64) site.Sample {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return site.Sample{At: start.Add(time.Duration(seconds * float64(time.Second))), Signal: site.ResponseTime, Value: seconds}
}

// values says which samples those are.
func values(samples []site.Sample) []float64 {
	v := make([]float64, 0, len(samples))
	for _, s := range samples {
		v = append(v, s.Value)
	}
	return v
}

func TestWindow(t *testing.T) {
	tests := []struct {
		name string
		span time.Duration
		add  []float64
		want []float64
	}{
		{"Empty", 30 * time.Second, nil, []float64{}},
		{"One", 30 * time.Second, []float64{0}, []float64{0}},
		{"ThreeInThreePeriods", 30 * time.Second, []float64{0, 10, 20, 30, 40, 50}, []float64{30, 40, 50}},
		{"JustInside", 30 * time.Second, []float64{0, 29.999}, []float64{0, 29.999}},
		{"JustOutside", 30 * time.Second, []float64{0, 30}, []float64{30}},
		{"LongGap", 30 * time.Second, []float64{0, 10, 20, 3600}, []float64{3600}},
		{"LateSampleInItsPlace", 30 * time.Second, []float64{0, 20, 10}, []float64{0, 10, 20}},
		{"LateSampleFirst", 30 * time.Second, []float64{10, 20, 0}, []float64{0, 10, 20}},
		{"TooLateSample", 30 * time.Second, []float64{0, 50, 10}, []float64{50}},
		{"NoSpan", 0, []float64{0, 10}, []float64{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := health.NewWindow(tt.span)
			for _, seconds := range tt.add {
				w.Add(at(seconds))
			}
			if got := values(w.Within(tt.span)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWindowSameTime(t *testing.T) {
	w := health.NewWindow(time.Minute)
	again := at(10)
	again.Value = 11
	for _, s := range []site.Sample{at(0), at(10), at(20), again} {
		w.Add(s)
	}
	if got, want := values(w.Within(time.Minute)), []float64{0, 11, 20}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: the later one", got, want)
	}
}

func TestWindowWithin(t *testing.T) {
	w := health.NewWindow(time.Minute)
	for _, seconds := range []float64{0, 10, 20, 30, 40} {
		w.Add(at(seconds))
	}
	for span, want := range map[time.Duration][]float64{
		0:                     {},
		time.Nanosecond:       {40},
		10 * time.Second:      {40},
		10*time.Second + 1:    {30, 40},
		30 * time.Second:      {20, 30, 40},
		24 * time.Hour:        {0, 10, 20, 30, 40},
		-1 * time.Millisecond: {},
	} {
		if got := values(w.Within(span)); !slices.Equal(got, want) {
			t.Errorf("within %s: got %v, want %v", span, got, want)
		}
	}
	got := w.Within(30 * time.Second)
	if allocs := testing.AllocsPerRun(100, func() { got = w.Within(30 * time.Second) }); allocs != 0 || cap(got) != len(got) {
		t.Errorf("got %v allocations and capacity %d for %d samples", allocs, cap(got), len(got))
	}
}

func TestWindowSetSpan(t *testing.T) {
	w := health.NewWindow(30 * time.Second)
	for _, step := range []struct {
		span time.Duration
		add  float64
		want []float64
	}{
		{30 * time.Second, 0, []float64{0}},
		{30 * time.Second, 10, []float64{0, 10}},
		{30 * time.Second, 20, []float64{0, 10, 20}},
		{50 * time.Second, 30, []float64{0, 10, 20, 30}},
		{50 * time.Second, 40, []float64{0, 10, 20, 30, 40}},
		{20 * time.Second, 50, []float64{40, 50}},
		{time.Hour, 60, []float64{40, 50, 60}},
	} {
		w.SetSpan(step.span)
		w.Add(at(step.add))
		if got := values(w.Within(time.Hour)); !slices.Equal(got, step.want) {
			t.Errorf("span %s: got %v, want %v", step.span, got, step.want)
		}
	}
}

// What a window keeps does not grow with what went through it.
func TestWindowMemory(t *testing.T) {
	w := health.NewWindow(30 * time.Second)
	next := 0.0
	if allocs := testing.AllocsPerRun(1000, func() { w.Add(at(next)); next += 10 }); allocs != 0 {
		t.Errorf("got %v allocations for each sample added", allocs)
	}
}
