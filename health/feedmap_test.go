package health_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The Corefile knows of the ready-made lists what the feeds do.
func TestMapsAreThoseOfTheCorefile(t *testing.T) {
	if got, want := slices.Sorted(slices.Values(health.FeedMaps())), site.Maps(); !slices.Equal(got, want) {
		t.Fatalf("feeds have %q, the Corefile %q", got, want)
	}
	for _, name := range site.Maps() {
		if site.IsAPI(name) {
			continue
		}
		got := slices.Sorted(maps.Keys(health.MapMetrics(name)))
		if want := slices.Sorted(slices.Values(site.MapSignals(name))); !slices.Equal(got, want) {
			t.Errorf("%s: feeds give %q, the Corefile says %q", name, got, want)
		}
		for signal, selectors := range health.MapMetrics(name) {
			for _, selector := range selectors {
				if _, err := site.ParseSelector(selector); err != nil {
					t.Errorf("%s, %s: %v", name, signal, err)
				}
			}
		}
	}
	if site.MapSignals("none") != nil {
		t.Error("a list that there is not has signals")
	}
}

const haproxy1 = `# TYPE haproxy_frontend_current_sessions gauge
haproxy_frontend_current_sessions{proxy="www"} 7
haproxy_frontend_current_sessions{proxy="stats"} 1
# TYPE haproxy_frontend_bytes_out_total counter
haproxy_frontend_bytes_out_total{proxy="www"} 1e6
haproxy_frontend_bytes_out_total{proxy="stats"} 0
# TYPE haproxy_frontend_http_requests_total counter
haproxy_frontend_http_requests_total{proxy="www"} 100
haproxy_frontend_http_requests_total{proxy="stats"} 10
# TYPE haproxy_frontend_http_responses_total counter
haproxy_frontend_http_responses_total{proxy="www",code="2xx"} 90
haproxy_frontend_http_responses_total{proxy="www",code="5xx"} 10
haproxy_frontend_http_responses_total{proxy="stats",code="5xx"} 0
# TYPE haproxy_backend_response_time_average_seconds gauge
haproxy_backend_response_time_average_seconds{proxy="www"} 0.25
haproxy_backend_response_time_average_seconds{proxy="api"} 0.5
`

const haproxy2 = `# TYPE haproxy_frontend_current_sessions gauge
haproxy_frontend_current_sessions{proxy="www"} 9
haproxy_frontend_current_sessions{proxy="stats"} 1
# TYPE haproxy_frontend_bytes_out_total counter
haproxy_frontend_bytes_out_total{proxy="www"} 2e6
haproxy_frontend_bytes_out_total{proxy="stats"} 1e6
# TYPE haproxy_frontend_http_requests_total counter
haproxy_frontend_http_requests_total{proxy="www"} 190
haproxy_frontend_http_requests_total{proxy="stats"} 20
# TYPE haproxy_frontend_http_responses_total counter
haproxy_frontend_http_responses_total{proxy="www",code="2xx"} 175
haproxy_frontend_http_responses_total{proxy="www",code="5xx"} 15
haproxy_frontend_http_responses_total{proxy="stats",code="5xx"} 0
`

const node1, node2 = `# TYPE node_load1 gauge
node_load1 0.75
# TYPE node_network_transmit_bytes_total counter
node_network_transmit_bytes_total{device="eth0"} 1e6
node_network_transmit_bytes_total{device="eth1"} 1e6
node_network_transmit_bytes_total{device="lo"} 1e6
`, `# TYPE node_load1 gauge
node_load1 0.75
# TYPE node_netstat_Tcp_CurrEstab untyped
node_netstat_Tcp_CurrEstab 12
# TYPE node_network_transmit_bytes_total counter
node_network_transmit_bytes_total{device="eth0"} 2e6
node_network_transmit_bytes_total{device="eth1"} 4e6
node_network_transmit_bytes_total{device="lo"} 9e9
`

