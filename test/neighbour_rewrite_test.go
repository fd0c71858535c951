//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

func TestRewrittenNameGetsTheSitesAnswerUnderItsOwnName(t *testing.T) {
	t.Parallel()
	const other = "shop.example.org."
	corefile := block("    rewrite name exact "+other+" "+site+"\n", ours())
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		for _, c := range []client{s.udp(), s.tcp()} {
			m := c.must(t, question(other, dns.TypeA))
			if got := summary(m); got != usual.in(diverted) {
				t.Errorf("Expected %q, got %q", usual.in(diverted), got)
			}
			if m.Question[0].Name != other || len(m.Answer) == 0 || m.Answer[0].Header().Name != other {
				t.Errorf("Expected question and owner %s, got %v", other, m)
			}
		}
		s.expectState(t, diverted)
	})
}

// TestRewriteRaisesTTLs pins plugin/rewrite/ttl.go: a rule that matches the
// site's name is stronger than the site's ttl, in answers and in the SOA of
// negative ones, whose MINIMUM stays.
func TestRewriteRaisesTTLs(t *testing.T) {
	t.Parallel()
	corefile := block("    rewrite ttl exact "+site+" 300\n", ours(ttls))
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		want := answers{"A 300", "CNAME 300"}.in(diverted)
		if got := s.ttl(); got != want {
			t.Errorf("Expected %q, got %q", want, got)
		}
		if got := s.negativeTTL(); !diverted && got != "example.org. SOA 300 MINIMUM 30" {
			t.Errorf("Expected an SOA that is kept too long, got %q", got)
		}
	})
}

// TestRewriteChangesTheTargetOfTheCNAME has the plugin ask for the new target
// itself: the answer holds what that one has.
func TestRewriteChangesTheTargetOfTheCNAME(t *testing.T) {
	t.Parallel()
	corefile := block("    rewrite cname exact "+target+" edge.example.org.\n", ours(), zoneIn(t, zoneBehind))
	inBothStates(t, corefile, edge, func(t *testing.T, s *server, diverted bool) {
		want := answers{"NODATA", "CNAME edge.example.org."}.in(diverted)
		if got := s.udp().ask(site, dns.TypeCNAME); got != want {
			t.Errorf("Expected %q, got %q", want, got)
		}
	})
}
