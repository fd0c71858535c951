package health_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// monitor is a scheduler in a synctest bubble, together with all it delivered.
type monitor struct {
	*health.Scheduler
	mu      sync.Mutex
	samples map[string][]site.Sample // by the target's URL
	panics  []any
	stacks  []string
}

// newMonitor returns a monitor whose targets of kind "test" go to probe.
func newMonitor(cfg health.Config, probe health.Probe) *monitor {
	m := &monitor{samples: map[string][]site.Sample{}}
	cfg.Probes = map[string]health.Probe{"test": probe}
	deliver := cfg.Deliver
	cfg.Deliver = func(t site.Target, s []site.Sample) {
		if deliver != nil {
			deliver(t, s)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.samples[t.URL] = append(m.samples[t.URL], s...)
	}
	cfg.Panicked = func(value any, stack []byte) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.panics, m.stacks = append(m.panics, value), append(m.stacks, string(stack))
	}
	m.Scheduler = health.NewScheduler(cfg)
	return m
}

// start runs the monitor; stop ends it and waits.
func (m *monitor) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("got %v from Run", err)
		}
	}
}

// run runs the monitor for a while.
func (m *monitor) run(t *testing.T, d time.Duration) {
	stop := m.start(t)
	wait(d)
	stop()
}

// wait lets a while pass in the bubble, and all finish that was due by then.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// times returns when the samples of a target were due.
func (m *monitor) times(url string) []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	var times []time.Time
	for _, s := range m.samples[url] {
		times = append(times, s.At)
	}
	return times
}

// targets returns n targets with one period, named "0", "1" and so on.
func targets(n int, period time.Duration) map[site.Target]time.Duration {
	set := make(map[site.Target]time.Duration, n)
	for i := range n {
		set[named(fmt.Sprint(i))] = period
	}
	return set
}

// named returns a target for the probe of newMonitor.
func named(url string) site.Target {
	return site.Target{Kind: "test", URL: url, Timeout: 4 * time.Second}
}

// good is a probe that finds everything well, at once.
func good(context.Context, site.Target) health.Result {
	return health.Result{Total: 20 * time.Millisecond}
}

// taking is a probe that takes its time, and ends early with ctx.
func taking(d time.Duration) health.Probe {
	return func(ctx context.Context, _ site.Target) health.Result {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return health.Result{Failure: site.FailureTimeout}
		case <-timer.C:
			return health.Result{Total: d}
		}
	}
}

// wantGrid checks that times are multiples of period apart, and how many
// there are to be, from low to high.
func wantGrid(t *testing.T, times []time.Time, period time.Duration, low, high int) {
	t.Helper()
	if len(times) < low || len(times) > high {
		t.Errorf("got %d samples, want %d to %d", len(times), low, high)
	}
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]); d <= 0 || d%period != 0 {
			t.Errorf("got samples %s apart, want multiples of %s", d, period)
		}
	}
}

func TestSchedulerTimes(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const period = 10 * time.Second
		var began []time.Time
		m := newMonitor(health.Config{}, func(context.Context, site.Target) health.Result {
			began = append(began, time.Now())
			return health.Result{Total: 20 * time.Millisecond}
		})
		start := time.Now()
		m.Set(targets(1, period))
		m.run(t, 100*time.Second)

		times := m.times("0")
		if wait := times[0].Sub(start); wait < 0 || wait > 100*time.Millisecond {
			t.Errorf("the first probe came after %s", wait)
		}
		if gap := times[1].Sub(times[0]); gap <= 0 || gap > period {
			t.Errorf("the second probe came %s after the first", gap)
		}
		for i := 2; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap != period {
				t.Errorf("probe %d came %s after the one before", i, gap)
			}
		}
		if !slices.EqualFunc(times, began, time.Time.Equal) {
			t.Errorf("samples are of %v, probes began at %v", times, began)
		}
	})
}

