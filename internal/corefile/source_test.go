package corefile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// only has a site with one probe, of that kind and at that URL.
func only(kind, url string, change func(*site.Source)) func(*site.Site) {
	return func(s *site.Site) { s.Probes = []site.Source{source(kind, url, change)} }
}

// feed has a site with one feed.
func feed(kind, url string, signal site.Signal, change func(*site.Source)) func(*site.Site) {
	return func(s *site.Site) {
		src := source(kind, url, change)
		src.Ask.Signal = signal
		s.Feeds = []site.Source{src}
	}
}

func source(kind, url string, change func(*site.Source)) site.Source {
	src := site.Source{Kind: kind, URL: url, Every: 10 * time.Second, Timeout: 5 * time.Second}
	if change != nil {
		change(&src)
	}
	return src
}

func query(text string) func(*site.Source) { return func(src *site.Source) { src.Ask.Query = text } }

// rate has a site with a probe download and a threshold that it supplies.
func rate(change func(*site.Source)) func(*site.Site) {
	return func(s *site.Site) {
		src := site.Source{
			Kind: "download", URL: "http://{origin}/1m", Every: time.Minute, Timeout: 30 * time.Second,
			Ask: site.Ask{Status: site.DefaultStatus(), Size: 1 << 20},
		}
		change(&src)
		s.Probes = []site.Source{src}
		s.Thresholds = []site.Threshold{{Signal: site.AvailableBandwidth, Limit: 1e8, Recover: 1.25e8}}
	}
}

const enough = "\nthreshold available_bandwidth 100Mbit"

