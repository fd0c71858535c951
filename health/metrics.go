package health

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Names of the metrics are namespace_subsystem_name, as everywhere in CoreDNS.
const (
	namespace = "coredns"
	subsystem = "cdnredirect"
)

// resultOK is the result of a good probe; a failed one's is its site.Failure.
const resultOK = "ok"

// Metrics counts and times probes. A nil *Metrics discards everything.
type Metrics struct {
	probes *prometheus.CounterVec
	phases [5]prometheus.Observer // in the order of the fields of Phases
	lag    prometheus.Histogram
}

// NewMetrics registers the metrics with reg, which takes them only once.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	factory := promauto.With(reg)
	m := &Metrics{
		probes: factory.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "probes_total",
			Help: "Counter of finished probes and readings of feeds by kind and result.",
		}, []string{"kind", "result"}),
		lag: factory.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "probe_lag_seconds",
			Help:    "Histogram of how late probes and readings of feeds began.",
			Buckets: []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
		}),
	}
	duration := factory.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "probe_duration_seconds",
		Help:    "Histogram of the time that each phase of a probe took.",
		Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16),
	}, []string{"phase"})
	for i, phase := range []string{"resolve", "connect", "tls", "first_byte", "transfer"} {
		m.phases[i] = duration.WithLabelValues(phase)
	}
	return m
}

// finished records a probe and those of its phases that took place.
func (m *Metrics) finished(kind string, r Result) {
	if m == nil {
		return
	}
	m.probes.WithLabelValues(kind, result(r.Failure)).Inc()
	p := r.Phases
	for i, took := range [...]time.Duration{p.Resolve, p.Connect, p.TLS, p.FirstByte, p.Transfer} {
		if took > 0 {
			m.phases[i].Observe(took.Seconds())
		}
	}
}

// began records how late a probe began.
func (m *Metrics) began(lag time.Duration) {
	if m != nil {
		m.lag.Observe(lag.Seconds())
	}
}

func result(f site.Failure) string {
	if f == "" {
		return resultOK
	}
	return string(f)
}