func TestSchedulerSamples(t *testing.T) {
	results := map[string]health.Result{
		"good":    {Total: 20 * time.Millisecond},
		"refused": {Total: time.Millisecond, Failure: site.FailureConnect},
		"slow":    {Total: 5 * time.Second, Failure: site.FailureTimeout},
	}
	want := map[string]site.Sample{
		"good":    {Signal: site.ResponseTime, Value: 0.02},
		"refused": {Signal: site.ResponseTime, Value: 4, Failure: site.FailureConnect},
		"slow":    {Signal: site.ResponseTime, Value: 4, Failure: site.FailureTimeout},
	}
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{}, func(_ context.Context, t site.Target) health.Result { return results[t.URL] })
		m.Set(map[site.Target]time.Duration{named("good"): time.Hour, named("refused"): time.Hour, named("slow"): time.Hour})
		m.run(t, time.Second)
		for url, want := range want {
			if len(m.samples[url]) != 1 {
				t.Fatalf("%s: got samples %v, want one", url, m.samples[url])
			}
			got := m.samples[url][0]
			want.At = got.At
			if got != want {
				t.Errorf("%s: got %+v, want %+v", url, got, want)
			}
		}
	})
}

// Each tenth of the period, and of the first second, gets about its share.
func TestSchedulerSpread(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const n, period = 2000, 10 * time.Second
		m := newMonitor(health.Config{}, good)
		start := time.Now()
		m.Set(targets(n, period))
		m.run(t, 3*period)

		var first, later [10]int
		for url := range m.samples {
			times := m.times(url)
			if gap := times[1].Sub(times[0]); gap <= 0 || gap > period {
				t.Errorf("%s: the second probe came %s after the first", url, gap)
			}
			wantGrid(t, times[1:], period, 1, 3)
			first[times[0].Sub(start)/(100*time.Millisecond)]++
			later[times[1].Sub(start)%period/time.Second]++
		}
		for i := range 10 {
			if min(first[i], later[i]) < n/20 || max(first[i], later[i]) > n*3/20 {
				t.Fatalf("got %v first probes and %v later ones, want about %d each", first, later, n/10)
			}
		}
	})
}

func TestSchedulerFewStartAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{}, good)
		m.Set(targets(100, time.Hour))
		m.run(t, 100*time.Millisecond)
		if len(m.samples) != 100 {
			t.Errorf("got samples of %d targets, want 100", len(m.samples))
		}
	})
}

// With more to do than can be done, the bound holds, everybody gets a turn,
// and what was missed is skipped.
func TestSchedulerConcurrency(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const n, period, limit = 40, 10 * time.Second, 8
		var mu sync.Mutex
		var flying, most int
		slow := taking(4 * time.Second)
		m := newMonitor(health.Config{Concurrency: limit}, func(ctx context.Context, target site.Target) health.Result {
			mu.Lock()
			flying++
			most = max(most, flying)
			mu.Unlock()
			defer func() {
				mu.Lock()
				flying--
				mu.Unlock()
			}()
			return slow(ctx, target)
		})
		m.Set(targets(n, period))
		m.run(t, 10*time.Minute)
		if most != limit {
			t.Errorf("got %d probes in flight, want %d", most, limit)
		}
		for url := range targets(n, period) {
			wantGrid(t, m.times(url.URL)[2:], period, 20, 50) // 30 is everybody's share
		}
	})
}

func TestSchedulerOneInFlightPerTarget(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		flying := map[string]bool{}
		slow := taking(25 * time.Second)
		m := newMonitor(health.Config{}, func(ctx context.Context, target site.Target) health.Result {
			mu.Lock()
			twice := flying[target.URL]
			flying[target.URL] = true
			mu.Unlock()
			if twice {
				t.Errorf("%s is probed twice at a time", target.URL)
			}
			defer func() {
				mu.Lock()
				flying[target.URL] = false
				mu.Unlock()
			}()
			return slow(ctx, target)
		})
		m.Set(targets(5, 10*time.Second))
		m.run(t, 10*time.Minute)
		for target := range targets(5, 0) {
			wantGrid(t, m.times(target.URL)[1:], 30*time.Second, 18, 20)
		}
	})
}

