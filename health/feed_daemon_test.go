package health_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The tests of this file read what real exporters say.

// twice reads a feed before and after something, as if apart from each other,
// and returns the samples of the second time by their signals.
func twice(t *testing.T, target site.Target, between func()) map[site.Signal]float64 {
	t.Helper()
	m := health.NewMeter()
	now := time.Now()
	first := read(t, target)
	wantGood(t, first)
	m.Samples(now, now, first.Readings)
	between()
	second := read(t, target)
	wantGood(t, second)
	now = now.Add(apart)
	samples, rejected := m.Samples(now, now, second.Readings)
	if len(rejected) > 0 {
		t.Errorf("rejected %+v", rejected)
	}
	values := make(map[site.Signal]float64)
	for _, s := range samples {
		values[s.Signal] = s.Value
	}
	return values
}

// wantSignals checks that exactly the signals of a list are there.
func wantSignals(t *testing.T, list string, got map[site.Signal]float64) {
	t.Helper()
	for _, signal := range site.MapSignals(list) {
		if _, there := got[signal]; !there {
			t.Errorf("got %v, without %s", got, signal)
		}
	}
	if len(got) != len(site.MapSignals(list)) {
		t.Errorf("got %v, want %q", got, site.MapSignals(list))
	}
}

// fine is the address of a server of pages of 10,000 bytes, which caches may keep,
// of which /broken is an error, which they may not.
func fine(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.URL.Path == "/broken" {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		io.WriteString(w, strings.Repeat("fine", 2500))
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// askOften asks a server 100 times, 25 of them for what is broken.
func askOften(server string) {
	for i := range 100 {
		get("http://" + server + map[bool]string{true: "/broken", false: "/"}[i%4 == 0])
	}
}

// wantHits checks the ratio of 95 hits, of those and connections, and 25 misses.
func wantHits(t *testing.T, got map[site.Signal]float64) {
	t.Helper()
	if want := 95. / 120; got[site.HitRatio] < want-1e-9 || got[site.HitRatio] > want+1e-9 {
		t.Errorf("Expected 95 hits of 120, got a part of %v", got[site.HitRatio])
	}
}

// connection asks a server for a page, and stays open until the test is over.
func connection(t *testing.T, server string) {
	t.Helper()
	conn, err := net.Dial("tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+server+"\r\n\r\n")
}

func nodeExporter(t *testing.T) (address string) {
	t.Helper()
	address = freeAddress(t, "tcp")
	daemon(t, "prometheus-node-exporter", "prometheus-node-exporter", "--web.listen-address="+address)
	await(t, "http://"+address+"/metrics", "node_load1")
	return address
}

func TestNodeExporter(t *testing.T) {
	url := "http://" + nodeExporter(t) + "/metrics"
	got := twice(t, source("map", url, site.Ask{Map: "node_exporter"}), func() {})
	wantSignals(t, "node_exporter", got)
	if got[site.Connections] < 1 {
		t.Errorf("got %v connections, want that of the feed at least", got[site.Connections])
	}

	cores := read(t, source("prometheus", url, site.Ask{Signal: site.Load, Query: `node_cpu_seconds_total{mode=~"idle|user"}`}))
	wantGood(t, cores)
	if n := len(cores.Readings[0].Num); n == 0 || n%2 != 0 {
		t.Errorf("got %d series of two modes of each core", n)
	}
	wantFailure(t, read(t, source("map", url, site.Ask{Map: "haproxy"})), site.FailureContent, "none of the metrics")
}

func TestNginx(t *testing.T) {
	server, exporter := freeAddress(t, "tcp"), freeAddress(t, "tcp")
	daemon(t, "nginx", "nginx", "-p", t.TempDir(), "-c", configFile(t, `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    server {
        listen ADDRESS;
        location / { return 200 fine; }
        location /stub_status { stub_status; }
    }
}`, "ADDRESS", server))
	await(t, "http://"+server+"/", "fine")
	daemon(t, "prometheus-nginx-exporter", "prometheus-nginx-exporter",
		"-nginx.scrape-uri=http://"+server+"/stub_status", "-web.listen-address="+exporter)
	await(t, "http://"+exporter+"/metrics", "nginx_up 1")

	got := twice(t, source("map", "http://"+exporter+"/metrics", site.Ask{Map: "nginx"}), func() {
		for range 100 {
			get("http://" + server + "/")
		}
	})
	wantSignals(t, "nginx", got)
	if got[site.Requests] < 10 || got[site.Requests] > 11 {
		t.Errorf("got %v requests a second, want 10, and a few for the exporter", got[site.Requests])
	}
	if got[site.Connections] < 1 {
		t.Errorf("got %v connections, want that of the exporter at least", got[site.Connections])
	}
}

// The exporter goes on when nginx does not: what it says then is nothing.
func TestNginxDown(t *testing.T) {
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n"))
	}))
	defer stub.Close()
	exporter := freeAddress(t, "tcp")
	daemon(t, "prometheus-nginx-exporter", "prometheus-nginx-exporter",
		"-nginx.scrape-uri="+stub.URL, "-web.listen-address="+exporter)
	await(t, "http://"+exporter+"/metrics", "nginx_up 1")
	stub.Close()
	wantFailure(t, read(t, source("map", "http://"+exporter+"/metrics", site.Ask{Map: "nginx"})), site.FailureStatus, "nginx_up")
}

