package engine

import (
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics says how the sites are and what the engine does.
type Metrics struct {
	changes *prometheus.CounterVec
	sites   *prometheus.GaugeVec
	panics  *prometheus.CounterVec
	lookups *prometheus.CounterVec
	held    prometheus.Gauge
	dead    prometheus.Gauge
	blind   prometheus.Gauge
	mute    prometheus.Gauge
	age     prometheus.Gauge
	refused prometheus.Counter
}

// NewMetrics registers the engine's series, and creates those whose labels are known.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	const namespace, subsystem = "coredns", "cdnredirect"
	factory := promauto.With(reg)
	m := &Metrics{
		changes: factory.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "decision_changes_total",
			Help: "Counter of decisions that moved a site's visitors, or would have with divert all, by cause.",
		}, []string{"cause"}),
		sites: factory.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "sites",
			Help: "Gauge of sites by what was measured: unknown, origin or cdn.",
		}, []string{"side"}),
		panics: factory.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "panics_total",
			Help: "Counter of panics of background tasks.",
		}, []string{"task"}),
	}
	m.lookups = factory.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "lookups_total",
		Help: "Counter of DNS lookups in the background, by what was looked up and the result.",
	}, []string{"kind", "result"})
	m.held = factory.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "sites_held",
		Help: "Gauge of sites that are not diverted because that would hide data of the next plugin.",
	})
	m.dead = factory.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "targets_dead",
		Help: "Gauge of CDN targets that were found to have no address.",
	})
	m.blind = factory.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "blind",
		Help: "Gauge that is 1 while the guard keeps all sites where they are.",
	})
	m.mute = factory.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "sources_stale",
		Help: "Gauge of targets of probes and feeds whose newest sample is stale.",
	})
	m.age = factory.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "feed_age_seconds",
		Help: "Gauge of the age of the oldest newest sample of a feed.",
	})
	m.refused = factory.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "socket_refused_total",
		Help: "Counter of connections to the control socket that were refused for their user.",
	})
	for _, kind := range []string{"origin", "target", "hidden", "zone"} {
		m.lookups.WithLabelValues(kind, "ok")
		m.lookups.WithLabelValues(kind, "error")
	}
	for _, cause := range site.Causes() {
		m.changes.WithLabelValues(string(cause))
	}
	for _, task := range []string{"schedule", "decide", "probe", "look", "guard"} {
		m.panics.WithLabelValues(task)
	}
	return m
}

// looked counts a lookup.
func (m *Metrics) looked(kind string, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.lookups.WithLabelValues(kind, result).Inc()
}

// recountLookups sets the gauges that follow from lookups to those of g.
func (m *Metrics) recountLookups(g *Generation) {
	if g == nil {
		return // the first generation is not open yet
	}
	m.held.Set(float64(g.held))
	m.dead.Set(float64(g.dead))
}

// recount sets the gauge of sites to those of g.
func (m *Metrics) recount(g *Generation) {
	sides := map[site.Side]int{}
	for _, r := range g.runners {
		sides[r.state.Side]++
	}
	for _, side := range []site.Side{site.SideUnknown, site.SideOrigin, site.SideCDN} {
		m.side(side).Set(float64(sides[side]))
	}
	m.recountLookups(g)
}

// moved counts a site over from one side to the other.
func (m *Metrics) moved(from, to site.Side) {
	m.side(from).Dec()
	m.side(to).Inc()
}

func (m *Metrics) side(s site.Side) prometheus.Gauge {
	if s == site.SideUnknown {
		return m.sites.WithLabelValues("unknown")
	}
	return m.sites.WithLabelValues(string(s))
}
