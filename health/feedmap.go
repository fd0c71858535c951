package health

import (
	"context"
	"fmt"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// feedMap is a ready-made list: which metrics of a known exporter are signals.
type feedMap struct {
	up      string // metric that is 0 when the exporter cannot reach its server; empty: there is none
	metrics []metric
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
	// https://github.com/jonnenauha/prometheus_varnish_exporter, of varnishstat.
	// Open sessions are those that its pools of memory for them have in use. It
	// counts bytes as responses end, and does not count responses by status. Up
	// to version 7.1 a request that waits for the fetch of another counts twice,
	// https://github.com/varnishcache/varnish-cache/pull/3841.
	"varnish": {up: "varnish_up", metrics: []metric{
		{signal: site.UsedBandwidth, query: "varnish_main_s_resp_hdrbytes", plus: []string{"varnish_main_s_resp_bodybytes", "varnish_main_s_pipe_out"}, scale: 8},
		{signal: site.Connections, query: `varnish_mempool_live{id=~"sess[0-9]+"}`},
		{signal: site.Requests, query: "varnish_main_client_req"},
	}},
}

// askMap is the feed of kind "map": all signals that a known exporter gives.
// Labels are for those of its metrics that have them; a metric that it lacks
// leaves its signal out.
func askMap(ctx context.Context, c *call) (site.Failure, error) {
	list, known := feedMaps[c.ask.Map]
	if !known {
		return site.FailureContent, fmt.Errorf("there is no list of signals '%s'", c.ask.Map)
	}
	extra, err := site.ParseMatchers(c.ask.Labels)
	if err != nil {
		return site.FailureContent, err
	}
	up := metric{query: list.up}
	e, failure, err := c.exposition(ctx, slices.Concat(list.metrics, []metric{up}))
	if err != nil {
		return failure, err
	}
	// What an exporter exports all the same once it is cut off is old.
	if r, _, err := e.reading(up, nil); err == nil && r.Value == 0 {
		return site.FailureStatus, fmt.Errorf("'%s' is 0", list.up)
	}
	for _, m := range list.metrics {
		if r, _, err := e.reading(m, extra); err == nil {
			c.result.Readings = append(c.result.Readings, r)
		}
	}
	if c.result.Readings == nil {
		return site.FailureContent, fmt.Errorf("none of the metrics of '%s' is there", c.ask.Map)
	}
	return "", nil
}
