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

// partner is a server block with a site whose origin somebody else operates,
// known by a feed alone, and one of our own that reads the same.
func partner(host, line string) string {
	return strings.NewReplacer("HOST", host, "LINE", line).Replace(block(metrics, `    cdnredirect {
        LINE
        origin partner {
            address 127.0.0.1
            operated third-party
            feed load json http://HOST:$feed/load n every 1s
        }
        class fed {
            cdn example `+target+`
            ready none
            threshold load 5 no_data cdn after 1s
            failback_delay 1s
            damping off
        }
        site `+site+` class fed {
            origin partner
        }
        site own.example.org class fed {
            origin 127.0.0.1
            feed load json http://HOST:$feed/own n every 1s
        }
    }
`))
}

// promisedBlind is when a feed that has never been read counts as missing, with
// the time of its rule.
const promisedBlind = 7 * time.Second

// TestThirdPartyIsReadOnThePublicInternetOnly has a feed at home, as an address
// and as a name: nothing is sent there, and there is no sample, until a network
// is allowed.
func TestThirdPartyIsReadOnThePublicInternetOnly(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			asked, port := startFeed(t)
			s := spec{corefile: partner(host, ""), vars: map[string]string{"feed": port}}.start(t)
			t.Logf("CNAME after %s", await(t, promisedBlind, atCDN, s.answer))
			if n := asked.Load(); n != 0 {
				t.Fatalf("Expected nothing sent, got %d requests", n)
			}
			s.expectForbidden(t, host)

			s.configure(t, partner(host, "allow 127.0.0.0/8 ::1"))
			s.reload(t)
			t.Logf("A after %s", await(t, patience, atOrigin, s.answer))
			if asked.Load() == 0 {
				t.Error("Expected the feed to be read")
			}
		})
	}
}

// startFeed starts a web server that knows a load of 1, and counts who asks on
// behalf of the partner.
func startFeed(t *testing.T) (asked *atomic.Int64, port string) {
	t.Helper()
	asked = new(atomic.Int64)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/load" {
			asked.Add(1)
		}
		fmt.Fprint(w, `{"n": 1}`)
	}))
	t.Cleanup(web.Close)
	return asked, portOf(t, web.URL)
}

// expectForbidden looks for the refusal where it is to be seen: in the metrics
// and in the log, once. The site of our own is not concerned.
func (s *server) expectForbidden(t *testing.T, host string) {
	t.Helper()
	if s.total(t, ownSeries+"probes_total", "kind", "json", "result", "forbidden") == 0 {
		t.Error("Expected the result forbidden")
	}
	if n := s.output.count("'http://" + host + ":" + s.vars["feed"] + "/load': connecting: "); n != 1 {
		t.Errorf("Expected one word in the log, got %d", n)
	}
	if got := s.udp().ask("own.example.org.", typeA); got != atOrigin {
		t.Errorf("Expected %q of the site of our own, got %q", atOrigin, got)
	}
}
