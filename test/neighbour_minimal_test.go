//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

const minimal = "    minimal\n"

func TestMinimalLeavesAnswersAndDenials(t *testing.T) {
	t.Parallel()
	inBothStates(t, block(minimal, ours()), usual, func(t *testing.T, s *server, diverted bool) {
		s.expectState(t, diverted)
	})
}

// TestMinimalLeavesEDNSToTheServer checks that a client that speaks EDNS still
// gets an OPT record: that one is the server's own.
func TestMinimalLeavesEDNSToTheServer(t *testing.T) {
	t.Parallel()
	inBothStates(t, block(minimal, ours()), usual, func(t *testing.T, s *server, _ bool) {
		q := question(site, dns.TypeA).SetEdns0(1232, false)
		if m := s.udp().must(t, q); m.IsEdns0() == nil || len(m.Ns) > 0 {
			t.Errorf("Expected an OPT record and no authority, got %v", m)
		}
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
			m := s.udp().must(t, question(site, dns.TypeTXT))
			if summary(m) != "CNAME edge.example.org." || len(m.Ns) != tc.soas {
				t.Errorf("Expected the CNAME and %d SOA records, got %v", tc.soas, m)
			}
		})
	}
}
