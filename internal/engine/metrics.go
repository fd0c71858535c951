package engine

import (
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"

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
	checks  *prometheus.CounterVec
	gates   *prometheus.GaugeVec
	blind   prometheus.Gauge
	stale   prometheus.Gauge
	age     prometheus.Gauge
	refused prometheus.Counter

	// Of the store and the other servers.
	storeUp     prometheus.Gauge
	alone       prometheus.Gauge
	decides     prometheus.Gauge
	revision    prometheus.Gauge
	heldBack    prometheus.Gauge
	objects     prometheus.Gauge
	overrides   *prometheus.GaugeVec
	unsaved     prometheus.Gauge
	journalLost prometheus.Counter
	setups      *prometheus.GaugeVec

	// Of each CDN with a block.
	cdnPart   *prometheus.GaugeVec
	cdnValue  *prometheus.GaugeVec
	cdnSites  *prometheus.GaugeVec
	nodePart  *prometheus.GaugeVec
	ejections *prometheus.CounterVec
}

// NewMetrics registers the engine's series, and creates those whose labels are known.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	const namespace, subsystem = "coredns", "cdnredirect"
	factory := promauto.With(reg)
	gauge := func(name, help string) prometheus.Gauge {
		return factory.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return factory.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return factory.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	m := &Metrics{
		changes: counters("decision_changes_total", "Counter of decisions that moved a site's visitors, or would have with divert all, by cause.", "cause"),
		sites:   gauges("sites", "Gauge of sites by what was measured: unknown, origin or cdn.", "side"),
		panics:  counters("panics_total", "Counter of panics of background tasks.", "task"),
		lookups: counters("lookups_total", "Counter of DNS lookups in the background, by what was looked up and the result.", "kind", "result"),
		held:    gauge("sites_held", "Gauge of sites that are not diverted because that would hide data of the next plugin."),
		checks:  counters("checks_total", "Counter of checks of CDNs for sites, by result.", "result"),
		gates:   gauges("gates", "Gauge of CDNs of sites, each for each, by whether it is ready for the site.", "state"),
		blind:   gauge("blind", "Gauge that is 1 while the guard keeps all sites where they are."),
		stale:   gauge("sources_stale", "Gauge of targets of probes and feeds whose newest sample is stale."),
		age:     gauge("feed_age_seconds", "Gauge of the age of the oldest newest sample of a feed."),
		refused: counters("socket_refused_total", "Counter of connections to the control socket that were refused for their user.").WithLabelValues(),
	}
	m.storeUp = gauge("store_up", "Gauge that is 1 while the store is reached.")
	m.alone = gauge("alone", "Gauge that is 1 while this server decides alone, because it does not reach the store that others share.")
	m.decides = gauge("decides", "Gauge that is 1 while this server takes decisions itself.")
	m.revision = gauge("revision", "Gauge of the revision of the store that is answered by.")
	m.heldBack = gauge("revision_held", "Gauge of the revision that is held back until an operator confirms it; 0 while none is.")
	m.objects = gauge("objects_refused", "Gauge of objects of the store that are not in force, or not with their newest text.")
	m.overrides = gauges("overrides", "Gauge of overrides in force, by where they are kept.", "where")
	m.unsaved = gauge("state_unsaved", "Gauge that is 1 while the state of this server cannot be written to its folder.")
	m.journalLost = counters("journal_lost_total", "Counter of decisions that are not in the journal, because the store was away for too long.").WithLabelValues()
	m.setups = gauges("setups", "Gauge of sites at CDNs that providers have set up, each for each, by how that follows what is in force.", "state")
	cdn := []string{"cdn", "operated"}
	m.cdnPart = gauges("cdn_part", "Gauge of the part of its clients that a CDN takes: 0 while it is out.", cdn...)
	m.cdnValue = gauges("cdn_performance_value", "Gauge of the worst performance value of a CDN: 1 is the limit.", cdn...)
	m.cdnSites = gauges("cdn_sites", "Gauge of sites whose visitors are at a CDN.", cdn...)
	m.nodePart = gauges("node_part", "Gauge of the part of an own CDN's clients that a node gets: 0 while it is out or drained.", "cdn", "node")
	m.ejections = counters("cdn_ejections_total", "Counter of times that a CDN went out.", cdn...)
	m.create()
	return m
}

