package health_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	results := map[string]health.Result{
		"good": {Phases: health.Phases{
			Resolve: 100 * time.Microsecond, Connect: time.Millisecond, TLS: 3 * time.Millisecond,
			FirstByte: 20 * time.Millisecond, Transfer: 10 * time.Second,
		}},
		"plain":   {Phases: health.Phases{Connect: time.Millisecond, FirstByte: time.Millisecond, Transfer: time.Millisecond}},
		"refused": {Failure: site.FailureConnect, Phases: health.Phases{Connect: time.Millisecond}},
	}
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{Metrics: health.NewMetrics(registry)}, func(_ context.Context, t site.Target) health.Result {
			return results[t.URL]
		})
		m.Set(map[site.Target]time.Duration{named("good"): time.Hour, named("plain"): time.Hour, named("refused"): time.Hour})
		m.run(t, time.Second)
	})

	err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP coredns_cdnredirect_probes_total Counter of finished probes and readings of feeds by kind and result.
# TYPE coredns_cdnredirect_probes_total counter
coredns_cdnredirect_probes_total{kind="test",result="connect"} 1
coredns_cdnredirect_probes_total{kind="test",result="ok"} 2
`), "coredns_cdnredirect_probes_total")
	if err != nil {
		t.Error(err)
	}
	wantPhases(t, registry, map[string]uint64{"resolve": 1, "connect": 3, "tls": 1, "first_byte": 2, "transfer": 2})
}

// wantPhases checks how many times each phase took place, and the buckets.
func wantPhases(t *testing.T, registry *prometheus.Registry, want map[string]uint64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "coredns_cdnredirect_probe_duration_seconds" {
			continue
		}
		if len(family.GetMetric()) != len(want) {
			t.Errorf("got %d phases, want %d", len(family.GetMetric()), len(want))
		}
		for _, m := range family.GetMetric() {
			phase, h := m.GetLabel()[0].GetValue(), m.GetHistogram()
			if got := h.GetSampleCount(); got != want[phase] {
				t.Errorf("phase %s: got %d, want %d", phase, got, want[phase])
			}
			buckets := h.GetBucket()
			if first, last := buckets[0].GetUpperBound(), buckets[len(buckets)-1].GetUpperBound(); len(buckets) != 16 || first != 0.00025 || last != 8.192 {
				t.Errorf("phase %s: got %d buckets from %g to %g", phase, len(buckets), first, last)
			}
		}
		return
	}
	t.Error("got no durations")
}

func TestMetricsLag(t *testing.T) {
	registry := prometheus.NewRegistry()
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{Metrics: health.NewMetrics(registry)}, good)
		m.Set(targets(1, time.Hour))
		wait(time.Minute)
		m.run(t, time.Second)
	})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "coredns_cdnredirect_probe_lag_seconds" {
			if lag := family.GetMetric()[0].GetHistogram().GetSampleSum(); lag < 59.999 || lag > 60 {
				t.Errorf("got a lag of %g s, want almost a minute", lag)
			}
			return
		}
	}
	t.Error("got no lag")
}

// A cancelled probe and one of a removed target say nothing about anything.
func TestMetricsLeaveOutUnwanted(t *testing.T) {
	registry := prometheus.NewRegistry()
	bubble.Test(t, func(t *testing.T) {
		m := newMonitor(health.Config{Metrics: health.NewMetrics(registry)}, taking(3*time.Second))
		m.Set(targets(2, time.Hour))
		stop := m.start(t)
		wait(time.Second)
		m.Set(targets(1, time.Hour))
		wait(time.Second)
		stop()
	})
	if n, err := testutil.GatherAndCount(registry, "coredns_cdnredirect_probes_total"); n != 0 || err != nil {
		t.Errorf("got %d series (%v), want none", n, err)
	}
}