func TestHAProxy(t *testing.T) {
	front, stats := freeAddress(t, "tcp"), freeAddress(t, "tcp")
	daemon(t, "haproxy", "haproxy", "-db", "-f", configFile(t, `
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend www
    bind FRONT
    default_backend servers
backend servers
    server one BACKEND
frontend stats
    bind STATS
    http-request use-service prometheus-exporter if { path /metrics }
`, "FRONT", front, "BACKEND", fine(t), "STATS", stats))
	metrics := "http://" + stats + "/metrics"
	await(t, metrics, `haproxy_frontend_http_requests_total{proxy="www"} 0`)

	got := twice(t, source("map", metrics, site.Ask{Map: "haproxy", Labels: `proxy=~"www|servers"`}), func() {
		askOften(front)
		await(t, metrics, `haproxy_frontend_http_responses_total{proxy="www",code="2xx"} 75`)
		await(t, metrics, `haproxy_frontend_http_responses_total{proxy="www",code="5xx"} 25`)
	})
	wantSignals(t, "haproxy", got)
	if got[site.Requests] != 10 || got[site.ErrorRatio] != 0.25 {
		t.Errorf("got %v requests a second, of which %v fail, want 10 and 0.25", got[site.Requests], got[site.ErrorRatio])
	}
	if bits := got[site.UsedBandwidth]; bits < 10*10_000*8 || bits > 1.2*10*10_000*8 {
		t.Errorf("got %v bit/s, want a little more than 800,000", bits)
	}
}

// varnish runs one in front of a backend, and its exporter.
func varnish(t *testing.T, backend string) (server, metrics string) {
	t.Helper()
	server, dir, exporter := freeAddress(t, "tcp"), t.TempDir(), freeAddress(t, "tcp")
	daemon(t, "varnish", "varnishd", "-F", "-n", dir, "-a", server, "-b", backend, "-j", "none", "-s", "malloc,10m", "-p", "timeout_idle=60")
	await(t, "http://"+server+"/", "fine")
	daemon(t, "prometheus-varnish-exporter", "prometheus-varnish-exporter", "-n", dir, "-web.listen-address="+exporter)
	metrics = "http://" + exporter + "/metrics"
	await(t, metrics, "varnish_up 1")
	return server, metrics
}

func TestVarnish(t *testing.T) {
	server, metrics := varnish(t, fine(t))
	await(t, metrics, "varnish_main_client_req 1\n")
	got := twice(t, source("map", metrics, site.Ask{Map: "varnish"}), func() {
		askOften(server)
		for range 20 {
			connection(t, server)
		}
		await(t, metrics, "varnish_main_client_req 121\n")
	})
	wantSignals(t, "varnish", got)
	wantHits(t, got)
	if got[site.Requests] != 12 {
		t.Errorf("Expected 12 requests a second, got %v", got[site.Requests])
	}
	if got[site.Connections] != 20 {
		t.Errorf("Expected the 20 open connections, got %v", got[site.Connections])
	}
	if bits := got[site.UsedBandwidth]; bits < 12*10_000*8 || bits > 1.2*12*10_000*8 {
		t.Errorf("Expected a little more than 960,000 bit/s, got %v", bits)
	}
}

