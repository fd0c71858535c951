//go:build linux

package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// partners is a server block with a foreign origin and two foreign CDNs, at whose
// addresses everybody may ask. Lines come to the block of the first CDN.
func partners(lines ...string) string {
	return block(metrics, `    cdnredirect {
        socket $socket
        allow 127.0.0.0/8
        origin partner {
            address 127.0.0.1
            operated third-party
        }
        cdn big {
            operated third-party
            probe http http://127.0.0.2:$origin/ every 1s timeout 800ms
            `+strings.Join(lines, "\n            ")+`
        }
        cdn small {
            probe http http://127.0.0.3:$origin/ every 1s timeout 800ms
        }
        site `+site+` {
            origin partner
            cdn big `+target+`
            cdn small `+smallTarget+`
            ready none
            probe http http://{origin}:$origin/ every 1s timeout 800ms
            threshold response_time 300ms
            failback_delay 2s
            damping off
        }
    }
`)
}

// Where the second CDN is.
const (
	smallTarget = "www-example-org.small.example.net."
	atSmall     = "CNAME " + smallTarget
)

// TestForeignOriginAndForeignCDNsByProbesAlone is claims 3 and 13: nobody tells
// anything of them, and each in turn dies.
func TestForeignOriginAndForeignCDNsByProbesAlone(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	s := spec{corefile: partners(), vars: withSocket(t, at(web))}.start(t)
	await(t, patience, atOrigin, s.answer)

	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, s.answer)
	web.kill("127.0.0.2")
	await(t, patience, atSmall, s.answer)
	s.expectTypes(t, func(uint16) string { return atSmall })
	s.ctl(t, "cdns").expect(t, 0, "big    third-party  out", "small  third-party  ready", "response_time")
	s.ctl(t, "explain", site).expect(t, 0, "out: ", smallTarget)
	web.kill("127.0.0.3")
	await(t, patience, atOrigin, s.answer) // nobody is better
	web.revive(t, "127.0.0.1")
	await(t, patience, atOrigin, s.answer)
}

// TestACDNIsReadOnThePublicInternetOnly has a CDN at home, and no network allowed:
// nothing is sent there, and nothing is known of it.
func TestACDNIsReadOnThePublicInternetOnly(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(web.Close)
	of := func(lines ...string) string {
		probe := "probe http http://127.0.0.1:$cdn/ every 1s"
		return block(siteBlock([]string{"socket $socket", "cdn example {\n" + probe + "\n" + strings.Join(lines, "\n") + "\n}"}, []string{site}))
	}
	vars := withSocket(t, at(absentOrigin(t)))
	vars["cdn"] = portOf(t, web.URL)
	s := spec{corefile: of(), vars: vars}.start(t)
	await(t, patience, atCDN, s.answer)
	s.ctl(t, "cdns").expect(t, 0, "third-party  unknown")
	if n := asked.Load(); n != 0 {
		t.Errorf("Expected nothing sent, got %d requests", n)
	}

	s.configure(t, of("operated own"))
	s.reload(t)
	s.ctl(t, "cdns").expect(t, 0, "own       ready")
	if asked.Load() == 0 {
		t.Error("Expected the CDN to be probed")
	}
}

// advertisement is what a CDN says of itself (RFC 9808).
func advertisement(current int) string {
	return fmt.Sprintf(`{"capabilities": [
		{"capability-type": "FCI.Telemetry", "capability-value": {"sources": [
			{"id": "stats", "type": "generic", "metrics": [{"name": "egress_1m", "time-granularity": 60, "latency": 1}]}]}, "footprints": []},
		{"capability-type": "FCI.CapacityLimits", "capability-value": {"limits": [
			{"id": "all", "limit-type": "egress", "maximum-hard": 1000000, "maximum-soft": 800000, "current": %d,
			 "telemetry-source": {"id": "stats", "metric": "egress_1m"}}]}, "footprints": []}]}`, current)
}

// TestACDNThatSaysItIsFullIsLeft and comes back in parts once it says that it is
// not.
func TestACDNThatSaysItIsFullIsLeft(t *testing.T) {
	t.Parallel()
	var current atomic.Int64
	current.Store(100_000)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, advertisement(int(current.Load())))
	}))
	t.Cleanup(api.Close)
	vars := withSocket(t, at(startOrigin(t, "127.0.0.2", "127.0.0.3"))) // the origin is down
	vars["api"] = portOf(t, api.URL)
	s := spec{corefile: partners("feed fci http://127.0.0.1:$api/fci every 1s"), vars: vars}.start(t)
	await(t, patience, atCDN, s.answer)

	current.Store(1_000_000)
	await(t, patience, atSmall, s.answer)
	s.ctl(t, "explain", site).expect(t, 0, "out: threshold: load 1 is 100 % of the limit 1")
	current.Store(100_000)
	awaitTrue(t, "the CDN takes a part of its clients", func() bool {
		said := s.ctl(t, "cdns").stdout
		return strings.Contains(said, "third-party  ready") && strings.Contains(said, "  5%  ")
	})
}

// TestStatisticsThatLieMoveNobody has the CDN's feed say what cannot be, and then
// that it is full.
func TestStatisticsThatLieMoveNobody(t *testing.T) {
	t.Parallel()
	var page atomic.Value
	page.Store(`{"now": 1000}`)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page.Load()) }))
	t.Cleanup(api.Close)
	web := startOrigin(t, "127.0.0.2", "127.0.0.3") // the origin is down
	vars := withSocket(t, at(web))
	vars["api"] = portOf(t, api.URL)
	s := spec{corefile: partners("capacity 10kbit", "feed used_bandwidth json http://127.0.0.1:$api/ now every 1s"), vars: vars}.start(t)
	await(t, patience, atCDN, s.answer)
	for _, lie := range []string{`{"now": -20000}`, `<html>It works!</html>`, `{"now": 1e309}`, `{"now": "much"}`, `{}`} {
		page.Store(lie)
		for end := time.Now().Add(3 * period); time.Now().Before(end); time.Sleep(period / 4) {
			if got := s.answer(); got != atCDN {
				t.Fatalf("%s: Expected no change, got %s", lie, got)
			}
		}
	}
	page.Store(`{"now": 12000}`)
	await(t, patience, atSmall, s.answer)
	s.ctl(t, "cdns").expect(t, 0, "used_bandwidth 12kbit is 120 % of the limit 10kbit", "12kbit")
}
