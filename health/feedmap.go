package health

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// feedMap is a ready-made list: which metrics of a known exporter are signals.
type feedMap struct {
	up      string // metric that is 0 when the exporter cannot reach its server; empty: there is none
	metrics []metric
	json    string        // path of the object that has the metrics on a page in JSON; empty: it is text
	cached  time.Duration // for how long the page may repeat counters that have moved since
}

// feedMaps has the lists by name; see site.MapSignals.
var feedMaps = map[string]feedMap{
	// HAProxy's own exporter, https://docs.haproxy.org/2.6/management.html.
	// Its average response time is left out: that is a sliding sum over 1,024
	// requests, begins at 0 and does not age while there are none.
	"haproxy": {metrics: []metric{
		{signal: site.ErrorRatio, query: `haproxy_frontend_http_responses_total{code="5xx"}`, over: "haproxy_frontend_http_requests_total"},
		{signal: site.UsedBandwidth, query: "haproxy_frontend_bytes_out_total"},
		{signal: site.Connections, query: "haproxy_frontend_current_sessions"},
		{signal: site.Requests, query: "haproxy_frontend_http_requests_total"},
	}},
	// https://github.com/nginx/nginx-prometheus-exporter, of stub_status.
	"nginx": {up: "nginx_up", metrics: []metric{
		{signal: site.Connections, query: "nginx_connections_active"},
		{signal: site.Requests, query: "nginx_http_requests_total"},
	}},
	// https://github.com/prometheus/node_exporter.
	"node_exporter": {metrics: []metric{
		{signal: site.UsedBandwidth, query: `node_network_transmit_bytes_total{device!="lo"}`},
		{signal: site.Load, query: "node_load1"},
		{signal: site.Connections, query: "node_netstat_Tcp_CurrEstab"},
	}},
	// https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/plugins/stats_over_http.en.html.
	// Its statistics move every 5 seconds, and those of bytes as responses end.
	// Connections of HTTP/2 are not among the others. Its hits and misses are those
	// of its own proxy.process.cache_total_hits and cache_total_misses, without what
	// no cache is asked for, such as the page of its statistics.
	"trafficserver": {json: "global", cached: 6 * time.Second, metrics: []metric{
		{signal: site.ErrorRatio, query: "proxy_process_http_5xx_responses", over: "proxy_process_http_completed_requests", kind: counter},
		{signal: site.UsedBandwidth, query: "proxy_process_http_user_agent_response_header_total_size", plus: []string{"proxy_process_http_user_agent_response_document_total_size"}, scale: 8, kind: counter},
		{signal: site.Connections, query: "proxy_process_http_current_client_connections", plus: []string{"proxy_process_http2_current_client_connections"}},
		{signal: site.Requests, query: "proxy_process_http_incoming_requests", kind: counter},
		{signal: site.HitRatio, kind: counter, query: "proxy_process_http_cache_hit_fresh",
			plus: []string{"proxy_process_http_cache_hit_revalidated", "proxy_process_http_cache_hit_ims", "proxy_process_http_cache_hit_stale_served"},
			rest: []string{"proxy_process_http_cache_miss_cold", "proxy_process_http_cache_miss_changed", "proxy_process_http_cache_miss_client_no_cache", "proxy_process_http_cache_miss_ims"}},
	}},
	// https://github.com/jonnenauha/prometheus_varnish_exporter, of varnishstat.
	// Open sessions are those that its pools of memory for them have in use. It
	// counts bytes as responses end, and does not count responses by status. Up
	// to version 7.1 a request that waits for the fetch of another counts twice,
	// https://github.com/varnishcache/varnish-cache/pull/3841. Misses are also the
	// hits of an object that says that there is a miss; what is passed is neither.
	"varnish": {up: "varnish_up", metrics: []metric{
		{signal: site.UsedBandwidth, query: "varnish_main_s_resp_hdrbytes", plus: []string{"varnish_main_s_resp_bodybytes", "varnish_main_s_pipe_out"}, scale: 8},
		{signal: site.Connections, query: `varnish_mempool_live{id=~"sess[0-9]+"}`},
		{signal: site.Requests, query: "varnish_main_client_req"},
		{signal: site.HitRatio, query: "varnish_main_cache_hit", rest: []string{"varnish_main_cache_miss"}},
	}},
}

// askMap is the feed of kind "map": all signals that a known exporter gives.
// Labels are for those of its metrics that have them; a metric that it lacks
// leaves its signal out.
func askMap(ctx context.Context, c *call) (site.Failure, error) {
	if ask := apiMaps[c.ask.Map]; ask != nil {
		return ask(ctx, c)
	}
	list, known := feedMaps[c.ask.Map]
	if !known {
		return site.FailureContent, fmt.Errorf("there is no list of signals '%s'", c.ask.Map)
	}
	extra, err := site.ParseMatchers(c.ask.Labels)
	if err != nil {
		return site.FailureContent, err
	}
	up := metric{query: list.up}
	e, failure, err := c.listed(ctx, list, slices.Concat(list.metrics, []metric{up}))
	if err != nil {
		return failure, err
	}
	// What an exporter exports all the same once it is cut off is old.
	if r, _, err := e.reading(up, nil); err == nil && r.Value == 0 {
		return site.FailureStatus, fmt.Errorf("'%s' is 0", list.up)
	}
	for _, m := range list.metrics {
		if r, _, err := e.reading(m, extra); err == nil {
			r.Cached = list.cached
			c.result.Readings = append(c.result.Readings, r)
		}
	}
	if c.result.Readings == nil {
		return site.FailureContent, fmt.Errorf("none of the metrics of '%s' is there", c.ask.Map)
	}
	return "", nil
}

// listed gets what is wanted of a page in the list's format.
func (c *call) listed(ctx context.Context, list feedMap, wanted []metric) (exposition, site.Failure, error) {
	if list.json != "" {
		return c.document(ctx, list.json, wanted)
	}
	return c.exposition(ctx, wanted)
}