// create makes the series whose labels are known: a counter that is missing is
// not one that is 0.
func (m *Metrics) create() {
	for _, kind := range []string{"origin", "target", "hidden", "zone"} {
		m.lookups.WithLabelValues(kind, "ok")
		m.lookups.WithLabelValues(kind, "error")
	}
	for _, cause := range site.Causes() {
		m.changes.WithLabelValues(string(cause))
	}
	for _, failure := range append(site.Failures(), "") {
		m.checks.WithLabelValues(checkResult(failure))
	}
	for _, state := range []string{"open", "closed", "unchecked"} {
		m.gates.WithLabelValues(state)
	}
	m.countOverrides(nil)
	m.countSetups(nil)
	m.decides.Set(1) // until there are others
	for _, task := range []string{"schedule", "decide", "probe", "look", "guard", "check", "follow", "exchange", "journal", "save", "onboard", "setups"} {
		m.panics.WithLabelValues(task)
	}
}

// countOverrides sets the gauge of overrides.
func (m *Metrics) countOverrides(overrides []site.Override) {
	local := 0
	for _, o := range overrides {
		if o.Local {
			local++
		}
	}
	m.overrides.WithLabelValues("local").Set(float64(local))
	m.overrides.WithLabelValues("store").Set(float64(len(overrides) - local))
}

// countSetups sets the gauge of setups.
func (m *Metrics) countSetups(counts map[site.SetupState]int) {
	for _, state := range site.SetupStates() {
		m.setups.WithLabelValues(string(state)).Set(float64(counts[state]))
	}
}

// serves sets the gauges of what a server has of the store.
func (m *Metrics) serves(s store.Server) {
	m.revision.Set(float64(s.Revision))
	m.heldBack.Set(float64(s.Held))
	m.objects.Set(float64(s.Refused))
}

// looked counts a lookup.
func (m *Metrics) looked(kind string, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.lookups.WithLabelValues(kind, result).Inc()
}

// checked counts a check.
func (m *Metrics) checked(failure site.Failure) {
	m.checks.WithLabelValues(checkResult(failure)).Inc()
}

func checkResult(failure site.Failure) string {
	if failure == "" {
		return "ok"
	}
	return string(failure)
}

// recountGates sets the gauge of gates to those of g.
func (m *Metrics) recountGates(g *Generation) {
	if g == nil {
		return // nothing is checked yet
	}
	states := make(map[string]int)
	for _, r := range g.runners {
		for i := range r.gates {
			states[r.gates[i].shown()]++
		}
	}
	for _, state := range []string{"open", "closed", "unchecked"} {
		m.gates.WithLabelValues(state).Set(float64(states[state]))
	}
}

// recountLookups sets the gauges that follow from lookups to those of g.
func (m *Metrics) recountLookups(g *Generation) {
	if g == nil {
		return // the first generation is not open yet
	}
	m.held.Set(float64(g.held))
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

// forgetCDNs drops the series of CDNs and nodes that are gone.
func (m *Metrics) forgetCDNs(old, now *Generation) {
	m.nodePart.Reset() // it is set again at once
	for name, c := range old.cdns {
		if other := now.cdn(name); other != nil && other.watched.ThirdParty == c.watched.ThirdParty {
			continue
		}
		for _, gauges := range []*prometheus.GaugeVec{m.cdnPart, m.cdnValue, m.cdnSites} {
			gauges.DeleteLabelValues(c.labels()...)
		}
		m.ejections.DeleteLabelValues(c.labels()...)
	}
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