const varnish1, varnish2 = `# TYPE varnish_up gauge
varnish_up 1
# TYPE varnish_mempool_live gauge
varnish_mempool_live{id="req0"} 5
varnish_mempool_live{id="sess0"} 2
varnish_mempool_live{id="sess1"} 3
# TYPE varnish_main_client_req counter
varnish_main_client_req 100
# TYPE varnish_main_cache_hit counter
varnish_main_cache_hit 60
# TYPE varnish_main_cache_hit_grace counter
varnish_main_cache_hit_grace 7
# TYPE varnish_main_cache_hitmiss counter
varnish_main_cache_hitmiss 4
# TYPE varnish_main_cache_hitpass counter
varnish_main_cache_hitpass 5
# TYPE varnish_main_cache_miss counter
varnish_main_cache_miss 30
# TYPE varnish_main_s_pass counter
varnish_main_s_pass 10
# TYPE varnish_main_s_resp_hdrbytes counter
varnish_main_s_resp_hdrbytes 1000
# TYPE varnish_main_s_resp_bodybytes counter
varnish_main_s_resp_bodybytes 9e6
# TYPE varnish_main_s_pipe_out counter
varnish_main_s_pipe_out 0
`, `# TYPE varnish_up gauge
varnish_up 1
# TYPE varnish_mempool_live gauge
varnish_mempool_live{id="sess0"} 4
varnish_mempool_live{id="sess1"} 3
# TYPE varnish_main_client_req counter
varnish_main_client_req 150
# TYPE varnish_main_cache_hit counter
varnish_main_cache_hit 90
# TYPE varnish_main_cache_hit_grace counter
varnish_main_cache_hit_grace 17
# TYPE varnish_main_cache_hitmiss counter
varnish_main_cache_hitmiss 9
# TYPE varnish_main_cache_hitpass counter
varnish_main_cache_hitpass 6
# TYPE varnish_main_cache_miss counter
varnish_main_cache_miss 40
# TYPE varnish_main_s_pass counter
varnish_main_s_pass 20
# TYPE varnish_main_s_resp_hdrbytes counter
varnish_main_s_resp_hdrbytes 2000
# TYPE varnish_main_s_resp_bodybytes counter
varnish_main_s_resp_bodybytes 10e6
# TYPE varnish_main_s_pipe_out counter
varnish_main_s_pipe_out 5e5
`

const trafficserver1, trafficserver2 = `{ "global": {
"proxy.process.http.completed_requests": "100",
"proxy.process.http.incoming_requests": "110",
"proxy.process.http.current_client_connections": "5",
"proxy.process.http2.current_client_connections": "2",
"proxy.process.http.user_agent_response_header_total_size": "1000",
"proxy.process.http.user_agent_response_document_total_size": "9000000",
"proxy.process.http.5xx_responses": "10",
"proxy.process.http.cache_hit_fresh": "50",
"proxy.process.http.cache_hit_mem_fresh": "40",
"proxy.process.http.cache_hit_rww": "3",
"proxy.process.http.cache_hit_revalidated": "7",
"proxy.process.http.cache_hit_ims": "0",
"proxy.process.http.cache_hit_stale_served": "0",
"proxy.process.http.cache_miss_cold": "20",
"proxy.process.http.cache_miss_changed": "0",
"proxy.process.http.cache_miss_client_no_cache": "1",
"proxy.process.http.cache_miss_client_not_cacheable": "20",
"proxy.process.http.cache_miss_ims": "0",
"server": "9.2.9"
} }
`, `{ "global": {
"proxy.process.http.completed_requests": "200",
"proxy.process.http.incoming_requests": "310",
"proxy.process.http.current_client_connections": "4",
"proxy.process.http2.current_client_connections": "3",
"proxy.process.http.user_agent_response_header_total_size": "2000",
"proxy.process.http.user_agent_response_document_total_size": 10000000,
"proxy.process.http.5xx_responses": "15",
"proxy.process.http.cache_hit_fresh": "100",
"proxy.process.http.cache_hit_mem_fresh": "90",
"proxy.process.http.cache_hit_rww": "13",
"proxy.process.http.cache_hit_revalidated": "12",
"proxy.process.http.cache_hit_ims": "3",
"proxy.process.http.cache_hit_stale_served": "2",
"proxy.process.http.cache_miss_cold": "32",
"proxy.process.http.cache_miss_changed": "4",
"proxy.process.http.cache_miss_client_no_cache": "4",
"proxy.process.http.cache_miss_client_not_cacheable": "99",
"proxy.process.http.cache_miss_ims": "1",
"server": "9.2.9"
} }
`

