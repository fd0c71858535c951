//go:build linux

package test

import (
	"testing"

	"github.com/miekg/dns"
)

// TestLogShowsSiteDecisionAndReason is what the README has people watch in the
// first weeks.
func TestLogShowsSiteDecisionAndReason(t *testing.T) {
	t.Parallel()
	const format = `    log . "{type} {name} {rcode} {/cdnredirect/site} {/cdnredirect/decision} because {/cdnredirect/reason}."` + "\n"
	corefile := block("    metadata\n", format, ours(), zoneIn(t, zoneBehind))
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		s.expectState(t, diverted)
		s.udp().must(t, question("mail.example.org.", dns.TypeA))
		for _, want := range []string{
			"[INFO] TXT " + site + " NOERROR " + site + answers{" origin because below: response_time ", " cdn example because down: response_time "}.in(diverted),
			"[INFO] A mail.example.org. NOERROR - - because -.", // none of ours
		} {
			awaitTrue(t, "the line "+want, func() bool { return s.output.count(want) > 0 })
		}
	})
}