// sourceEffects has what every kind of probe and feed, and every word of it,
// changes in a site.
var sourceEffects = []effect{
	{"probe http HTTPS://{origin}/ header X-A b", probe(func(p *site.Source) { p.URL, p.Ask.Headers = "HTTPS://{origin}/", "X-A: b" })},
	{"probe http http://{origin}/ header X-A b method POST header Authorization env:TOKEN", probe(func(p *site.Source) {
		p.Ask.Method, p.Ask.Headers = "POST", "X-A: b\nAuthorization: env:TOKEN"
	})},
	{`probe http http://{origin}/ header Authorization file:/etc/token header X-A "" header X-A "c: d"`, probe(func(p *site.Source) {
		p.Ask.Headers = "Authorization: file:/etc/token\nX-A: \nX-A: c: d"
	})},
	{"probe http http://{origin}/ method GET", probe(func(p *site.Source) { p.Ask.Method = "GET" })},
	{"probe http http://{origin}/ method HEAD", probe(func(p *site.Source) { p.Ask.Method = "HEAD" })},
	{"probe http http://{origin}/ method OPTIONS", probe(func(p *site.Source) { p.Ask.Method = "OPTIONS" })},
	{`probe http http://{origin}/ body "all is well"`, probe(func(p *site.Source) { p.Ask.Body = "all is well" })},
	{"probe http http://{origin}/ body header", probe(func(p *site.Source) { p.Ask.Body = "header" })},
	{`probe http http://{origin}/ match "^{\"ok\": [0-9]+"`, probe(func(p *site.Source) { p.Ask.Pattern = `^{"ok": [0-9]+` })},
	{`probe http http://{origin}/ json "queue < 5"`, probe(func(p *site.Source) { p.Ask.Condition = "queue < 5" })},
	{"probe http http://{origin}/ keep_alive on", probe(func(p *site.Source) { p.Ask.KeepAlive = true })},
	{"probe http http://{origin}/ http2 on", probe(func(p *site.Source) { p.Ask.HTTP2 = true })},
	{"probe http https://{origin}/ days 14", probe(func(p *site.Source) { p.URL, p.Ask.Days = "https://{origin}/", 14 })},

	{"probe download http://{origin}/1m" + enough, rate(func(*site.Source) {})},
	{"probe download http://{origin}/1m size 512KiB" + enough, rate(func(p *site.Source) { p.Ask.Size = 512 << 10 })},
	{"probe download http://{origin}/1m size 2MiB" + enough, rate(func(p *site.Source) { p.Ask.Size = 2 << 20 })},
	{"probe download http://{origin}/1m size 300kB" + enough, rate(func(p *site.Source) { p.Ask.Size = 300_000 })},
	{"probe download http://{origin}/1m size 3MB" + enough, rate(func(p *site.Source) { p.Ask.Size = 3_000_000 })},
	{"probe download https://{origin}/1m tls_verify off days 3 header X-A b every 2m timeout 10s" + enough, rate(func(p *site.Source) {
		p.URL = "https://{origin}/1m"
		p.Ask.SkipVerify, p.Ask.Days, p.Ask.Headers, p.Every, p.Timeout = true, 3, "X-A: b", 2*time.Minute, 10*time.Second
	})},

	{"probe tls {origin}", only("tls", "tls://{origin}", nil)},
	{"probe tls {origin}:8443 days 30 tls_verify off", only("tls", "tls://{origin}:8443", func(p *site.Source) { p.Ask.Days, p.Ask.SkipVerify = 30, true })},
	{"probe tcp {origin}:25", only("tcp", "tcp://{origin}:25", nil)},
	{"probe tcp tcp.{host}:25", only("tcp", "tcp://tcp.www.example.org:25", nil)},
	{"probe tcp [2001:db8::1]:25 every 2s timeout 1s", only("tcp", "tcp://[2001:db8::1]:25", func(p *site.Source) { p.Every, p.Timeout = 2*time.Second, time.Second })},
	{`probe tcp {origin}:25 send "PING \"{name}\"\r\n\x00" expect +PONG`, only("tcp", "tcp://{origin}:25", func(p *site.Source) {
		p.Ask.Send, p.Ask.Expect = "PING \"{name}\"\r\n\x00", "+PONG"
	})},
	{"probe dns {origin} Www.Example.NET", only("dns", "dns://{origin}", func(p *site.Source) { p.Ask.Name, p.Ask.Type = "www.example.net.", dns.TypeA })},
	{"probe dns {origin}:5353 {label}.{name} type soa", only("dns", "dns://{origin}:5353", func(p *site.Source) {
		p.Ask.Name, p.Ask.Type = "www.www.example.org.", dns.TypeSOA
	})},
	{"probe dns {origin} a.example.net type TYPE65280", only("dns", "dns://{origin}", func(p *site.Source) { p.Ask.Name, p.Ask.Type = "a.example.net.", 65280 })},
	{"probe grpc {origin}:50051", only("grpc", "grpc://{origin}:50051", nil)},
	{"probe grpc {origin}:50051 service shop.Cart tls on tls_verify off days 7", only("grpc", "grpc://{origin}:50051", func(p *site.Source) {
		p.Ask.Name, p.Ask.TLS, p.Ask.SkipVerify, p.Ask.Days = "shop.Cart", true, true, 7
	})},
	{"probe icmp {origin}", only("icmp", "icmp://{origin}", nil)},

	{"feed load prometheus http://{origin}:9100/metrics node_load1", feed("prometheus", "http://{origin}:9100/metrics", site.Load, query("node_load1"))},
	{`feed requests prometheus https://{origin}/m reqs{code="200"} scale 2 every 30s timeout 3s tls_verify off header X-A b`,
		feed("prometheus", "https://{origin}/m", site.Requests, func(p *site.Source) {
			p.Every, p.Timeout = 30*time.Second, 3*time.Second
			p.Ask = site.Ask{Query: `reqs{code="200"}`, Scale: 2, SkipVerify: true, Headers: "X-A: b"}
		})},
	{"feed error_ratio prometheus http://{origin}/m errors over reqs", feed("prometheus", "http://{origin}/m", site.ErrorRatio, func(p *site.Source) {
		p.Ask.Query, p.Ask.Over = "errors", "reqs"
	})},
	{`feed hit_ratio prometheus http://{origin}/m reqs{cache="hit"} over reqs`, feed("prometheus", "http://{origin}/m", site.HitRatio, func(p *site.Source) {
		p.Ask.Query, p.Ask.Over = `reqs{cache="hit"}`, "reqs"
	})},
	{"feed hit_ratio json http://{origin}/s cache.percent scale 0.01", feed("json", "http://{origin}/s", site.HitRatio, func(p *site.Source) {
		p.Ask.Query, p.Ask.Scale = "cache.percent", 0.01
	})},
	{"feed hit_ratio promql http://{origin}/ hits", feed("promql", "http://{origin}/", site.HitRatio, query("hits"))},
	{"feed hit_ratio file /run/hits.prom g", feed("file", "file:///run/hits.prom", site.HitRatio, query("g"))},
	{`feed response_time promql https://prom.example.net:9090 "sum(rate(x{job=\"a\"}[1m]))" scale 0.001 tls_verify off header X-A b`,
		feed("promql", "https://prom.example.net:9090", site.ResponseTime, func(p *site.Source) {
			p.Ask = site.Ask{Query: `sum(rate(x{job="a"}[1m]))`, Scale: 0.001, SkipVerify: true, Headers: "X-A: b"}
		})},
	{"feed connections json https://api.{host}/{label}?a=b stats.now scale 1e3", feed("json", "https://api.www.example.org/www?a=b", site.Connections, func(p *site.Source) {
		p.Ask.Query, p.Ask.Scale = "stats.now", 1000
	})},
	{"feed used_bandwidth snmp {origin} ifindex 3", feed("snmp", "snmp://{origin}", site.UsedBandwidth, func(p *site.Source) { p.Ask.Query, p.Ask.Community = "3", "public" })},
	{"feed available_bandwidth snmp 192.0.2.3:1161 ifindex 007 community env:COMMUNITY every 1m", feed("snmp", "snmp://192.0.2.3:1161", site.AvailableBandwidth, func(p *site.Source) {
		p.Ask.Query, p.Ask.Community, p.Every, p.Timeout = "7", "env:COMMUNITY", time.Minute, 30*time.Second
	})},
	{"feed load file /run/../run/load.prom g", feed("file", "file:///run/load.prom", site.Load, query("g"))},
	{`feed load file "/run/{name}/a b%?#.prom" g`, feed("file", "file:///run/www.example.org/a%20b%25%3F%23.prom", site.Load, query("g"))},
	{"feed load file /run/load.prom g over h scale 0.5 every 1s", feed("file", "file:///run/load.prom", site.Load, func(p *site.Source) {
		p.Ask.Query, p.Ask.Over, p.Ask.Scale, p.Every, p.Timeout = "g", "h", 0.5, time.Second, time.Second/2
	})},
	{"feed map nginx http://{origin}:9113/metrics", feed("map", "http://{origin}:9113/metrics", "", func(p *site.Source) { p.Ask.Map = "nginx" })},
	{`feed map node_exporter https://{origin}/m labels device="eth0" tls_verify off header X-A b`, feed("map", "https://{origin}/m", "", func(p *site.Source) {
		p.Ask = site.Ask{Map: "node_exporter", Labels: `device="eth0"`, SkipVerify: true, Headers: "X-A: b"}
	})},
}

