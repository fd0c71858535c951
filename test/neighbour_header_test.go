//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

func TestHeaderSetsAndClearsFlagsOfOurAnswers(t *testing.T) {
	t.Parallel()
	header := nested("header", "query clear rd", "response set ra", "response clear aa")
	inBothStates(t, block(header, ours()), usual, func(t *testing.T, s *server, diverted bool) {
		for _, qtype := range dataTypes {
			m := s.udp().must(t, question(site, qtype))
			if m.Authoritative || !m.RecursionAvailable || m.RecursionDesired {
				t.Errorf("Expected RA, and neither AA nor RD, got %v", m.MsgHdr)
			}
		}
		s.expectState(t, diverted)
	})
}

// TestHeaderLeavesWhatIsNotNamed is the same without the plugin's flags.
func TestHeaderLeavesWhatIsNotNamed(t *testing.T) {
	t.Parallel()
	header := nested("header", "response set rd")
	inBothStates(t, block(header, ours()), usual, func(t *testing.T, s *server, _ bool) {
		q := question(site, dns.TypeA)
		q.RecursionDesired = false
		if m := s.udp().must(t, q); !m.Authoritative || m.RecursionAvailable || !m.RecursionDesired {
			t.Errorf("Expected AA and RD, and no RA, got %v", m.MsgHdr)
		}
	})
}