// However late it is, a target is probed once, for the latest of the slots
// that passed.
func TestSchedulerSkipsMissedSlots(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const period = 10 * time.Second
		m := newMonitor(health.Config{}, good)
		m.Set(targets(3, period))
		m.run(t, 25*time.Second)
		wait(95 * time.Second)
		again := time.Now()
		for url := range m.samples {
			clear(m.samples[url])
			m.samples[url] = m.samples[url][:0]
		}
		m.run(t, time.Millisecond)
		for target := range targets(3, 0) {
			times := m.times(target.URL)
			if len(times) != 1 || again.Sub(times[0]) >= period || times[0].After(again) {
				t.Errorf("got samples of %v at %v, want one of the last period", times, again)
			}
		}
	})
}

func TestSchedulerSet(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const period = 10 * time.Second
		m := newMonitor(health.Config{}, good)
		stop := m.start(t)
		wait(time.Minute)
		if len(m.samples) != 0 {
			t.Errorf("got samples %v without targets", m.samples)
		}

		m.Set(map[site.Target]time.Duration{named("stays"): period, named("goes"): period})
		wait(35 * time.Second)
		m.Set(map[site.Target]time.Duration{named("stays"): period, named("comes"): period})
		removed := len(m.times("goes"))
		wait(100 * time.Millisecond)
		if got := len(m.times("comes")); got == 0 {
			t.Error("got no sample of the target that was added")
		}
		wait(time.Minute)
		stop()

		wantGrid(t, m.times("stays")[1:], period, 8, 10)
		wantGrid(t, m.times("comes")[1:], period, 5, 7)
		if got := len(m.times("goes")); got != removed || got < 3 {
			t.Errorf("got %d samples of the target that was removed after %d", got, removed)
		}
	})
}

func TestSchedulerSetPeriod(t *testing.T) {
	for _, tt := range []struct{ from, to time.Duration }{
		{10 * time.Second, time.Second},
		{time.Second, 10 * time.Second},
		{time.Hour, time.Second},
	} {
		t.Run(fmt.Sprintf("%sTo%s", tt.from, tt.to), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				m := newMonitor(health.Config{}, good)
				m.Set(targets(1, tt.from))
				stop := m.start(t)
				wait(5*tt.from + tt.from/3)
				before := len(m.times("0"))
				m.Set(targets(1, tt.to))
				changed := time.Now()
				wait(20*tt.to - 1) // a slot at the very end is the first of the next period
				stop()
				times := m.times("0")
				if wait := times[before].Sub(changed); wait > tt.to {
					t.Errorf("the next sample came %s after the change", wait)
				}
				wantGrid(t, times[before:], tt.to, 19, 20)
			})
		})
	}
}

func TestSchedulerSetPeriodBeforeFirst(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{}, good)
		m.Set(targets(1, time.Hour))
		m.Set(targets(1, 10*time.Second))
		m.Set(targets(1, 0)) // taken as 1 ms
		m.Set(targets(1, 10*time.Second))
		m.run(t, 99*time.Second)
		wantGrid(t, m.times("0")[1:], 10*time.Second, 8, 10)
	})
}

func TestSchedulerSetPeriodInFlight(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{}, taking(3*time.Second))
		m.Set(targets(1, time.Hour))
		stop := m.start(t)
		wait(time.Second)
		m.Set(targets(1, 10*time.Second))
		wait(59 * time.Second)
		stop()
		wantGrid(t, m.times("0")[1:], 10*time.Second, 4, 6)
	})
}

// A target that is removed while its probe is in flight gives no sample, and
// one that comes back meanwhile is probed anew, after the old probe.
func TestSchedulerRemovedInFlight(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var flying, most int
		slow := taking(3 * time.Second)
		m := newMonitor(health.Config{}, func(ctx context.Context, target site.Target) health.Result {
			flying++
			most = max(most, flying)
			defer func() { flying-- }()
			return slow(ctx, target)
		})
		m.Set(targets(1, time.Hour))
		stop := m.start(t)
		wait(time.Second)
		m.Set(nil)
		wait(4 * time.Second)
		if len(m.samples) != 0 {
			t.Errorf("got samples %v of a removed target", m.samples)
		}

		m.Set(targets(1, time.Hour))
		wait(time.Second)
		m.Set(nil)
		m.Set(nil)
		m.Set(targets(1, time.Hour))
		back := time.Now()
		wait(10 * time.Second)
		stop()
		times := m.times("0")
		if len(times) != 1 || times[0].Before(back) || times[0].Sub(back) > 3*time.Second {
			t.Errorf("got samples of %v, want one within 3s of %v", times, back)
		}
		if most != 1 {
			t.Errorf("got %d probes of the target at a time", most)
		}
	})
}

