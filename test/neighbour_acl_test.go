//go:build linux

package test

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// rules refuse one type, empty another, and drop what one client sends.
var rules = nested("acl", "drop net 127.0.0.3/32", "block type MX", "filter type TXT", "filter net 127.0.0.2/32")

func TestAclBlocksInFrontOfASite(t *testing.T) {
	t.Parallel()
	inBothStates(t, block(rules, ours()), usual, func(t *testing.T, s *server, diverted bool) {
		for _, c := range []client{s.udp(), s.tcp()} {
			if got := c.ask(site, dns.TypeMX); got != "REFUSED" {
				t.Errorf("Expected MX over %s to be refused, got %q", c.net, got)
			}
			if got := c.ask(site, dns.TypeA); got != usual.in(diverted) {
				t.Errorf("Expected A over %s to be %q, got %q", c.net, usual.in(diverted), got)
			}
		}
	})
}

// TestAclFiltersWithoutSOA pins plugin/acl/acl.go: the filtered answer is a
// NODATA that says nothing about how long it may be kept.
func TestAclFiltersWithoutSOA(t *testing.T) {
	t.Parallel()
	const filtered = "no records"
	inBothStates(t, block(rules, ours()), usual, func(t *testing.T, s *server, _ bool) {
		if got := s.udp().ask(site, dns.TypeTXT); got != filtered {
			t.Errorf("Expected %q, got %q", filtered, got)
		}
		if got := s.udp().askFrom("127.0.0.2", site, dns.TypeA); got != filtered {
			t.Errorf("Expected %q for the filtered client, got %q", filtered, got)
		}
	})
}

// TestAclDropsSilently counts what was dropped: an answer that only came late
// is no drop.
func TestAclDropsSilently(t *testing.T) {
	t.Parallel()
	inBothStates(t, block(metrics, rules, ours()), usual, func(t *testing.T, s *server, diverted bool) {
		for range 2 {
			if m, err := s.udp().from("127.0.0.3", time.Second/2, question(site, dns.TypeA)); err == nil {
				t.Errorf("Expected no answer, got %v", m)
			}
		}
		if got := s.total(t, "coredns_acl_dropped_requests_total"); got != 2 {
			t.Errorf("Expected both questions dropped, got %g", got)
		}
		if got := s.answer(); got != usual.in(diverted) {
			t.Errorf("Expected %q for others, got %q", usual.in(diverted), got)
		}
	})
}
