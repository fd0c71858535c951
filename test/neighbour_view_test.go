//go:build linux

package test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// inside is the client that is not shown the site.
const inside = "127.0.0.2"

// hidden is what the zone file has at the site's name.
const hidden = "www   A     192.0.2.80\n"

// viewed returns two server blocks for one zone and port: ours for questions
// of which expr is true, and a zone file for all others.
func viewed(t *testing.T, expr string, more ...string) string {
	t.Helper()
	more = append(more, nested("view steered", "expr "+expr), ours())
	return block(more...) + block(zoneIn(t, zoneBehind+hidden))
}

func TestViewShowsASiteToSomeClients(t *testing.T) {
	t.Parallel()
	corefile := viewed(t, "!incidr(client_ip(), '"+inside+"/32')")
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		for _, c := range []client{s.udp(), s.tcp()} {
			if got := c.ask(site, dns.TypeA); got != usual.in(diverted) {
				t.Errorf("Expected %q over %s, got %q", usual.in(diverted), c.net, got)
			}
			if got := c.askFrom(inside, site, dns.TypeA); got != "A 192.0.2.80" {
				t.Errorf("Expected the zone file's address over %s inside, got %q", c.net, got)
			}
			if got := c.ask("mail.example.org.", dns.TypeA); got != "REFUSED" {
				t.Errorf("Expected nothing behind the site in its view, got %q over %s", got, c.net)
			}
		}
	})
}

func TestViewShowsASiteByName(t *testing.T) {
	t.Parallel()
	corefile := viewed(t, "name() == '"+site+"'")
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		if got := s.udp().ask("mail.example.org.", dns.TypeA); got != "A 192.0.2.25" {
			t.Errorf("Expected another name from the zone file, got %q", got)
		}
		s.expectState(t, diverted)
	})
}

// TestViewShowsASiteByItsDecision chooses the block by our metadata.
func TestViewShowsASiteByItsDecision(t *testing.T) {
	t.Parallel()
	corefile := viewed(t, "metadata('cdnredirect/decision') == 'cdn example'", "    metadata\n")
	inBothStates(t, corefile, answers{"A 192.0.2.80", atCDN}, func(*testing.T, *server, bool) {})
}

// TestBareBlockServesTheSiteInAnotherView has one set of sites in two views.
func TestBareBlockServesTheSiteInAnotherView(t *testing.T) {
	t.Parallel()
	first := viewed(t, "!incidr(client_ip(), '"+inside+"/32')")
	corefile := strings.Replace(first, "    file ", "    cdnredirect\n    file ", 1)
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		if got := s.udp().askFrom(inside, site, dns.TypeA); got != usual.in(diverted) {
			t.Errorf("Expected %q inside, got %q", usual.in(diverted), got)
		}
		if got := s.udp().askFrom(inside, "mail.example.org.", dns.TypeA); got != "A 192.0.2.25" {
			t.Errorf("Expected the zone behind inside, got %q", got)
		}
	})
}

// TestViewMisroutesDS pins core/dnsserver/server.go: of the blocks for one zone
// a question for DS goes to the last that matches, not to the first. That one
// should have a bare cdnredirect.
func TestViewMisroutesDS(t *testing.T) {
	t.Parallel()
	corefile := viewed(t, "!incidr(client_ip(), '"+inside+"/32')")
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, _ bool) {
		m := s.udp().must(t, question(site, dns.TypeDS))
		if soa := soaOf(m); len(m.Answer) != 0 || soa == nil || soa.Hdr.Ttl != 3600 {
			t.Errorf("Expected the NODATA of the zone file, got %v", m)
		}
	})
}