func TestSchedulerPanic(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const period = 10 * time.Second
		calls := 0
		m := newMonitor(health.Config{Concurrency: 1}, func(ctx context.Context, target site.Target) health.Result {
			if target.URL == "bad" {
				if calls++; calls%2 == 1 {
					explode()
				}
			}
			return good(ctx, target)
		})
		m.Set(map[site.Target]time.Duration{named("bad"): period, named("fine"): period})
		m.run(t, 10*period-1)
		wantGrid(t, m.times("bad"), 2*period, 4, 6)
		wantGrid(t, m.times("fine")[1:], period, 8, 10)
		if len(m.panics) < 4 || m.panics[0] != "explosion" || !strings.Contains(m.stacks[0], "explode") {
			t.Errorf("got panics %v, the first at %v", m.panics, m.stacks)
		}
	})
}

func explode() { panic("explosion") }

func TestSchedulerPanicElsewhere(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{Deliver: func(site.Target, []site.Sample) { panic("deliver") }}, good)
		m.Set(map[site.Target]time.Duration{{Kind: "unknown"}: time.Hour})
		m.run(t, time.Second)
		m.Set(targets(1, time.Hour))
		m.run(t, time.Second)
		if len(m.panics) != 2 || m.panics[1] != "deliver" {
			t.Errorf("got panics %v, want those of the unknown kind and of Deliver", m.panics)
		}
	})
	bubble.Test(t, func(t *testing.T) {
		s := health.NewScheduler(health.Config{Probes: map[string]health.Probe{
			"test": func(context.Context, site.Target) health.Result { panic("nobody is told") },
		}})
		s.Set(targets(1, time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

// When Run ends it cancels what is in flight, waits for it, and delivers
// nothing of it; run again, the scheduler goes on.
func TestSchedulerEnds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const stubborn = 2 * time.Second // after the end of ctx
		slow := taking(time.Hour)
		m := newMonitor(health.Config{}, func(ctx context.Context, target site.Target) health.Result {
			r := slow(ctx, target)
			time.Sleep(stubborn)
			return r
		})
		m.Set(targets(20, 10*time.Second))
		stop := m.start(t)
		wait(5 * time.Second)
		ended := time.Now()
		stop()
		if took := time.Since(ended); took != stubborn {
			t.Errorf("Run took %s to end, want %s", took, stubborn)
		}
		if len(m.samples) != 0 {
			t.Errorf("got samples %v of cancelled probes", m.samples)
		}
		m.run(t, 2*time.Hour)
		if len(m.samples) != 20 {
			t.Errorf("got samples of %d targets after the second start, want 20", len(m.samples))
		}
	})
}

func TestSchedulerEndsBeforeItBegins(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{}, good)
		m.Set(targets(20, time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wait(time.Minute)
		if err := m.Run(ctx); err != nil || len(m.samples) != 0 {
			t.Errorf("got %v and samples %v", err, m.samples)
		}
	})
}

// A Deliver that blocks holds up probes, but neither Set nor the end.
func TestSchedulerBackPressure(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var probes atomic.Int32
		m := newMonitor(health.Config{
			Concurrency: 4,
			Deliver:     func(site.Target, []site.Sample) { <-gate },
		}, func(ctx context.Context, target site.Target) health.Result {
			probes.Add(1)
			return good(ctx, target)
		})
		m.Set(targets(10, 10*time.Second))
		stop := m.start(t)
		wait(time.Minute)
		if n := probes.Load(); n != 4 {
			t.Errorf("got %d probes while Deliver blocks, want 4", n)
		}
		m.Set(targets(5, 10*time.Second))
		close(gate)
		wait(time.Minute)
		stop()
		for target := range targets(5, 0) {
			wantGrid(t, m.times(target.URL)[1:], 10*time.Second, 5, 7)
		}
	})
}
