package health_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestPrometheusGauge(t *testing.T) {
	const page = `# HELP in_flight Requests that are being served.
# TYPE in_flight gauge
in_flight{zone="a",tls="yes"} 3
in_flight{zone="b",tls="yes"} 4
in_flight{zone="b",tls="no"} 0.5
# TYPE limit gauge
limit 15
untyped_value 42
# TYPE broken gauge
broken NaN
# TYPE speed_bytes gauge
speed_bytes 1e8
speed_bits 1e8
latency_milliseconds 250
latency_ms 250
latency_seconds 0.25
errors_ratio 0.05
errors_percent 5
# TYPE build info
# HELP build Of a type that the text format does not have.
build_info{version="1"} 1
# TYPE old gauge
old 1 1
`
	url := pages(t, page)
	for _, c := range []struct {
		name string
		ask  site.Ask
		want float64
	}{
		{"all series are added up", site.Ask{Signal: site.Connections, Query: "in_flight"}, 7.5},
		{"one label", site.Ask{Signal: site.Connections, Query: `in_flight{zone="b"}`}, 4.5},
		{"two labels", site.Ask{Signal: site.Connections, Query: `in_flight{zone!="a",tls=~"y.*"}`}, 4},
		{"no type", site.Ask{Signal: site.Load, Query: "untyped_value"}, 42},
		{"a ratio", site.Ask{Signal: site.Load, Query: "in_flight", Over: "limit"}, 0.5},
		{"a scale", site.Ask{Signal: site.Load, Query: "untyped_value", Scale: 0.5}, 21},
		{"bytes", site.Ask{Signal: site.UsedBandwidth, Query: "speed_bytes"}, 8e8},
		{"bytes with a scale", site.Ask{Signal: site.UsedBandwidth, Query: "speed_bytes", Scale: 1}, 1e8},
		{"bits", site.Ask{Signal: site.AvailableBandwidth, Query: "speed_bits"}, 1e8},
		{"bytes of another signal", site.Ask{Signal: site.Load, Query: "speed_bytes"}, 1e8},
		{"milliseconds", site.Ask{Signal: site.ResponseTime, Query: "latency_milliseconds"}, 0.25},
		{"ms", site.Ask{Signal: site.ResponseTime, Query: "latency_ms"}, 0.25},
		{"seconds", site.Ask{Signal: site.ResponseTime, Query: "latency_seconds"}, 0.25},
		{"ratio", site.Ask{Signal: site.ErrorRatio, Query: "errors_ratio"}, 0.05},
		{"percent", site.Ask{Signal: site.ErrorRatio, Query: "errors_percent"}, 0.05},
		{"percent taken for a ratio", site.Ask{Signal: site.ErrorRatio, Query: "errors_percent", Scale: 1}, none},
		{"percent of hits", site.Ask{Signal: site.HitRatio, Query: "errors_percent"}, 0.05},
		{"NaN", site.Ask{Signal: site.Load, Query: "broken"}, none},
		{"over NaN", site.Ask{Signal: site.Load, Query: "limit", Over: "broken"}, none},
		{"negative", site.Ask{Signal: site.Load, Query: "limit", Scale: -1}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			samples, rejected := metered(t, source("prometheus", url, c.ask), 1)
			wantValue(t, samples, rejected, c.want)
			if math.IsNaN(c.want) && (len(rejected) != 1 || rejected[0].Signal != c.ask.Signal) {
				t.Errorf("rejected %+v, want one of %s", rejected, c.ask.Signal)
			}
		})
	}
}

