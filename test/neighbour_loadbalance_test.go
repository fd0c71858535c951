//go:build linux

package test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// three is an origin with addresses to rotate.
const three = "origin 127.0.0.3 127.0.0.1 127.0.0.2"

// atThree are the answers for it: one probe speaks for all.
var atThree = answers{"A 127.0.0.1, A 127.0.0.2, A 127.0.0.3", edge.cdn}

// oneProbe makes a single web server speak for all addresses.
const oneProbe = "probe http http://127.0.0.1:$origin/ every 1s timeout 800ms"

func TestRule17LoadbalanceRotatesAddressesBehindTheCNAME(t *testing.T) {
	t.Parallel()
	corefile := block("    loadbalance round_robin\n", ours(three, oneProbe, toEdge), zoneIn(t, zoneBehind))
	inBothStates(t, corefile, atThree, func(t *testing.T, s *server, diverted bool) {
		leaders := make(map[string]int)
		for range 100 { // three records come out alike with a probability of 3^-99
			m := s.udp().must(t, question(site, dns.TypeA))
			if got := summary(m); got != atThree.in(diverted) {
				t.Fatalf("Expected %q, got %q", atThree.in(diverted), got)
			}
			if diverted && m.Answer[0].Header().Rrtype != dns.TypeCNAME {
				t.Fatalf("Expected the CNAME first, got %v", m.Answer)
			}
			address := slices.IndexFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeA })
			leaders[m.Answer[address].String()]++
		}
		if len(leaders) < 2 {
			t.Errorf("Expected addresses to take turns, got %v first", leaders)
		}
	})
}

// TestOrderOfAddressesIsOursWithoutLoadbalance is what makes the test above
// one of loadbalance: dnssec signs by content, and wants one order.
func TestOrderOfAddressesIsOursWithoutLoadbalance(t *testing.T) {
	t.Parallel()
	s := startIn(t, false, block(ours(three, oneProbe)))
	await(t, patience, atThree.origin, s.answer)
	first := fmt.Sprint(s.udp().must(t, question(site, dns.TypeA)).Answer)
	for range 100 {
		if got := fmt.Sprint(s.udp().must(t, question(site, dns.TypeA)).Answer); got != first {
			t.Fatalf("Expected always %s, got %s", first, got)
		}
	}
}
