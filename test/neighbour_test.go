//go:build linux

package test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The neighbour files have one real plugin of CoreDNS in the chain with ours
// each, in front of it or behind it. What such a plugin does to our answers
// against our wish is pinned as it is, by a test that names its file: once
// CoreDNS changes, README.md has to change.

// answers are what is answered for the site's A record in either state.
type answers struct{ origin, cdn string }

func (a answers) in(diverted bool) string {
	if diverted {
		return a.cdn
	}
	return a.origin
}

// usual are the answers without anything else in the zone.
var usual = answers{atOrigin, atCDN}

// zoneBehind is what the zone holds beside the site, of which it knows nothing.
const zoneBehind = `$ORIGIN example.org.
$TTL 3600
@     SOA   ns hostmaster 1 7200 1800 86400 3600
@     NS    ns
ns    A     192.0.2.53
mail  A     192.0.2.25
edge  A     192.0.2.90
edge  A     192.0.2.91
alias CNAME www
`

// zoneIn returns the directive for a zone file of example.org that says text.
func zoneIn(t *testing.T, text string) string {
	t.Helper()
	return "    file " + write(t, folder(t), "db.example.org", text) + " example.org\n"
}

// toEdge sends the site to a CDN whose name the zone behind has.
const toEdge = "cdn example edge.example.org"

// edge is usual for toEdge.
var edge = answers{atOrigin, "A 192.0.2.90, A 192.0.2.91, CNAME edge.example.org."}

// startIn starts a server whose site is at its origin, or is diverted because
// that is dead.
func startIn(t *testing.T, diverted bool, corefile string) *server {
	t.Helper()
	return spec{corefile: corefile, vars: at(originIn(t, diverted))}.start(t)
}

// originIn returns an origin that is there, or for a diverted site none.
func originIn(t *testing.T, diverted bool) *origin {
	t.Helper()
	if diverted {
		return absentOrigin(t)
	}
	return startOrigin(t)
}

// inBothStates runs a test at the origin and diverted.
func inBothStates(t *testing.T, corefile string, want answers, test func(t *testing.T, s *server, diverted bool)) {
	for name, diverted := range map[string]bool{"origin": false, "diverted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startIn(t, diverted, corefile)
			await(t, patience, want.in(diverted), s.answer)
			test(t, s, diverted)
		})
	}
}

// expectState asks for every type over UDP and TCP.
func (s *server) expectState(t *testing.T, diverted bool) {
	t.Helper()
	if diverted {
		s.expectTypes(t, cdnHasEverything)
	} else {
		s.expectTypes(t, originHasAddresses)
	}
}

// from asks once from another address of the loopback network.
func (c client) from(source string, bound time.Duration, q *dns.Msg) (*dns.Msg, error) {
	var local net.Addr = &net.UDPAddr{IP: net.ParseIP(source)}
	if c.net == "tcp" {
		local = &net.TCPAddr{IP: net.ParseIP(source)}
	}
	dc := dns.Client{Net: c.net, Timeout: bound, Dialer: &net.Dialer{LocalAddr: local, Timeout: bound}}
	m, _, err := dc.Exchange(q, c.addr)
	return m, err
}

// askFrom is ask from another address.
func (c client) askFrom(source, name string, qtype uint16) string {
	m, err := c.from(source, patience, question(name, qtype))
	if err != nil {
		return "no answer: " + err.Error()
	}
	return summary(m)
}

// nested is a directive with lines of its own.
func nested(directive string, lines ...string) string {
	return "    " + directive + " {\n        " + strings.Join(lines, "\n        ") + "\n    }\n"
}
