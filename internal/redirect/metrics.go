package redirect

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics counts responses and connections. Every series is looked up once,
// here: a request only adds 1.
type Metrics struct {
	served                                             [2][2]prometheus.Counter // by CDN or not, and by 307 or not
	options, invalid, method, unknown, undecided, loop prometheus.Counter
	connections                                        prometheus.Gauge
}

// NewMetrics registers the redirector's series.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	const namespace, subsystem = "coredns", "cdnredirect"
	responses := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "http_responses_total",
		Help: "Counter of responses of the redirector, by where they lead and their status.",
	}, []string{"answer", "code"})
	series := func(answer string, code int) prometheus.Counter {
		return responses.WithLabelValues(answer, strconv.Itoa(code))
	}
	m := &Metrics{
		options:   series("none", http.StatusOK),
		invalid:   series("none", http.StatusBadRequest),
		method:    series("none", http.StatusMethodNotAllowed),
		unknown:   series("none", http.StatusMisdirectedRequest),
		undecided: series("none", http.StatusServiceUnavailable),
		loop:      series("none", http.StatusLoopDetected),
		connections: promauto.With(reg).NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "http_connections",
			Help: "Gauge of open connections of the redirector.",
		}),
	}
	for cdn, answer := range []string{"origin", "cdn"} {
		m.served[cdn] = [2]prometheus.Counter{series(answer, http.StatusFound), series(answer, http.StatusTemporaryRedirect)}
	}
	return m
}

// redirected returns the counter of a redirect.
func (m *Metrics) redirected(cdn bool, status int) prometheus.Counter {
	var i, j int
	if cdn {
		i = 1
	}
	if status == http.StatusTemporaryRedirect {
		j = 1
	}
	return m.served[i][j]
}
