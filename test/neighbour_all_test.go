//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

// crowd returns the directives of all neighbours that one server block may have.
func crowd(t *testing.T, key zoneKey) []string {
	t.Helper()
	return []string{
		"    metadata\n", "    multisocket 2\n", "    bufsize 1232\n", "    shed\n", metrics,
		`    log . "{type} {/cdnredirect/decision}"` + "\n", "    loadbalance\n",
		"    rewrite name exact shop.example.org. " + site + "\n", nested("acl", "block type ANY", "allow"),
		caches["serve_stale"], nested("header", "response clear ra"), key.dnssec(), minimal, nested("transfer", "to *"),
		ours(toEdge), zoneIn(t, zoneBehind),
	}
}

// TestAllNeighboursTogether flips a site with every neighbour in the chain, and
// has it validated in each state.
func TestAllNeighboursTogether(t *testing.T) {
	t.Parallel()
	key := newZoneKey(t)
	web := startOrigin(t)
	s := spec{corefile: block(crowd(t, key)...), vars: at(web)}.start(t)
	s.expectCrowded(t, key, edge.origin)
	web.kill("127.0.0.1")
	s.expectCrowded(t, key, edge.cdn)
	web.revive(t, "127.0.0.1")
	s.expectCrowded(t, key, edge.origin)
}

// expectCrowded waits for an answer and wants it from everywhere.
func (s *server) expectCrowded(t *testing.T, key zoneKey, want string) {
	t.Helper()
	await(t, promisedDown+promisedBack, want, s.answer)
	for _, c := range []client{s.udp(), s.tcp()} {
		for _, name := range []string{site, "shop.example.org."} {
			if got := c.ask(name, dns.TypeA); got != want {
				t.Errorf("Expected %s over %s to be %q, got %q", name, c.net, want, got)
			}
		}
		if got := c.ask(site, dns.TypeANY); got != "REFUSED" {
			t.Errorf("Expected acl to refuse ANY over %s, got %q", c.net, got)
		}
	}
	key.expectProved(t, s.secure(t, site, dns.TypeTXT))
	expectSaid(t, site, key.delv(t, s, site, "A"), "; fully validated")
}
