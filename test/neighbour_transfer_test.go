//go:build linux

package test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// transferred returns the records of the zone, one a line, or what came instead.
func (s *server) transferred() string {
	in, err := new(dns.Transfer).In(new(dns.Msg).SetAxfr("example.org."), s.address("dns"))
	if err != nil {
		return err.Error()
	}
	var lines strings.Builder
	for envelope := range in {
		if envelope.Error != nil {
			return envelope.Error.Error()
		}
		for _, rr := range envelope.RR {
			lines.WriteString(rr.String() + "\n")
		}
	}
	return lines.String()
}

func TestRule02TransferHoldsTheFileAndNothingOfTheSite(t *testing.T) {
	t.Parallel()
	corefile := block(nested("transfer", "to *"), ours(), zoneIn(t, zoneBehind))
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		got := s.transferred()
		const records = 8 // those of zoneBehind, and the SOA again
		if strings.Count(got, "\n") != records || !strings.Contains(got, "192.0.2.25") {
			t.Errorf("Expected the %d records of the zone file, got %s", records, got)
		}
		for _, ours := range []string{"127.0.0.1", target, "\n" + site} {
			if strings.Contains(got, ours) {
				t.Errorf("Expected nothing of the site, got %s", got)
			}
		}
		s.expectState(t, diverted)
	})
}

// TestRule02TransferOfASiteIsRefused asks for a site as if it were a zone.
func TestRule02TransferOfASiteIsRefused(t *testing.T) {
	t.Parallel()
	corefile := block(nested("transfer", "to *"), ours(), zoneIn(t, zoneBehind))
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, _ bool) {
		for _, q := range []*dns.Msg{new(dns.Msg).SetAxfr(site), new(dns.Msg).SetIxfr(site, 1, "ns.example.org.", "hostmaster.example.org.")} {
			if got := summary(s.tcp().must(t, q)); got != "REFUSED" {
				t.Errorf("Expected %s to be refused, got %q", dns.Type(q.Question[0].Qtype), got)
			}
		}
	})
}

func TestTransferIsRefusedWithoutThePlugin(t *testing.T) {
	t.Parallel()
	inBothStates(t, block(ours(), zoneIn(t, zoneBehind)), usual, func(t *testing.T, s *server, _ bool) {
		for _, name := range []string{"example.org.", site} {
			for _, qtype := range []uint16{dns.TypeAXFR, dns.TypeIXFR} {
				if got := s.tcp().ask(name, qtype); got != "REFUSED" {
					t.Errorf("Expected %s of %s to be refused, got %q", dns.Type(qtype), name, got)
				}
			}
		}
	})
}