func TestMap(t *testing.T) {
	const nginx = "# TYPE nginx_up gauge\nnginx_up 1\n# TYPE nginx_connections_active gauge\nnginx_connections_active 3\n# TYPE nginx_http_requests_total counter\n"
	type values = map[site.Signal]float64
	for _, c := range []struct {
		name, list, labels, before, after string
		want                              values
	}{
		{"node_exporter", "node_exporter", "", node1, node2, values{site.UsedBandwidth: 3.2e6, site.Load: 0.75, site.Connections: 12}},
		{"labels", "node_exporter", `device="eth0"`, node1, node2, values{site.UsedBandwidth: 0.8e6, site.Load: 0.75, site.Connections: 12}},
		{"labels that nothing has", "node_exporter", `device="eth9"`, node1, node1, values{site.Load: 0.75}},
		{"a part of the metrics", "node_exporter", "", "node_load1 1\n", "node_load1 2\n", values{site.Load: 2}},
		{"nginx", "nginx", "", nginx + "nginx_http_requests_total 5\n", nginx + "nginx_http_requests_total 25\n", values{site.Connections: 3, site.Requests: 2}},
		{"haproxy", "haproxy", "", haproxy1, haproxy2, values{site.Connections: 10, site.Requests: 10, site.UsedBandwidth: 1.6e6, site.ErrorRatio: 0.05}},
		{"haproxy, one proxy", "haproxy", `proxy="www"`, haproxy1, haproxy2, values{site.Connections: 9, site.Requests: 9, site.UsedBandwidth: 0.8e6, site.ErrorRatio: 5.0 / 90}},
		{"varnish", "varnish", "", varnish1, varnish2, values{site.Connections: 7, site.Requests: 5, site.UsedBandwidth: 1.2008e6, site.HitRatio: 0.75}},
		{"varnish that nobody asks", "varnish", "", varnish1, varnish1, values{site.Connections: 5, site.Requests: 0, site.UsedBandwidth: 0}},
		{"trafficserver", "trafficserver", "", trafficserver1, trafficserver2, values{site.Connections: 7, site.Requests: 20, site.UsedBandwidth: 0.8008e6, site.ErrorRatio: 0.05, site.HitRatio: 0.75}},
		{"trafficserver that is asked for nothing in its cache", "trafficserver", "", trafficserver1,
			strings.NewReplacer(`"100"`, `"120"`, `"110"`, `"130"`, `"20",
"proxy.process.http.cache_miss_ims`, `"40",
"proxy.process.http.cache_miss_ims`).Replace(trafficserver1), values{site.Connections: 7, site.Requests: 2, site.UsedBandwidth: 0, site.ErrorRatio: 0}},
		{"haproxy without requests", "haproxy", "", haproxy1, haproxy1, values{site.Connections: 8, site.Requests: 0, site.UsedBandwidth: 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := source("map", pages(t, c.before, c.after), site.Ask{Map: c.list, Labels: c.labels})
			samples, rejected := metered(t, to, 2)
			got := values{}
			for _, s := range samples {
				got[s.Signal] = s.Value
			}
			near := func(a, b float64) bool { return a-b < 1e-9*b+1e-12 && b-a < 1e-9*b+1e-12 }
			if !maps.EqualFunc(got, c.want, near) || len(rejected) > 0 {
				t.Errorf("got %v (rejected %+v), want %v", got, rejected, c.want)
			}
		})
	}
}

// A sum is as new as the oldest of its counters: none of them may fall.
func TestMapRestartOfOneCounter(t *testing.T) {
	restarted := strings.Replace(varnish2, "varnish_main_s_resp_hdrbytes 2000", "varnish_main_s_resp_hdrbytes 20", 1)
	_, rejected := metered(t, source("map", pages(t, varnish1, restarted), site.Ask{Map: "varnish"}), 2)
	if want := []health.Rejection{{Signal: site.UsedBandwidth, Why: "its counters began anew"}}; !slices.Equal(rejected, want) {
		t.Errorf("Expected rejections %+v, got %+v", want, rejected)
	}
}

