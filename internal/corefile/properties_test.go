package corefile_test

import (
	"math"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// wrongArgs is CoreDNS's text for words that are missing or too many.
const wrongArgs = "Wrong argument count or unexpected line ending after "

// signals are those that a threshold or a feed may name.
const signals = "response_time, error_ratio, available_bandwidth, used_bandwidth, load, connections, requests, hit_ratio"

// lineError is what is said of a line, which is the third.
type lineError struct{ line, want string }

// propertyErrors has each property's every failure.
var propertyErrors = []lineError{
	{"foo bar", "unknown property 'foo': answer, cdn, damping, divert, enter, failback_delay, feed, hides, host, https, no_data, origin, probe, ready, redirect, threshold, ttl, warmup are known"},
	{`""`, "unknown property '': answer, cdn, damping, divert, enter, failback_delay, feed, hides, host, https, no_data, origin, probe, ready, redirect, threshold, ttl, warmup are known"},

	{"host", wrongArgs + "'host'"},
	{"host a..b", "'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"host www.example.org:80", "'www.example.org:80' is not a host name"},
	{"host {name}", "'{name}' is not a host name"},
	{"host münchen.example.org", "name 'münchen.example.org' is not ASCII: write its A-labels (RFC 5891)"},
	{"host .", "'.' is not a host name"},
	{`host ""`, "'' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"host a.example.org A.example.org.", "'A.example.org.' is repeated in 'host'"},

	{"origin", wrongArgs + "'origin'"},
	{"origin next 192.0.2.1", wrongArgs + "'192.0.2.1'"},
	{"origin fra.example.net", "'fra.example.net' is not an IPv4 or IPv6 address"},
	{"origin 192.0.2.1:80", "'192.0.2.1:80' is not an IPv4 or IPv6 address"},
	{"origin [2001:db8::1]", "'[2001:db8::1]' is not an IPv4 or IPv6 address"},
	{"origin fe80::1%eth0", "'fe80::1%eth0' is not an IPv4 or IPv6 address"},
	{"origin 192.0.2.1 192.0.2.1", "'192.0.2.1' is repeated in 'origin'"},
	{"origin 2001:db8::1 2001:DB8:0::1", "'2001:DB8:0::1' is repeated in 'origin'"},
	{"origin 0.0.0.0", "'0.0.0.0' is not an address that visitors can reach"},
	{"origin 192.0.2.1 ::", "'::' is not an address that visitors can reach"},
	{"origin 224.0.0.1", "'224.0.0.1' is not an address that visitors can reach"},
	{"origin ::ffff:192.0.2.1", "'::ffff:192.0.2.1' is not an address that visitors can reach"},

	{"cdn", wrongArgs + "'cdn'"},
	{"cdn edge", wrongArgs + "'edge'"},
	{"cdn edge a.example.net b.example.net", "unknown word 'b.example.net': priority, weight, service are known"},
	{"cdn edge a.example.net weight 0", "invalid number '0': it must be at least 1"},
	{"cdn edge a.example.net priority x", "invalid number 'x': write a whole number, such as 3"},
	{`cdn "" a.example.net`, "invalid name '' of a cdn: write a word"},
	{"cdn edge {origin}.example.net", "invalid target '{origin}.example.net': {origin} stands for addresses, write a name"},
	{"cdn edge {lable}.example.net", "unknown placeholder in '{lable}.example.net': {origin}, {name}, {label} and {host} are known"},
	{"cdn edge {label.example.net", "unknown placeholder in '{label.example.net': {origin}, {name}, {label} and {host} are known"},
	{"cdn edge {label}..example.net", "'www..example.net' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{`cdn edge ""`, "'' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
	{"cdn edge .", "'.' is the root of all names: write a name such as www.example.org"},
	{"cdn edge 192.0.2.1", "target '192.0.2.1.' of cdn 'edge' is an address: a CNAME leads to a name"},
	{"cdn edge {name}", "target 'www.example.org.' of cdn 'edge' leads back to the site"},

	{"probe", wrongArgs + "'probe'"},
	{"probe http", wrongArgs + "'http'"},
	{"probe smtp 192.0.2.1:25", "unknown probe 'smtp': dns, download, grpc, http, icmp, tcp, tls are known"},
	{"probe http http://{origin}/ every", wrongArgs + "'every'"},
	{"probe http http://{origin}/ each 5s", "unknown word 'each': every, timeout, tls_verify, days, method, status, body, match, json, keep_alive, http2, header are known"},
	{"probe http http://{origin}/ every 5s every 6s", "'every' is repeated in 'probe'"},
	{"probe http http://{origin}/ every 5", "invalid duration '5': write a unit, such as 300ms or 10s"},
	{"probe http http://{origin}/ every 0s", "invalid duration '0s': it must be above zero"},
	{"probe http http://{origin}/ every -5s", "invalid duration '-5s': it must be above zero"},
	{"probe http http://{origin}/ every 999ms", "period 999ms is shorter than 1s"},
	{"probe http http://{origin}/ timeout 1day", "invalid duration '1day': write a unit, such as 300ms or 10s"},
	{"probe http http://{origin}/ timeout 0s", "invalid duration '0s': it must be above zero"},
	{"probe http http://{origin}/ timeout 10s", "timeout 10s is not below the period 10s"},
	{"probe http http://{origin}/ status ok", "'ok' is not a list of status codes such as 200-299,304"},
	{"probe http http://{origin}/ status 99", "'99' is not a list of status codes such as 200-299,304"},
	{`probe http http://{origin}/ status ""`, "'' is not a list of status codes such as 200-299,304"},
	{"probe http http://{origin}/ tls_verify no", "unknown value 'no': on, off are known"},
	{"probe http {origin}", "'{origin}' is not an http:// or https:// URL: first path segment in URL cannot contain colon"},
	{"probe http ftp://{origin}/", "'ftp://{origin}/' is not an http:// or https:// URL"},
	{"probe http http://", "'http://' is not an http:// or https:// URL: it has no host"},
	{"probe http http://a@{origin}/", "'http://...@{origin}/' is not an http:// or https:// URL without user and fragment"},
	{`probe http "http://{origin}/#a"`, "'http://{origin}/#a' is not an http:// or https:// URL without user and fragment"},
	{"probe http http://{origin}:0/", "port '0' in 'http://{origin}:0/' is not from 1 to 65535"},
	{"probe http http://{origin}:65536/", "port '65536' in 'http://{origin}:65536/' is not from 1 to 65535"},
	{"probe http http://{origin}/%zz", `'http://{origin}/%zz' is not an http:// or https:// URL: invalid URL escape "%zz"`},
	{"probe http http://{node}/", "unknown placeholder in 'http://{node}/': {origin}, {name}, {label} and {host} are known"},

	{"threshold", wrongArgs + "'threshold'"},
	{"threshold response_time", wrongArgs + "'response_time'"},
	{"threshold smoke 5", "unknown signal 'smoke': " + signals + " are known"},
	{"threshold response_time p90", wrongArgs + "'p90'"},
	{"threshold response_time p42 300ms", "unknown statistic 'p42': p50, p90, p95, p99, mean, max, min, last are known"},
	{`threshold response_time ""`, "unknown statistic '': p50, p90, p95, p99, mean, max, min, last are known"},
	{"threshold response_time 300", "invalid duration '300': write a unit, such as 300ms or 10s"},
	{"threshold response_time p90 0", "invalid duration '0': write a unit, such as 300ms or 10s"},
	{"threshold response_time 0s", "limit 0s of response_time is not above zero"},
	{"threshold response_time -300ms", "limit -300ms of response_time is not above zero"},
	{"threshold response_time 300ms recover", wrongArgs + "'recover'"},
	{"threshold response_time 300ms recover 1", "invalid duration '1': write a unit, such as 300ms or 10s"},
	{"threshold response_time 300ms recover 301ms", "recover 301ms is not above zero and at most the limit 300ms"},
	{"threshold response_time 300ms recover 0s", "recover 0s is not above zero and at most the limit 300ms"},
	{"threshold response_time 300ms recover 1ms recover 2ms", "'recover' is repeated in 'threshold'"},
	{"threshold response_time 300ms window x", "invalid duration 'x': write a unit, such as 300ms or 10s"},
	{"threshold response_time 300ms window 0s", "invalid duration '0s': it must be above zero"},
	{"threshold response_time 300ms window 9s", "window 9s is not between the period 10s of the probe and 1h0m0s"},
	{"threshold response_time 300ms window 2h", "window 2h0m0s is not between the period 10s of the probe and 1h0m0s"},
	{"threshold response_time 300ms p90", "unknown word 'p90': recover, window, no_data, after are known"},
	{"threshold response_time 5s", "limit 5s is not below the timeout 5s of the probe that measures it"},

	{"enter", wrongArgs + "'enter'"},
	{"enter 3 4", wrongArgs + "'4'"},
	{"enter three", "invalid number 'three': write a whole number, such as 3"},
	{"enter 1.5", "invalid number '1.5': write a whole number, such as 3"},
	{"enter 99999999999999999999", "invalid number '99999999999999999999': write a whole number, such as 3"},
	{"enter 0", "enter 0 is not at least 1"},

	{"failback_delay", wrongArgs + "'failback_delay'"},
	{"failback_delay 1m 2m", wrongArgs + "'2m'"},
	{"failback_delay 0", "invalid duration '0': write a unit, such as 300ms or 10s"},
	{"failback_delay 9999999h", "invalid duration '9999999h': write a unit, such as 300ms or 10s"},
	{"failback_delay -1s", "failback_delay -1s is not from 0s to 8760h0m0s"},

	{"damping", wrongArgs + "'damping'"},
	{"damping on", "unknown word 'on': half_life, suppress, reuse, max are known"},
	{"damping off max 5m", wrongArgs + "'5m'"},
	{"damping max 5m off", "unknown word 'off': half_life, suppress, reuse, max are known"},
	{"damping half_life", wrongArgs + "'half_life'"},
	{"damping half_life 600", "invalid duration '600': write a unit, such as 300ms or 10s"},
	{"damping half_life 0s", "invalid duration '0s': it must be above zero"},
	{"damping max -5m", "invalid duration '-5m': it must be above zero"},
	{"damping suppress x", "invalid number 'x': write a number, such as 2.5"},
	{"damping suppress NaN", "invalid number 'NaN': write a number, such as 2.5"},
	{"damping suppress Inf", "invalid number 'Inf': write a number, such as 2.5"},
	{"damping reuse 1e999", "invalid number '1e999': write a number, such as 2.5"},
	{"damping reuse 2.5", "reuse 2.5 is not above zero and below suppress 2.5"},
	{"damping reuse 0", "reuse 0 is not above zero and below suppress 2.5"},
	{"damping suppress 0.5", "reuse 0.75 is not above zero and below suppress 0.5"},
	{"damping max 5m max 6m", "'max' is repeated in 'damping'"},

	{"ttl", wrongArgs + "'ttl'"},
	{"ttl 5", "invalid duration '5': write a unit, such as 300ms or 10s"},
	{"ttl 5s 6s", "unknown word '6s': diverted, min are known"},
	{"ttl 5s diverted", wrongArgs + "'diverted'"},
	{"ttl 5s diverted x", "invalid duration 'x': write a unit, such as 300ms or 10s"},
	{"ttl 5s min 1 ", "invalid duration '1': write a unit, such as 300ms or 10s"},
	{"ttl 5s min 1s min 2s", "'min' is repeated in 'ttl'"},
	{"ttl 1500ms", "ttl 1.5s is not a number of whole seconds from 0s to 24h0m0s"},
	{"ttl -1s", "ttl -1s is not a number of whole seconds from 0s to 24h0m0s"},
	{"ttl 25h", "ttl 25h0m0s is not a number of whole seconds from 0s to 24h0m0s"},
	{"ttl 5s diverted 1ms", "ttl 1ms is not a number of whole seconds from 0s to 24h0m0s"},
	{"ttl 30s min 1ms", "ttl 1ms is not a number of whole seconds from 0s to 24h0m0s"},
	{"ttl 30s min -1s", "ttl -1s is not a number of whole seconds from 0s to 24h0m0s"},
	{"ttl 30s min 31s", "min 31s is above the ttl it stands in for"},
	{"ttl 30s diverted 10s min 11s", "min 11s is above the ttl it stands in for"},

	{"divert", wrongArgs + "'divert'"},
	{"divert all none", wrongArgs + "'none'"},
	{"divert fixed", wrongArgs + "'fixed'"},
	{"divert fixed 30", "invalid share '30': write a percentage, such as 30%"},
	{"divert fixed x%", "invalid share 'x%': write a percentage, such as 30%"},
	{"divert fixed 30% 40%", wrongArgs + "'40%'"},
	{"divert fixed 101%", "share 101% is not from 0% to 100%"},
	{"divert fixed -1%", "share -1% is not from 0% to 100%"},
	{"divert all 30%", wrongArgs + "'30%'"},

	{"answer", wrongArgs + "'answer'"},
	{"answer both", "unknown form 'both': switch, cname, address are known"},
	{"answer switch once", "unknown word 'once': keyed is known"},
	{"answer switch keyed keyed", wrongArgs + "'keyed'"},
	{"answer address keyed", "unknown word 'keyed': alias is known"},
	{"answer cname", wrongArgs + "'cname'"},
	{"answer cname a.example.net b.example.net", wrongArgs + "'b.example.net'"},
	{"answer cname {name}", "'www.example.org.' is a name of the site itself: the origin needs one of its own"},
	{"answer cname 192.0.2.1", "'192.0.2.1.' is not a name that the origin can have"},
	{"answer cname edge.example.net", "'edge.example.net.' is the target of a cdn, too: visitors would go there in either state"},
	{"answer cname *.example.net", "'*.example.net.' is not a name that the origin can have"},
	{"answer cname {lable}.example.net", "unknown placeholder in '{lable}.example.net': {origin}, {name}, {label} and {host} are known"},
	{`answer cname ""`, "'' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},

	{"https", wrongArgs + "'https'"},
	{"https h2", "invalid parameters 'h2' of an HTTPS record: write them as in a zone file, such as alpn=h2,h3 (RFC 9460, section 2.1)"},
	{"https port=99999", "invalid parameters 'port=99999' of an HTTPS record: write them as in a zone file, such as alpn=h2,h3 (RFC 9460, section 2.1)"},
	{"https alpn=h2 alpn=h3", "invalid parameters 'alpn=h2 alpn=h3' of an HTTPS record: 'alpn' is repeated"},
	{"https no-default-alpn", "invalid parameters 'no-default-alpn' of an HTTPS record: 'no-default-alpn' needs 'alpn'"},
	{"https mandatory=port alpn=h2", "invalid parameters 'mandatory=port alpn=h2' of an HTTPS record: 'port' is mandatory and not there"},
	{"https alpn=h2;", "invalid parameters 'alpn=h2;' of an HTTPS record: write them as in a zone file, such as alpn=h2,h3 (RFC 9460, section 2.1)"},

	{"hides", wrongArgs + "'hides'"},
	{"hides AAAA", "type 'AAAA' cannot be hidden: name types of data other than A, AAAA and CNAME"},
	{"hides ANY", "type 'ANY' cannot be hidden: name types of data other than A, AAAA and CNAME"},
	{"hides MXX", "unknown type 'MXX': write one such as MX or TYPE65280"},
	{"hides TYPE65536", "unknown type 'TYPE65536': write one such as MX or TYPE65280"},
	{"hides MX TXT mx", "'mx' is repeated in 'hides'"},

	{"divert half", "unknown share 'half': all, fixed, none are known"},

	{"no_data", wrongArgs + "'no_data'"},
	{"no_data away", "unknown action 'away': origin, cdn, stay are known"},
	{"no_data cdn later 5m", "unknown word 'later': after is known"},
	{"no_data cdn after", wrongArgs + "'after'"},
	{"no_data cdn after 5", "invalid duration '5': write a unit, such as 300ms or 10s"},
	{"no_data cdn after 5m after 6m", "'after' is repeated in 'no_data'"},
	{"no_data cdn after -5m", "after -5m0s is negative"},
}

// lineErrors are those of a class as of a site.
func lineErrors() []lineError {
	return slices.Concat(propertyErrors, sourceErrors, thresholdErrors, readyErrors, redirectErrors)
}

func TestPropertyErrors(t *testing.T) {
	for _, tc := range lineErrors() {
		t.Run(tc.line, func(t *testing.T) {
			_, _, err := load(siteWith(tc.line))
			wantError(t, err, "Corefile:3 - Error during parsing: "+tc.want)
		})
	}
}

// A class is checked as a site is, although no site uses it. Only what depends
// on the names of the site reads otherwise.
func TestPropertyErrorsOfClass(t *testing.T) {
	named := map[string]string{
		"cdn edge {label}..example.net":         "'site..example.net' is not a domain name: labels of 1 to 63 octets, 255 octets in all",
		"answer cname {name}":                   "'site.invalid.' is a name of the site itself: the origin needs one of its own",
		"cdn edge {name}":                       "target 'site.invalid.' of cdn 'edge' leads back to the site",
		"feed load prometheus http://{name}/ m": "the host in 'http://site.invalid/' is a name of the site, which leads where the decision says: write {origin}",
	}
	for _, tc := range lineErrors() {
		t.Run(tc.line, func(t *testing.T) {
			want := tc.want
			if text := named[tc.line]; text != "" {
				want = text
			}
			_, _, err := load(classWith(append([]string{tc.line}, completed([]string{tc.line})[1:]...)...))
			wantError(t, err, "Corefile:3 - Error during parsing: "+want)
		})
	}
}

// The limit of a class without a probe is judged when a site brings the probe.
func TestClassWithoutProbe(t *testing.T) {
	if _, _, err := load(classWith("threshold response_time 10h window 20h")); err != nil {
		t.Fatal(err)
	}
}

// base is what siteWith makes of no lines at all: the defaults.
func base() *site.Site {
	s := site.New("www.example.org.")
	s.Zone, s.Hosts, s.Place = "example.org.", []string{"www.example.org"}, "Corefile:2"
	s.Origins = []site.Origin{{Addresses: addresses("192.0.2.1")}}
	s.CDNs = []site.CDN{{Name: "edge", Target: "edge.example.net."}}
	s.Probes = []site.Source{source("http", "http://{origin}/", func(p *site.Source) { p.Ask.Status = site.DefaultStatus() })}
	s.Thresholds = []site.Threshold{{Signal: site.ResponseTime, Limit: 0.3, Recover: 0.24}}

	s.Enter = 3
	s.FailbackDelay = 2 * time.Minute
	s.Damping = site.Damping{Suppress: 2.5, Reuse: 0.75}
	s.TTL = site.TTL{Full: 30 * time.Second, Diverted: 30 * time.Second, Min: 15 * time.Second}
	s.Divert = site.Divert{Mode: site.DivertAll}
	s.Answer = site.Answer{Form: site.FormSwitch}
	s.NoData = site.NoData{Action: site.NoDataOrigin, After: 10 * time.Minute}
	return s
}

// effect is what a line changes in a site.
type effect struct {
	line   string
	change func(*site.Site)
}

// effects has what every property and every word of it changes in a site.
var effects = []effect{
	{"host shop.example.com. API.example.com", func(s *site.Site) { s.Hosts = []string{"shop.example.com", "api.example.com"} }},

	{"origin 192.0.2.7 2001:db8::7", func(s *site.Site) { s.Origins[0].Addresses = addresses("192.0.2.7", "2001:db8::7") }},
	{`origin "192.0.2.7"`, func(s *site.Site) { s.Origins[0].Addresses = addresses("192.0.2.7") }},

	{"cdn big WWW.Example.Net.", func(s *site.Site) { s.CDNs = []site.CDN{{Name: "big", Target: "www.example.net."}} }},
	{"cdn big {name}.example.net", func(s *site.Site) { s.CDNs = []site.CDN{{Name: "big", Target: "www.example.org.example.net."}} }},
	{"cdn big {label}.example.net", func(s *site.Site) { s.CDNs = []site.CDN{{Name: "big", Target: "www.example.net."}} }},
	{"cdn big {label}.{host}.example.net", func(s *site.Site) { s.CDNs = []site.CDN{{Name: "big", Target: "www.www.example.org.example.net."}} }},

	{"cdn edge edge.example.net priority 2", func(s *site.Site) { s.CDNs[0].Priority = 2 }},
	{"cdn edge edge.example.net weight 3", func(s *site.Site) { s.CDNs[0].Weight = 3 }},
	{"origin next", func(s *site.Site) { s.Origins = []site.Origin{{Next: true}} }},

	{"probe http https://status.{host}:8443/{label}?a={name}", probe(func(p *site.Source) { p.URL = "https://status.www.example.org:8443/www?a=www.example.org" })},
	{"probe http http://{origin}/ every 20s", probe(func(p *site.Source) { p.Every, p.Timeout = 20*time.Second, 10*time.Second })},
	{"probe http http://{origin}/ timeout 2s", probe(func(p *site.Source) { p.Timeout = 2 * time.Second })},
	{"probe http http://{origin}/ status 200,301-302", probe(func(p *site.Source) { p.Ask.Status, _ = site.ParseStatus("200,301-302") })},
	{"probe http https://{origin}/ tls_verify off", probe(func(p *site.Source) { p.URL, p.Ask.SkipVerify = "https://{origin}/", true })},
	{"probe http https://{origin}/ tls_verify off timeout 1s status 204 every 2s", probe(func(p *site.Source) {
		p.URL, p.Every, p.Timeout, p.Ask.SkipVerify = "https://{origin}/", 2*time.Second, time.Second, true
		p.Ask.Status, _ = site.ParseStatus("204")
	})},

	{"threshold response_time 1s", threshold(func(t *site.Threshold) { t.Limit, t.Recover = 1, 0.8 })},
	{"threshold response_time p50 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.P50 })},
	{"threshold response_time p90 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.P90 })},
	{"threshold response_time p95 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.P95 })},
	{"threshold response_time p99 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.P99 })},
	{"threshold response_time mean 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.Mean })},
	{"threshold response_time max 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.Max })},
	{"threshold response_time min 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.Min })},
	{"threshold response_time last 300ms", threshold(func(t *site.Threshold) { t.Statistic = site.Last })},
	{"threshold response_time 300ms recover 300ms", threshold(func(t *site.Threshold) { t.Recover = 0.3 })},
	{"threshold response_time 300ms window 10s", threshold(func(t *site.Threshold) { t.Window = 10 * time.Second })},
	{"threshold response_time .4s window 1h recover 0.1s", threshold(func(t *site.Threshold) { t.Limit, t.Window, t.Recover = 0.4, time.Hour, 0.1 })},

	{"enter 1", func(s *site.Site) { s.Enter = 1 }},
	{"failback_delay 0s", func(s *site.Site) { s.FailbackDelay = 0 }},
	{"failback_delay 1h30m", func(s *site.Site) { s.FailbackDelay = 90 * time.Minute }},

	{"damping off", func(s *site.Site) { s.Damping.Off = true }},
	{"damping half_life 5m", func(s *site.Site) { s.Damping.HalfLife = 5 * time.Minute }},
	{"damping suppress 4", func(s *site.Site) { s.Damping.Suppress = 4 }},
	{"damping reuse 0.5", func(s *site.Site) { s.Damping.Reuse = 0.5 }},
	{"damping max 1h", func(s *site.Site) { s.Damping.Max = time.Hour }},
	{"damping max 1h reuse 1 suppress 2 half_life 1m", func(s *site.Site) {
		s.Damping = site.Damping{HalfLife: time.Minute, Max: time.Hour, Suppress: 2, Reuse: 1}
	}},

	{"ttl 60s", ttl(60, 60, 30)},
	{"ttl 0s", ttl(0, 0, 0)},
	{"ttl 7s", ttl(7, 7, 5)},
	{"ttl 24h", ttl(86400, 86400, 43200)},
	{"ttl 30s diverted 60s", ttl(30, 60, 15)},
	{"ttl 60s diverted 10s", ttl(60, 10, 5)},
	{"ttl 60s diverted 0s", ttl(60, 0, 0)},
	{"ttl 60s min 0s", ttl(60, 60, 0)},
	{"ttl 60s min 10s diverted 20s", ttl(60, 20, 10)},

	{"divert none", func(s *site.Site) { s.Divert.Mode = site.DivertNone }},
	{"divert fixed 0%", func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertFixed} }},
	{"divert fixed 100%", func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertFixed, Share: 1} }},

	{"answer switch keyed", func(s *site.Site) { s.Answer.Keyed = true }},
	{"answer cname {label}.Origin.example.org", func(s *site.Site) { s.Answer = site.Answer{Form: site.FormCNAME, Host: "www.origin.example.org."} }},
	{"answer address", func(s *site.Site) { s.Answer.Form = site.FormAddress }},
	{"answer address alias", func(s *site.Site) { s.Answer = site.Answer{Form: site.FormAddress, AliasMode: true} }},
	{"https alpn=h2,h3 port=8443", func(s *site.Site) {
		s.HTTPS = []dns.SVCBKeyValue{&dns.SVCBAlpn{Alpn: []string{"h2", "h3"}}, &dns.SVCBPort{Port: 8443}}
	}},
	{"hides MX txt TYPE65280", func(s *site.Site) { s.Hides = []uint16{dns.TypeMX, dns.TypeTXT, 65280} }},
	{"no_data cdn", func(s *site.Site) { s.NoData.Action = site.NoDataCDN }},
	{"no_data stay", func(s *site.Site) { s.NoData.Action = site.NoDataStay }},
	{"no_data origin after 1m", func(s *site.Site) { s.NoData.After = time.Minute }},
	{"no_data cdn after 0s", func(s *site.Site) { s.NoData = site.NoData{Action: site.NoDataCDN} }},
}

// defaults are lines that say what holds without them.
var defaults = []string{
	"host www.example.org",
	"probe http http://{origin}/ every 10s timeout 5s status 200-399 tls_verify on",
	"probe http http://{origin}/ keep_alive off http2 off",
	"threshold response_time 300ms recover 240ms",
	"enter 3", "failback_delay 120s", "damping suppress 2.5 reuse 0.75",
	"ttl 30s diverted 30s min 15s", "divert all", "answer switch", "no_data origin after 10m",
}

func addresses(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func probe(change func(*site.Source)) func(*site.Site) {
	return func(s *site.Site) { change(&s.Probes[0]) }
}

func threshold(change func(*site.Threshold)) func(*site.Site) {
	return func(s *site.Site) { change(&s.Thresholds[0]) }
}

func ttl(full, diverted, least time.Duration) func(*site.Site) {
	return func(s *site.Site) {
		s.TTL = site.TTL{Full: full * time.Second, Diverted: diverted * time.Second, Min: least * time.Second}
	}
}

// same compares sites; products of limits may differ in the last bit.
func same(t *testing.T, got, want *site.Site) {
	t.Helper()
	for i := range min(len(got.Thresholds), len(want.Thresholds)) {
		if g, w := &got.Thresholds[i], want.Thresholds[i]; math.Abs(g.Recover-w.Recover) < 1e-12 {
			g.Recover = w.Recover
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("\n got %+v\nwant %+v", got, want)
	}
}

func TestEffects(t *testing.T) {
	for _, tc := range slices.Concat(effects, sourceEffects, thresholdEffects, readyEffects, redirectEffects) {
		t.Run(tc.line, func(t *testing.T) {
			_, sites, err := load(siteWith(tc.line))
			if err != nil {
				t.Fatal(err)
			}
			want := base()
			tc.change(want)
			if reflect.DeepEqual(want, base()) {
				t.Fatal("the row changes nothing")
			}
			want.FinishReady()
			same(t, sites[0], want)
		})
	}
}

func TestDefaults(t *testing.T) {
	for _, line := range append(defaults, "# nothing") {
		t.Run(line, func(t *testing.T) {
			_, sites, err := load(siteWith(line))
			if err != nil {
				t.Fatal(err)
			}
			want := base()
			want.FinishReady()
			same(t, sites[0], want)
		})
	}
}
