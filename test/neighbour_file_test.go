//go:build linux

package test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// through is what an alias of the site answers.
var through = answers{"A 127.0.0.1, CNAME " + site, "CNAME " + target + ", CNAME " + site}

// elsewhere is the zone of a customer, on the same port, whose www points to
// the site.
func elsewhere(t *testing.T) string {
	t.Helper()
	zone := strings.Replace(strings.ReplaceAll(zoneBehind, "example.org.", "customer.example."), "alias CNAME www", "www CNAME "+site, 1)
	return "customer.example:$dns {\n    bind 127.0.0.1\n    file " + write(t, folder(t), "db.customer.example", zone) + " customer.example\n}\n"
}

// TestAliasInAZoneFileLeadsToTheSite has the alias in the site's own zone and
// in another one.
func TestAliasInAZoneFileLeadsToTheSite(t *testing.T) {
	t.Parallel()
	corefile := block(ours(), zoneIn(t, zoneBehind)) + elsewhere(t)
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		for _, alias := range []string{"alias.example.org.", "www.customer.example."} {
			for _, c := range []client{s.udp(), s.tcp()} {
				if got := c.ask(alias, dns.TypeA); got != through.in(diverted) {
					t.Errorf("Expected %s over %s to be %q, got %q", alias, c.net, through.in(diverted), got)
				}
			}
			if got := s.udp().ask(alias, dns.TypeCNAME); got != "CNAME "+site {
				t.Errorf("Expected the alias itself, got %q", got)
			}
		}
		s.expectState(t, diverted)
	})
}

// TestAliasInAZoneFileFollowsAFlip keeps the server and changes the state.
func TestAliasInAZoneFileFollowsAFlip(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(ours(), zoneIn(t, zoneBehind)), vars: at(web)}.start(t)
	alias := func() string { return s.udp().ask("alias.example.org.", typeA) }
	await(t, patience, through.origin, alias)
	web.kill("127.0.0.1")
	await(t, promisedDown, through.cdn, alias)
}

// TestAliasOfTheSameFileLeadsToTheSite although the file, which looks for the
// target in itself first, has data at the site's name.
func TestAliasOfTheSameFileLeadsToTheSite(t *testing.T) {
	t.Parallel()
	corefile := block(ours(), zoneIn(t, zoneBehind+hidden))
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		if got := s.udp().ask("alias.example.org.", dns.TypeA); got != through.in(diverted) {
			t.Errorf("Expected %q, got %q", through.in(diverted), got)
		}
	})
}

// TestAliasHasTheSOAOfTheSite where that has no data of a type: resolvers keep
// the denial no longer than the site's TTL.
func TestAliasHasTheSOAOfTheSite(t *testing.T) {
	t.Parallel()
	s := startIn(t, false, block(ours(), zoneIn(t, zoneBehind)))
	await(t, patience, atOrigin, s.answer)
	m := s.udp().must(t, question("alias.example.org.", dns.TypeAAAA))
	soa := soaOf(m)
	if summary(m) != "CNAME "+site || soa == nil || soa.Hdr.Name != "example.org." || soa.Hdr.Ttl > 30 || soa.Minttl > 30 {
		t.Errorf("Expected the alias and a short SOA, got %v", m)
	}
}

// TestAliasElsewhereHasTheSOAOfItsFile pins plugin/file/lookup.go: in a server
// block without us the denial through an alias carries the SOA of the alias's
// zone, not ours with its short TTL.
func TestAliasElsewhereHasTheSOAOfItsFile(t *testing.T) {
	t.Parallel()
	s := startIn(t, false, block(ours(), zoneIn(t, zoneBehind))+elsewhere(t))
	await(t, patience, atOrigin, s.answer)
	m := s.udp().must(t, question("www.customer.example.", dns.TypeAAAA))
	soa := soaOf(m)
	if summary(m) != "CNAME "+site || soa == nil || soa.Hdr.Name != "customer.example." || soa.Hdr.Ttl != 3600 || soa.Minttl != 3600 {
		t.Errorf("Expected the alias and the SOA of its file, got %v", m)
	}
}

// TestWildcardOfTheFileReachesBelowASite pins plugin/file/lookup.go: the file
// does not know that the site's name is there, so its wildcard, which would
// end above that (RFC 4592, section 3.3.1), answers for names below. It does so
// too for a name between a site and its zone.
func TestWildcardOfTheFileReachesBelowASite(t *testing.T) {
	t.Parallel()
	const deep = "}\n        site www.deep.example.org class tested {"
	corefile := block(ours(deep), zoneIn(t, zoneBehind+"*     A     192.0.2.99\n"))
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		for _, name := range []string{"other.example.org.", "below." + site, "deep.example.org."} {
			if got := s.udp().ask(name, dns.TypeA); got != "A 192.0.2.99" {
				t.Errorf("Expected %s from the wildcard, got %q", name, got)
			}
		}
		s.expectState(t, diverted)
	})
}