func TestPrometheusCounters(t *testing.T) {
	series := func(kind, name string, values ...float64) string {
		var b strings.Builder
		if kind != "" {
			fmt.Fprintf(&b, "# TYPE %s %s\n", name, kind)
		}
		for i, v := range values {
			fmt.Fprintf(&b, "%s{i=\"%d\"} %v\n", name, i, v)
		}
		return b.String()
	}
	histogram := func(kind string, sum, count float64) string {
		return fmt.Sprintf("# TYPE h_seconds %s\nh_seconds_bucket{le=\"+Inf\"} %v\nh_seconds_sum %v\nh_seconds_count %v\n", kind, count, sum, count)
	}
	summary := func(sum, count string) string {
		return "# TYPE s summary\ns{quantile=\"0.5\"} 7\ns_sum " + sum + "\ns_count " + count + "\n"
	}
	requests := site.Ask{Signal: site.Requests, Query: "r_total"}
	ratio := site.Ask{Signal: site.ErrorRatio, Query: "e_total", Over: "r_total"}
	hits := site.Ask{Signal: site.HitRatio, Query: "e_total", Over: "r_total"}
	times := func(query string) site.Ask { return site.Ask{Signal: site.ResponseTime, Query: query} }
	for _, c := range []struct {
		name          string
		ask           site.Ask
		before, after string
		want          float64 // of the second reading
	}{
		{"rate", requests, series("counter", "r_total", 100), series("counter", "r_total", 150), 5},
		{"no type but _total", requests, series("", "r_total", 100), series("", "r_total", 150), 5},
		{"odd blanks", site.Ask{Signal: site.Requests, Query: " r { i = '0' } "}, "#\tTYPE  r counter\n\tr{i=\"0\"}  100\n", " #  TYPE\tr  counter\n r {i=\"0\"} 150\n", 5},
		{"sum of rates", requests, series("counter", "r_total", 100, 7), series("counter", "r_total", 150, 57), 10},
		{"another order", requests, "r_total{i=\"0\"} 100\nr_total{i=\"1\"} 7\n", "r_total{i=\"1\"} 57\nr_total{i=\"0\"} 150\n", 10},
		{"no requests", requests, series("counter", "r_total", 100), series("counter", "r_total", 100), 0},
		{"bytes a second", site.Ask{Signal: site.UsedBandwidth, Query: "out_bytes_total"},
			series("counter", "out_bytes_total", 1e9), series("counter", "out_bytes_total", 2e9), 8e8},
		{"a counter of times", site.Ask{Signal: site.Load, Query: "busy_seconds_total"},
			series("counter", "busy_seconds_total", 1), series("counter", "busy_seconds_total", 9), 0.8},
		{"reset", requests, series("counter", "r_total", 100), series("counter", "r_total", 50), none},
		{"reset of one of them", requests, series("counter", "r_total", 100, 100), series("counter", "r_total", 1, 900), none},
		{"a series appears", requests, series("counter", "r_total", 100), series("counter", "r_total", 150, 9e9), none},
		{"a series vanishes", requests, series("counter", "r_total", 100, 100), series("counter", "r_total", 150), none},
		{"NaN", requests, series("counter", "r_total", 100), series("counter", "r_total", math.NaN()), none},
		{"+Inf", requests, series("counter", "r_total", 100), series("counter", "r_total", math.Inf(1)), none},
		{"negative", requests, series("counter", "r_total", -100), series("counter", "r_total", -50), none},
		{"ratio", ratio, series("counter", "r_total", 100) + series("counter", "e_total", 10),
			series("counter", "r_total", 200) + series("counter", "e_total", 15), 0.05},
		{"ratio of no requests", ratio, series("counter", "r_total", 100) + series("counter", "e_total", 10),
			series("counter", "r_total", 100) + series("counter", "e_total", 10), none},
		{"errors of requests before", ratio, series("counter", "r_total", 100) + series("counter", "e_total", 10),
			series("counter", "r_total", 110) + series("counter", "e_total", 25), 1},
		{"hits", hits, series("counter", "r_total", 100) + series("counter", "e_total", 10),
			series("counter", "r_total", 200) + series("counter", "e_total", 105), 0.95},
		{"hits of no requests", hits, series("counter", "r_total", 100) + series("counter", "e_total", 10),
			series("counter", "r_total", 100) + series("counter", "e_total", 10), none},
		{"hits of requests before", hits, series("counter", "r_total", 100) + series("counter", "e_total", 10),
			series("counter", "r_total", 110) + series("counter", "e_total", 25), 1},
		{"histogram", times("h_seconds"), histogram("histogram", 100, 1000), histogram("histogram", 125, 1100), 0.25},
		{"histogram in which nothing was observed", times("h_seconds"), histogram("histogram", 100, 1000), histogram("histogram", 100, 1000), none},
		{"count of a histogram", site.Ask{Signal: site.Requests, Query: "h_seconds_count"},
			histogram("histogram", 100, 1000), histogram("histogram", 125, 1100), 10},
		{"sum over count", site.Ask{Signal: site.ResponseTime, Query: "h_seconds_sum", Over: "h_seconds_count"},
			histogram("histogram", 100, 1000), histogram("histogram", 125, 1100), 0.25},
		{"summary", times("s"), summary("100", "1000"), summary("125", "1100"), 0.25},
		{"summary whose count is no number", times("s"), summary("100", "1000"), summary("125", "NaN"), none},
		{"summary without its sum", times("s"), summary("100", "1000"), "# TYPE s summary\ns_count 1100\n", none},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := source("prometheus", pages(t, c.before, c.after), c.ask)
			samples, rejected := metered(t, to, 2)
			wantValue(t, samples, rejected, c.want)
		})
	}
}

