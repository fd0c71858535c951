package steer

import (
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics counts responses. Every series is looked up once, here: the answer
// path only adds 1.
type Metrics struct {
	address, cname, denied, nodata, zone, refused, malformed, notImplemented, failed prometheus.Counter
}

// NewMetrics registers the counter of responses.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	responses := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: Name,
		Name:      "responses_total",
		Help:      "Counter of responses of cdnredirect itself, by what they answered with and their rcode.",
	}, []string{"answer", "rcode"})
	series := func(answer string, rcode int) prometheus.Counter {
		return responses.WithLabelValues(answer, dns.RcodeToString[rcode])
	}
	return &Metrics{
		address:        series("address", dns.RcodeSuccess),
		cname:          series("cname", dns.RcodeSuccess),
		denied:         series("cname", dns.RcodeNameError),
		nodata:         series("nodata", dns.RcodeSuccess),
		zone:           series("zone", dns.RcodeSuccess),
		refused:        series("none", dns.RcodeRefused),
		malformed:      series("none", dns.RcodeFormatError),
		notImplemented: series("none", dns.RcodeNotImplemented),
		failed:         series("none", dns.RcodeServerFailure),
	}
}
