//go:build linux

package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// served is a server block with two sites whose services the CDN big has, and whose
// origin is down. More lines go into the block of the CDN.
func served(lines ...string) string {
	return block(metrics, `    cdnredirect {
        socket $socket
        allow 127.0.0.0/8
        cdn big {
            `+strings.Join(lines, "\n            ")+`
        }
        class web {
            origin 127.0.0.1
            probe http http://{origin}:$origin/ every 1s timeout 800ms
            threshold response_time 300ms
            cdn small `+smallTarget+` priority 1
            ready none
        }
        site `+site+` class web {
            cdn big `+target+` service one
        }
        site `+shop+` class web {
            cdn big shop.big.example.net service two
        }
    }
`)
}

// fastlyAPI answers as the real-time analytics of Fastly do, for whoever has the
// token: each service has so many bytes in every second.
func fastlyAPI(t *testing.T, bytes *atomic.Int64) (port, token string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Fastly-Key") != "k-1234" || r.URL.Path != "/v1/channel/one/ts/h/limit/10" && r.URL.Path != "/v1/channel/two/ts/h/limit/10" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		now := time.Now().Unix()
		var seconds []string
		for i := range int64(10) {
			seconds = append(seconds, fmt.Sprintf(`{"recorded": %d, "aggregated": {"requests": 10, "edge_requests": 10, "edge_resp_body_bytes": %d}}`, now-9-i, bytes.Load()))
		}
		fmt.Fprintf(w, `{"Data": [%s], "Timestamp": %d, "AggregateDelay": 9}`, strings.Join(seconds, ","), now)
	}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("k-1234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return portOf(t, server.URL), path
}

// TestACDNIsFullByTheSumOfItsServices: neither of the two would fill it.
func TestACDNIsFullByTheSumOfItsServices(t *testing.T) {
	t.Parallel()
	var bytes atomic.Int64
	bytes.Store(25_000) // 200 kbit/s of each
	vars := withSocket(t, at(absentOrigin(t)))
	vars["api"], vars["token"] = fastlyAPI(t, &bytes)
	s := spec{corefile: served("capacity 1Mbit", "feed map fastly http://127.0.0.1:$api/ every 1s header Fastly-Key file:$token"), vars: vars}.start(t)
	await(t, patience, atCDN, s.answer)
	s.ctl(t, "cdns").expect(t, 0, "big  third-party  ready", "used_bandwidth  400kbit")

	bytes.Store(75_000) // 600 kbit/s of each
	await(t, patience, atSmall, s.answer)
	s.ctl(t, "cdns").expect(t, 0, "big  third-party  out", "used_bandwidth 1.2Mbit is 120 % of the limit 1Mbit")
}

// TestALateFeedInforms: what is said five minutes late is shown with its age, and
// the probe decides.
func TestALateFeedInforms(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"n": 9e9, "of": %q}`, r.URL.Path) }))
	t.Cleanup(api.Close)
	web := startOrigin(t, "127.0.0.2") // the origin is down
	vars := withSocket(t, at(web))
	vars["api"] = portOf(t, api.URL)
	s := spec{corefile: served("probe http http://127.0.0.2:$origin/ every 1s timeout 800ms", "feed used_bandwidth json http://127.0.0.1:$api/{service} n every 1s delay 5m"), vars: vars}.start(t)
	await(t, patience, atCDN, s.answer)
	awaitTrue(t, "the record has what is late", func() bool {
		return strings.Contains(s.ctl(t, "cdns").stdout, "used_bandwidth  18Gbit  5m0")
	})
	s.ctl(t, "cdns").expect(t, 0, "big  third-party  ready")
}
