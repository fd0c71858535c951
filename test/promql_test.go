//go:build linux

package test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// overworked is a site that a Prometheus server says is too busy for its origin. It
// would come back soon if it had nothing to do.
const overworked = `    cdnredirect {
        site ` + site + ` {
            origin 127.0.0.1
            cdn example ` + target + `
            ready none
            feed requests promql http://127.0.0.1:$prom requests every 1s
            threshold requests 5 no_data stay
            failback_delay 1s
            damping off
        }
    }
`

// The answers of a Prometheus server.
const (
	muchToDo    = `{"status":"success","data":{"resultType":"scalar","result":[0,"10"]}}`
	nothingToDo = `{"status":"success","data":{"resultType":"scalar","result":[0,"0"]}}`
)

// noValue are those that say nothing of the load.
var noValue = map[string]string{
	"down":     "",
	"empty":    `{"status":"success","data":{"resultType":"vector","result":[]}}`,
	"partial":  `{"status":"success","data":{"resultType":"scalar","result":[0,"0"]},"warnings":["a store did not answer"]}`,
	"several":  `{"status":"success","data":{"resultType":"vector","result":[{"value":[0,"0"]},{"value":[0,"0"]}]}}`,
	"error":    `{"status":"error","errorType":"timeout","error":"query timed out"}`,
	"NaN":      `{"status":"success","data":{"resultType":"scalar","result":[0,"NaN"]}}`,
	"overload": "overload",
}

// prometheus is a fake server with one answer, to a query of the present time.
type prometheus struct{ answer atomic.Pointer[string] }

func (p *prometheus) say(answer string) { p.answer.Store(&answer) }

// ServeHTTP implements http.Handler.
func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch text := *p.answer.Load(); text {
	case "":
		panic(http.ErrAbortHandler)
	case "overload":
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		now := fmt.Sprintf("[%.3f,", float64(time.Now().UnixMilli())/1000)
		io.WriteString(w, strings.ReplaceAll(text, "[0,", now))
	}
}

// TestF22NoValueIsNotZero has a server say nothing, again and again: a site that
// is too busy stays where it is, until the server says that there is nothing to
// do.
func TestF22NoValueIsNotZero(t *testing.T) {
	t.Parallel()
	for name, answer := range noValue {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := new(prometheus)
			fake.say(muchToDo)
			web := httptest.NewServer(fake)
			t.Cleanup(web.Close)
			s := spec{corefile: block(metrics, overworked), vars: map[string]string{"prom": portOf(t, web.URL)}}.start(t)
			await(t, patience, atCDN, s.answer)

			fake.say(answer)
			awaitTrue(t, "more failures than samples count", func() bool { return s.failures(t) >= 6 })
			if got := s.answer(); got != atCDN {
				t.Errorf("Expected still %q, got %q", atCDN, got)
			}
			fake.say(nothingToDo)
			await(t, patience, atOrigin, s.answer)
		})
	}
}

// failures returns how many probes and readings were not good.
func (s *server) failures(t *testing.T) float64 {
	t.Helper()
	return s.total(t, ownSeries+"probes_total") - s.total(t, ownSeries+"probes_total", "result", "ok")
}