// A page that is none, or that lacks what is looked for, is a failure: there is
// no reading that might be taken for 0.
func TestPrometheusFailures(t *testing.T) {
	const counter, gauge, histogram = "# TYPE c_total counter\nc_total 1\n", "# TYPE g gauge\ng 1\n",
		"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
	for _, c := range []struct {
		name, page, query, over string
		want                    site.Failure
		says                    string
	}{
		{"empty", "", "g", "", site.FailureContent, "no series matches 'g'"},
		{"HTML", "<!DOCTYPE html>\n<html><body>g 1</body></html>\n", "g", "", site.FailureContent, "no series matches 'g'"},
		{"other metric", counter, "g", "", site.FailureContent, "no series matches 'g'"},
		{"prefix of another", gauge + "gg 1\n", "gg{", "", site.FailureContent, "invalid selector 'gg{'"},
		{"other label", gauge, `g{a="b"}`, "", site.FailureContent, `no series matches 'g{a="b"}'`},
		{"count of no histogram", gauge, "g_count", "", site.FailureContent, "no series matches 'g_count'"},
		{"no divisor", gauge, "g", "limit", site.FailureContent, "no series matches 'limit'"},
		{"a counter over a gauge", gauge + counter, "c_total", "g", site.FailureInvalid, "neither two counters nor two gauges"},
		{"a histogram over another", histogram, "h", "h", site.FailureInvalid, "neither two counters nor two gauges"},
		{"no number", "# TYPE g gauge\ng secret\n", "g", "", site.FailureProtocol, "line 2"},
		{"no value", "g\n", "g", "", site.FailureProtocol, "line 1"},
		{"1e309", "g 1e309\n", "g", "", site.FailureProtocol, "line 1"},
		{"cut off", "g{a=\"secret", "g", "", site.FailureProtocol, "line 1"},
		{"cut off later", "g{a=\"secret\"} 1", "g", "", site.FailureProtocol, "line 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := source("prometheus", pages(t, c.page), site.Ask{Signal: site.Load, Query: c.query, Over: c.over})
			r := read(t, to)
			wantFailure(t, r, c.want, c.says)
			if r.Readings != nil || strings.Contains(r.Err.Error(), "secret") {
				t.Errorf("got readings %+v, error %q that quotes the page", r.Readings, r.Err)
			}
		})
	}
}

// A time on the page is the sample's: the oldest of those that were added up,
// but none from the future.
func TestPrometheusTimes(t *testing.T) {
	now := time.Now().Truncate(time.Millisecond)
	page := func(ages ...time.Duration) string {
		var b strings.Builder
		for i, age := range ages {
			fmt.Fprintf(&b, "g{i=\"%d\"} 1 %d\n", i, now.Add(-age).UnixMilli())
		}
		return b.String()
	}
	over := func(age time.Duration) string { return fmt.Sprintf("o 1 %d\n", now.Add(-age).UnixMilli()) }
	for _, c := range []struct {
		name string
		page string
		want time.Duration // age of the sample; negative: rejected
	}{
		{"older divisor", page(time.Second) + over(time.Minute), time.Minute},
		{"newer divisor", page(time.Minute) + over(time.Second), time.Minute},
		{"a divisor without", page(time.Minute) + "o 1\n", time.Minute},
		{"only the divisor", "g 1\n" + over(time.Minute), time.Minute},
		{"one", page(3 * time.Second), 3 * time.Second},
		{"the oldest", page(time.Second, time.Minute, time.Second), time.Minute},
		{"some have none", page(time.Minute) + "g{} 1\n", time.Minute},
		{"very old", page(24 * time.Hour), 24 * time.Hour},
		{"the future", page(-time.Hour), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := site.Ask{Signal: site.Load, Query: "g"}
			if strings.Contains(c.page, "o 1") {
				a.Over = "o"
			}
			samples, rejected := metered(t, source("prometheus", pages(t, c.page), a), 1)
			if c.want < 0 {
				if len(samples) != 0 || len(rejected) != 1 || !strings.Contains(rejected[0].Why, "future") {
					t.Errorf("got %+v, rejected %+v", samples, rejected)
				}
				return
			}
			if len(samples) != 1 || !samples[0].At.Equal(now.Add(-c.want)) {
				t.Errorf("got %+v, want a sample %s old", samples, c.want)
			}
		})
	}
}

func TestPrometheusAsksForItsFormat(t *testing.T) {
	var accept string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accept = r.Header.Get("Accept")
		w.Write([]byte("g 1\n"))
	}))
	r := read(t, source("prometheus", server.URL+"/", site.Ask{Signal: site.Load, Query: "g"}))
	server.Close()
	wantGood(t, r)
	if accept != "text/plain;version=0.0.4" {
		t.Errorf("asked for %q", accept)
	}
	if r.Status != 200 || r.Bytes != 4 {
		t.Errorf("got status %d and %d bytes", r.Status, r.Bytes)
	}
}