// A ratio is of all its parts: when one of them is missing, or falls, it is not known.
func TestMapWithoutAPartOfARatio(t *testing.T) {
	for list, page := range map[string]string{"varnish": varnish1, "trafficserver": trafficserver1} {
		for _, part := range []string{"cache_hit", "cache_miss", "cache_hit_stale_served", "cache_miss_ims"} {
			r := read(t, source("map", pages(t, strings.NewReplacer(part+" ", "other ", part+`"`, `other"`).Replace(page)), site.Ask{Map: list}))
			wantGood(t, r)
			told := slices.ContainsFunc(r.Readings, func(r health.Reading) bool { return r.Signal == site.HitRatio })
			if want := !strings.Contains(page, part+" ") && !strings.Contains(page, part+`"`); told != want {
				t.Errorf("%s without %s: Expected a hit_ratio: %t, got %+v", list, part, want, r.Readings)
			}
		}
	}
	restarted := strings.Replace(varnish2, "cache_miss 40", "cache_miss 4", 1)
	_, rejected := metered(t, source("map", pages(t, varnish1, restarted), site.Ask{Map: "varnish"}), 2)
	if want := []health.Rejection{{Signal: site.HitRatio, Why: "its counters began anew"}}; !slices.Equal(rejected, want) {
		t.Errorf("Expected rejections %+v, got %+v", want, rejected)
	}
}

// Without one of its metrics, or with one of another kind, a sum is not known.
func TestMapWithoutAPartOfASum(t *testing.T) {
	for from, to := range map[string]string{"pipe_out 0": "nothing 0", "pipe_out counter": "pipe_out gauge"} {
		r := read(t, source("map", pages(t, strings.Replace(varnish1, from, to, 1)), site.Ask{Map: "varnish"}))
		wantGood(t, r)
		if slices.ContainsFunc(r.Readings, func(r health.Reading) bool { return r.Signal == site.UsedBandwidth }) {
			t.Errorf("With '%s': expected no used_bandwidth, got %+v", to, r.Readings)
		}
	}
}

// What is no number in a document is rejected, whatever moves.
func TestMapOfWhatIsNoNumber(t *testing.T) {
	broken := strings.NewReplacer(`"110"`, `"many"`, `"5"`, `null`).Replace(trafficserver1)
	_, rejected := metered(t, source("map", pages(t, broken), site.Ask{Map: "trafficserver"}), 1)
	want := []health.Rejection{{Signal: site.Connections, Why: "its value is not a number"}, {Signal: site.Requests, Why: "a counter is negative or not a number"}}
	if !slices.Equal(rejected, want) {
		t.Errorf("Expected rejections %+v, got %+v", want, rejected)
	}
}

func TestMapFailures(t *testing.T) {
	for _, c := range []struct {
		name, page string
		ask        site.Ask
		want       site.Failure
		says       string
	}{
		{"nginx is down", "nginx_up 0\nnginx_connections_active 3\n", site.Ask{Map: "nginx"}, site.FailureStatus, "'nginx_up' is 0"},
		{"varnish is down", strings.Replace(varnish1, "up 1", "up 0", 1), site.Ask{Map: "varnish"}, site.FailureStatus, "'varnish_up' is 0"},
		{"text for JSON", node1, site.Ask{Map: "trafficserver"}, site.FailureProtocol, "not JSON"},
		{"JSON for text", trafficserver1, site.Ask{Map: "varnish"}, site.FailureContent, "none of the metrics of 'varnish'"},
		{"JSON of something else", `{"global": [1, 2]}`, site.Ask{Map: "trafficserver"}, site.FailureContent, "none of the metrics of 'trafficserver'"},
		{"JSON elsewhere", `{"proxy.process.http.incoming_requests": "1"}`, site.Ask{Map: "trafficserver"}, site.FailureContent, "none of the metrics of 'trafficserver'"},
		{"another exporter", node1, site.Ask{Map: "haproxy"}, site.FailureContent, "none of the metrics of 'haproxy'"},
		{"HTML", "<html></html>\n", site.Ask{Map: "nginx"}, site.FailureContent, "none of the metrics of 'nginx'"},
		{"no list", node1, site.Ask{Map: "apache"}, site.FailureContent, "no list of signals 'apache'"},
		{"bad labels", node1, site.Ask{Map: "nginx", Labels: "device"}, site.FailureContent, "invalid labels 'device'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFailure(t, read(t, source("map", pages(t, c.page), c.ask)), c.want, c.says)
		})
	}
}
