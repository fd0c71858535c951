//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

const minimal = "    minimal\n"

// TestMinimalLeavesAnswersAndDenials would find a denial without its SOA.
func TestMinimalLeavesAnswersAndDenials(t *testing.T) {
	t.Parallel()
	inBothStates(t, block(minimal, ours()), usual, func(t *testing.T, s *server, diverted bool) {
		s.expectState(t, diverted)
	})
}

// TestMinimalDropsTheSOAOfAChainThatEndsInNODATA pins plugin/minimal/minimal.go:
// an answer with a CNAME is a success for it, so its authority goes. Resolvers
// ask for the target again then.
func TestMinimalDropsTheSOAOfAChainThatEndsInNODATA(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		directive string
		soas      int
	}{"with minimal": {minimal, 0}, "without": {"", 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startIn(t, true, block(tc.directive, ours(toEdge), zoneIn(t, zoneBehind)))
			await(t, patience, edge.cdn, s.answer)
			m := s.udp().must(t, question(site, dns.TypeTXT).SetEdns0(1232, false))
			if summary(m) != "CNAME edge.example.org." || len(m.Ns) != tc.soas {
				t.Errorf("Expected the CNAME and %d SOA records, got %v", tc.soas, m)
			}
			if m.IsEdns0() == nil { // that one is the server's
				t.Errorf("Expected an OPT record for a client that speaks EDNS, got %v", m)
			}
		})
	}
}