// Words that the texts below repeat.
const (
	noMeasure = "write a unit, such as 512KiB or 1MiB"
	noDays    = "every, timeout, tls_verify, days are known"
)

// sourceErrors has every failure of probes and feeds.
var sourceErrors = []lineError{
	{"probe http http://{origin}/ method PUT", "unknown method 'PUT': GET, HEAD, OPTIONS, POST are known"},
	{"probe http http://{origin}/ method get", "unknown method 'get': GET, HEAD, OPTIONS, POST are known"},
	{`probe http http://{origin}/ body ""`, "invalid text '': write at least one character"},
	{"probe http http://{origin}/ match a(b", "invalid pattern 'a(b': error parsing regexp: missing closing ): `a(b`"},
	{`probe http http://{origin}/ match ""`, "invalid text '': write at least one character"},
	{"probe http http://{origin}/ match " + strings.Repeat("a", 1025), "a pattern of 1025 characters is longer than 1024"},
	{"probe http http://{origin}/ keep_alive yes", "unknown value 'yes': on, off are known"},
	{"probe http http://{origin}/ http2 h2c", "unknown value 'h2c': on, off are known"},
	{"probe http http://{origin}/ days 0", "invalid number '0': it must be at least 1"},
	{"probe http https://{origin}/ days 3651", "days 3651 is not from 0 to 3650"},
	{"probe http http://{origin}/ days 30", "tls_verify and days say something of TLS, which is not spoken here"},
	{"probe grpc {origin}:50051 tls_verify off", "tls_verify and days say something of TLS, which is not spoken here"},
	{"probe http http://{origin}/ size 1MiB", "unknown word 'size': every, timeout, tls_verify, days, method, status, body, match, json, keep_alive, http2, header are known"},

	{"probe http http://{origin}/ header", wrongArgs + "'header'"},
	{"probe http http://{origin}/ header X-A", wrongArgs + "'X-A'"},
	{"probe http http://{origin}/ header X-A: b", "'X-A:' is not the name of a header: write one such as Authorization"},
	{`probe http http://{origin}/ header "" b`, "'' is not the name of a header: write one such as Authorization"},
	{"probe http http://{origin}/ header münchen b", "'münchen' is not the name of a header: write one such as Authorization"},
	{"probe http http://{origin}/ header host b", "header 'host' is not free to choose: the probe sets it itself"},
	{"probe http http://{origin}/ header Range b", "header 'Range' is not free to choose: the probe sets it itself"},
	{"probe http http://{origin}/ header X-A \"b\nc\"", `value "b\nc" of header 'X-A' is not one line of text`},
	{"probe http http://{origin}/ header X-A Bearer hunter22", "unknown word '...': every, timeout, tls_verify, days, method, status, body, match, json, keep_alive, http2, header are known"},
	{`probe http http://{origin}/ header "X-A: hunter22" every 2s`, "'X-A: ...' is not the name of a header: write one such as Authorization"},
	{"probe http http://{origin}/ header X-A \"hunter22\nhunter23\"", `value "...\n..." of header 'X-A' is not one line of text`},
	{"probe http ftp://{origin}/?key=hunter22", "'ftp://{origin}/?...' is not an http:// or https:// URL"},
	{"probe tcp {origin}:25 header X-A b", "unknown word 'header': every, timeout, send, expect are known"},

	{"probe download http://{origin}/ size 1", "invalid size '1': " + noMeasure},
	{"probe download http://{origin}/ size 1.5MiB", "invalid size '1.5MiB': " + noMeasure},
	{"probe download http://{origin}/ size 1GiB", "invalid size '1GiB': " + noMeasure},
	{"probe download http://{origin}/ size -1MiB", "invalid size '-1MiB': " + noMeasure},
	{"probe download http://{origin}/ size 255KiB", "size 261120 bytes is not from 256 KiB to 64 MiB"},
	{"probe download http://{origin}/ size 65MiB", "size 68157440 bytes is not from 256 KiB to 64 MiB"},
	{"probe download http://{origin}/ status 200", "unknown word 'status': every, timeout, tls_verify, days, size, header are known"},
	{"probe download tcp://{origin}/", "'tcp://{origin}/' is not an http:// or https:// URL"},

	{"probe tls tls://{origin}", "'tls://{origin}' is a URL: leave out 'tls://'"},
	{"probe tls {origin}:0", "port '0' in '{origin}:0' is not from 1 to 65535"},
	{"probe tls {origin} send a", "unknown word 'send': " + noDays},
	{"probe tcp {origin}", "'{origin}' has no port: write HOST:PORT"},
	{"probe tcp :25", "':25' is not a host and port: it has no host"},
	{"probe tcp {origin}:25/a", "'{origin}:25/a' is not a host and port"},
	{"probe tcp {origin}:25?a", "'{origin}:25?a' is not a host and port"},
	{"probe tcp a@{origin}:25", "'a@{origin}:25' is not a host and port without user and fragment"},
	{"probe tcp {origin}:smtp", `'{origin}:smtp' is not a host and port: invalid port ":smtp" after host`},
	{"probe tcp {origin}:65536", "port '65536' in '{origin}:65536' is not from 1 to 65535"},
	{"probe tcp {node}:25", "unknown placeholder in '{node}:25': {origin}, {name}, {label} and {host} are known"},
	{`probe tcp {origin}:25 send ""`, `invalid text '': write characters, or \r, \n, \t and \xNN for octets`},
	{`probe tcp {origin}:25 expect \y`, `invalid text '\y': write characters, or \r, \n, \t and \xNN for octets`},
	{"probe dns {origin}", wrongArgs + "'{origin}'"},
	{"probe dns {origin} a..b", "'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"probe dns {origin} {origin}.example.net", "invalid name '{origin}.example.net': {origin} stands for addresses, write a name"},
	{"probe dns {origin} {nam}", "unknown placeholder in '{nam}': {origin}, {name}, {label} and {host} are known"},
	{"probe dns {origin} a.example.net type AXFR", "type 'AXFR' cannot be asked for: name a type of data, such as A or SOA"},
	{"probe dns {origin} a.example.net type B", "unknown type 'B': write one such as MX or TYPE65280"},
	{"probe grpc {origin}", "'{origin}' has no port: write HOST:PORT"},
	{`probe grpc {origin}:50051 service ""`, "invalid text '': write at least one character"},
	{"probe grpc {origin}:50051 tls yes", "unknown value 'yes': on, off are known"},
	{"probe icmp {origin}:80", "'{origin}:80' is not a host: ICMP has no ports"},
	{"probe icmp {origin}/a", "'{origin}/a' is not a host: ICMP has no ports"},
	{"probe icmp http://{origin}", "'http://{origin}' is a URL: leave out 'http://'"},
	{"probe icmp {origin} days 3", "unknown word 'days': every, timeout are known"},

	{"feed", wrongArgs + "'feed'"},
	{"feed load", wrongArgs + "'load'"},
	{"feed load prometheus", wrongArgs + "'prometheus'"},
	{"feed load prometheus http://{origin}/", wrongArgs + "'http://{origin}/'"},
	{"feed smoke prometheus http://{origin}/ m", "unknown signal 'smoke': " + signals + ", map, fci are known"},
	{"feed load carrier http://{origin}/ m", "unknown feed 'carrier': file, json, prometheus, promql, push, redirector, snmp are known"},
	{"feed load map http://{origin}/", "unknown feed 'map': file, json, prometheus, promql, push, redirector, snmp are known"},
	{"feed load prometheus {origin} m", "'{origin}' is not an http:// or https:// URL: first path segment in URL cannot contain colon"},
	{"feed load prometheus http://{node}/ m", "unknown placeholder in 'http://{node}/': {origin}, {name}, {label} and {host} are known"},
	{"feed load prometheus http://{name}/ m", "the host in 'http://www.example.org/' is a name of the site, which leads where the decision says: write {origin}"},
	{"feed load prometheus http://{origin}/ m every 500ms", "period 500ms is shorter than 1s"},
	{"feed load prometheus http://{origin}/ m timeout 10s", "timeout 10s is not below the period 10s"},
	{"feed load prometheus http://{origin}/ m scale 0", "invalid scale '0': it must be above zero"},
	{"feed load prometheus http://{origin}/ m scale -1", "invalid scale '-1': it must be above zero"},
	{"feed load prometheus http://{origin}/ m scale x", "invalid number 'x': write a number, such as 2.5"},
	{"feed load prometheus http://{origin}/ m days 3", "unknown word 'days': every, timeout, over, scale, tls_verify, delay, header are known"},
	{"feed load prometheus http://{origin}/ m over", wrongArgs + "'over'"},
	{"feed load promql http://{origin}/ q over r", "unknown word 'over': every, timeout, scale, tls_verify, delay, header are known"},
	{`feed load promql http://{origin}/ ""`, "invalid name '' of a query: write a word"},
	{`feed load json http://{origin}/ ""`, "invalid name '' of a query: write a word"},
	{"feed load snmp {origin} ifindex 3", "feed snmp gives used_bandwidth and available_bandwidth, not 'load'"},
	{"feed hit_ratio snmp {origin} ifindex 3", "feed snmp gives used_bandwidth and available_bandwidth, not 'hit_ratio'"},
	{"feed hit_ratio json http://{origin}/ q over r", "unknown word 'over': every, timeout, scale, tls_verify, delay, header are known"},
	{"feed used_bandwidth snmp {origin} ifindex", wrongArgs + "'ifindex'"},
	{"feed used_bandwidth snmp {origin} index 3", "unknown word 'index': ifindex is known"},
	{"feed used_bandwidth snmp {origin} ifindex 0", "invalid number '0': it must be at least 1"},
	{"feed used_bandwidth snmp {origin}/3 ifindex 3", "'{origin}/3' is not a host and port"},
	{`feed used_bandwidth snmp {origin} ifindex 3 community ""`, "invalid text '': write at least one character"},
	{"feed load file load.prom m", "'load.prom' is not an absolute path"},
	{`feed load file "" m`, "'' is not an absolute path"},
	{"feed load file /run/{origin} m", "'/run/{origin}' is not the absolute path of a file"},
	{"feed load file /run/{node} m", "unknown placeholder in '/run/{node}': {origin}, {name}, {label} and {host} are known"},
	{"feed load file /run/a m tls_verify off", "unknown word 'tls_verify': every, timeout, over, scale are known"},
	{"feed map", wrongArgs + "'map'"},
	{"feed map nginx", wrongArgs + "'nginx'"},
	{"feed map apache http://{origin}/", "unknown map 'apache': bunny, cloudflare, fastly, haproxy, nginx, node_exporter, trafficserver, varnish are known"},
	{"feed map nginx http://{origin}/ scale 2", "unknown word 'scale': every, timeout, labels, tls_verify, header are known"},
}

// A repeated line is blamed, and not the one that it repeats.
func TestRepeatedSources(t *testing.T) {
	for _, tc := range []struct{ first, second, key string }{
		{"feed load prometheus http://{origin}/ m", "feed load json http://{origin}/ q", "feed load"},
		{"feed map nginx http://{origin}/", "feed map nginx http://192.0.2.7/", "feed map nginx"},
		{"probe tcp {origin}:25", "probe tcp {origin}:26", "probe tcp"},
	} {
		_, _, err := load(siteWith("probe http http://{origin}/", tc.first, tc.second))
		wantError(t, err, "Corefile:5 - Error during parsing: property '"+tc.key+"' is already given on line 4")
	}
}

// Maps are told apart by their names, and from a signal.
func TestFeedsBesideEachOther(t *testing.T) {
	_, sites, err := load(siteWith("feed map nginx http://{origin}/a", "feed map haproxy http://{origin}/b", "feed load file /run/load g", "feed requests file /run/load g"))
	if err != nil || len(sites[0].Feeds) != 4 {
		t.Errorf("Expected four feeds, got %v, %v", sites, err)
	}
}

// The line of the source that is wrong is blamed, whatever comes behind it.
func TestTheWrongSourceIsBlamed(t *testing.T) {
	for line, want := range map[string]string{
		"probe tcp {origin}:25 every 500ms":                   "period 500ms is shorter than 1s",
		"feed load json http://{node}/ q":                     "unknown placeholder in 'http://{node}/': {origin}, {name}, {label} and {host} are known",
		"feed map haproxy ftp://{origin}/":                    "'ftp://{origin}/' is not an http:// or https:// URL",
		"feed used_bandwidth snmp {origin}:0 ifindex 3":       "port '0' in '{origin}:0' is not from 1 to 65535",
		"cdn fast 192.0.2.1":                                  "target '192.0.2.1.' of cdn 'fast' is an address: a CNAME leads to a name",
		"threshold error_ratio 5% window 1s":                  "window 1s is not between the period 10s of the probe and 1h0m0s",
		"feed requests file /run/{origin} m every 1s":         "'/run/{origin}' is not the absolute path of a file",
		"feed connections promql http://www.example.org/ q{}": "the host in 'http://www.example.org/' is a name of the site, which leads where the decision says: write {origin}",
	} {
		_, _, err := load(siteWith(line, "probe http http://{origin}/", "feed map nginx http://{origin}/", "feed error_ratio file /run/e g", "threshold response_time 300ms", "cdn edge edge.example.net"))
		wantError(t, err, "Corefile:3 - Error during parsing: "+want)
	}
}

// Every kind can be written, and no other one.
func TestKindsHaveParsers(t *testing.T) {
	if got := corefile.ProbeParsers(); !slices.Equal(got, site.ProbeKinds()) {
		t.Errorf("got probes %q, want %q", got, site.ProbeKinds())
	}
	feeds := slices.Sorted(slices.Values(append(corefile.FeedParsers(), "fci", "map")))
	if !slices.Equal(feeds, site.FeedKinds()) {
		t.Errorf("got feeds %q, want %q", feeds, site.FeedKinds())
	}
}

// A site's feed takes the place of its class's of the same signal or map, and
// stands behind those of others.
func TestFeedsOfClassAndSite(t *testing.T) {
	class := []string{"class fed {", strings.Join(needed, "\n"), "feed load file /run/class g", "feed map nginx http://{origin}/class", "}"}
	for line, want := range map[string][]string{
		"":                                       {"file:///run/class", "http://{origin}/class"},
		"feed load json http://192.0.2.9/site q": {"http://192.0.2.9/site", "http://{origin}/class"},
		"feed map nginx http://{origin}/site":    {"file:///run/class", "http://{origin}/site"},
		"feed map haproxy http://{origin}/site":  {"file:///run/class", "http://{origin}/class", "http://{origin}/site"},
		"feed requests file /run/{label} g":      {"file:///run/class", "http://{origin}/class", "file:///run/www"},
	} {
		_, sites, err := loadAll(t, "Corefile", example(strings.Join(class, "\n"), "site www.example.org class fed {", line, "}"))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var got []string
		for _, f := range sites[0].Feeds {
			got = append(got, f.URL)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
