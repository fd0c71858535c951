//go:build linux

package test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// pushedTo is a server block with the site, which is judged by the load that its host
// pushes.
func pushedTo() string {
	return block(talkative, `    cdnredirect {
        socket $socket
        site `+site+` {
            origin 127.0.0.1
            cdn example `+target+`
            ready none
            feed load push web1 every 1s
            threshold load 0.8 recover 0.6
            failback_delay 2s
            no_data stay
        }
    }
`)
}

// TestAHostThatPushesItsLoadDiverts has a host say over the socket that it is busy, and
// then that it is not. What nobody reads, and what was said before, is refused.
func TestAHostThatPushesItsLoadDiverts(t *testing.T) {
	t.Parallel()
	s := spec{corefile: pushedTo(), vars: withSocket(t, map[string]string{})}.start(t)
	host := pusher{socket: s.vars["socket"]}
	host.says(t, "web2", 0.5, http.StatusNotFound)
	pushing := func(load float64) func() string {
		return func() string {
			host.sequence++
			host.says(t, "web1", load, http.StatusOK)
			time.Sleep(period / 2)
			return s.answer()
		}
	}
	for range 6 { // so that the first one that is heard is not the one that diverts
		if got := pushing(0.5)(); got != atOrigin {
			t.Fatalf("Expected %q, got %q", atOrigin, got)
		}
	}
	t.Logf("diverted after %s", await(t, 8*period, atCDN, pushing(0.9)))
	host.says(t, "web1", 0.5, http.StatusConflict)
	s.ctl(t, "explain", site).expect(t, 0, "load", "push")
	t.Logf("back after %s", await(t, 12*period, atOrigin, pushing(0.5)))
}

// pusher is a host that says how it is.
type pusher struct {
	socket   string
	sequence int
}

func (p *pusher) says(t *testing.T, host string, load float64, want int) {
	t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", p.socket)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: patience}
	body := fmt.Sprintf(`{"host": "%s", "sequence": %d, "at": "%s", "values": {"load": %g}}`, host, p.sequence, time.Now().Format(time.RFC3339Nano), load)
	resp, err := client.Post("http://cdnredirect/v1/push", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		t.Fatalf("%s: Expected status %d, got %d", body, want, resp.StatusCode)
	}
}
