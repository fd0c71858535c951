package health_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestICMP runs where the system lets us ping, and looks at the message where
// it does not.
func TestICMP(t *testing.T) {
	for _, url := range []string{"icmp://127.0.0.1", "icmp://[::1]", "icmp://127.0.0.1:/"} {
		t.Run(url, func(t *testing.T) {
			r := ask(t, probing(t, "icmp"), asked(url, site.Ask{}))
			if r.Failure == site.FailureLocal {
				wantFailure(t, r, site.FailureLocal, "opening a socket for ICMP: ", "net.ipv4.ping_group_range", "CAP_NET_RAW")
				missing(t, "pinging is not allowed here: %v", r.Err)
			}
			if r.Failure == site.FailureConnect && url == "icmp://[::1]" {
				missing(t, "there is no IPv6 here: %v", r.Err)
			}
			wantGood(t, r)
			if p := r.Phases; p.FirstByte <= 0 || p.Resolve+p.Connect+p.TLS+p.Transfer != 0 || r.Bytes != 24 {
				t.Errorf("got phases %+v and %d bytes, want first byte and 24", p, r.Bytes)
			}
		})
	}
}

func TestICMPPublic(t *testing.T) {
	to := asked("icmp://127.0.0.1", site.Ask{})
	to.Public = true
	wantFailure(t, ask(t, probing(t, "icmp"), to), site.FailureForbidden, "not allowed")
}

// TestICMPName needs no DNS: one name is in the system's file of hosts, the
// other can be in none.
func TestICMPName(t *testing.T) {
	r := ask(t, probing(t, "icmp"), asked("icmp://no..name", site.Ask{}))
	wantFailure(t, r, site.FailureResolve, "resolving 'no..name': ")

	r = ask(t, probing(t, "icmp"), asked("icmp://localhost", site.Ask{}))
	if r.Failure == site.FailureLocal {
		missing(t, "pinging is not allowed here: %v", r.Err)
	}
	wantGood(t, r)
	if r.Phases.Resolve <= 0 {
		t.Errorf("got phases %+v, want the time of the look-up", r.Phases)
	}
}