// trafficServer runs one in front of a backend, with its statistics, which move
// more often than by default.
func trafficServer(t *testing.T, backend string) (server string) {
	t.Helper()
	server, dir := freeAddress(t, "tcp"), t.TempDir()
	_, port, _ := net.SplitHostPort(server)
	for name, text := range map[string]string{
		"runroot.yaml":  strings.ReplaceAll("prefix: DIR\nsysconfdir: DIR\nlogdir: DIR\nruntimedir: DIR\ncachedir: DIR\n", "DIR", dir),
		"plugin.config": "/usr/lib/trafficserver/modules/stats_over_http.so\n",
		"remap.config":  "map http://" + server + "/ http://" + backend + "/\n",
		"records.config": "CONFIG proxy.config.http.server_ports STRING " + port + `:ip-in=127.0.0.1
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.crash_log_helper STRING NULL
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.http.wait_for_cache INT 1
CONFIG proxy.config.raw_stat_sync_interval_ms INT 100
`,
		"ip_allow.yaml":  "ip_allow: [{apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL}]\n",
		"storage.config": dir + " 16M\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	daemon(t, "trafficserver", "traffic_server", "--run-root="+filepath.Join(dir, "runroot.yaml"))
	await(t, "http://"+server+"/", "fine")
	return server
}

func TestTrafficServer(t *testing.T) {
	server := trafficServer(t, fine(t))
	stats := "http://" + server + "/_stats"
	await(t, stats, `"proxy.process.http.cache_miss_cold": "1"`)
	got := twice(t, source("map", stats, site.Ask{Map: "trafficserver"}), func() {
		askOften(server)
		for range 20 {
			connection(t, server)
		}
		await(t, stats, `"proxy.process.http.current_client_connections": "21"`) // with the feed's own
		await(t, stats, `"proxy.process.http.5xx_responses": "25"`)
		await(t, stats, `"proxy.process.http.cache_hit_fresh": "95"`)
	})
	wantSignals(t, "trafficserver", got)
	wantHits(t, got)
	if got[site.Connections] < 20 || got[site.Connections] > 22 {
		t.Errorf("Expected the 20 open connections, and those that read the statistics, got %v", got[site.Connections])
	}
	// Whoever reads the statistics is in them, too.
	if got[site.Requests] < 12 || got[site.Requests] > 20 {
		t.Errorf("Expected 12 requests a second and a few for the statistics, got %v", got[site.Requests])
	}
	if failed := got[site.Requests] * got[site.ErrorRatio]; failed < 2.4 || failed > 2.6 {
		t.Errorf("Expected 2.5 failed requests a second, got %v", failed)
	}
	if bits := got[site.UsedBandwidth]; bits < 12*10_000*8 || bits > 1.5*12*10_000*8 {
		t.Errorf("Expected a little more than 960,000 bit/s, got %v", bits)
	}
}

func TestPrometheusServer(t *testing.T) {
	node, address := nodeExporter(t), freeAddress(t, "tcp")
	daemon(t, "prometheus", "prometheus", "--web.listen-address="+address, "--storage.tsdb.path="+t.TempDir(),
		"--config.file="+configFile(t, `
global: {scrape_interval: 1s}
scrape_configs:
- job_name: node
  static_configs: [{targets: [NODE]}]
`, "NODE", `"`+node+`"`))
	ask := func(query string) site.Target {
		return source("promql", "http://"+address+"/", site.Ask{Signal: site.Load, Query: query})
	}
	probe := health.NewNetwork("test/1").Probes()["promql"]
	eventually(t, "two scrapes", func() bool { return probe(t.Context(), ask(`count_over_time(node_load1[1m]) >= 2`)).Err == nil })

	for query, want := range map[string]float64{`up{job="node"}`: 1, `scalar(up) * 2`: 2, `vector(0.5)`: 0.5, `vector(1) / 0`: none} {
		now := time.Now()
		r := read(t, ask(query))
		wantGood(t, r)
		samples, rejected := health.NewMeter().Samples(now, time.Now(), r.Readings)
		wantValue(t, samples, rejected, want)
	}
	wantFailure(t, read(t, ask(`absent_metric`)), site.FailureContent, "no data for 'absent_metric'")
	wantFailure(t, read(t, ask(`node_cpu_seconds_total`)), site.FailureInvalid, "write sum()")
	wantFailure(t, read(t, ask(`up[1m]`)), site.FailureInvalid, "neither a number nor a vector")
	wantFailure(t, read(t, ask(`sum(`)), site.FailureStatus, "400")
}
