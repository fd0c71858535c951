//go:build linux

package test

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

// The three TTLs of the site that these tests steer.
const ttls = "ttl 30s diverted 20s min 7s"

// ttl says which TTL the address of the site has, behind its type.
func (s *server) ttl() string {
	m, err := s.udp().exchange(question(site, dns.TypeA))
	if err != nil {
		return "no answer: " + err.Error()
	}
	if len(m.Answer) == 0 {
		return summary(m)
	}
	header := m.Answer[0].Header()
	return fmt.Sprintf("%s %d", dns.Type(header.Rrtype), header.Ttl)
}

// negativeTTL says which TTL and which MINIMUM the SOA of a negative answer has.
func (s *server) negativeTTL() string {
	m, err := s.udp().exchange(question(site, dns.TypeAAAA))
	if err != nil {
		return "no answer: " + err.Error()
	}
	soa := soaOf(m)
	if soa == nil {
		return summary(m)
	}
	return fmt.Sprintf("%s SOA %d MINIMUM %d", soa.Hdr.Name, soa.Hdr.Ttl, soa.Minttl)
}

func TestTTLIsFullThenShortThenDiverted(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(ours(ttls)), vars: at(web)}.start(t)
	await(t, patience, "A 30", s.ttl)
	await(t, patience, "example.org. SOA 30 MINIMUM 30", s.negativeTTL)

	web.slow(tooSlow)
	await(t, promisedSlow, "A 7", s.ttl) // while the entry is counted
	await(t, promisedSlow, "CNAME 20", s.ttl)

	web.fast()
	await(t, promisedBack, "CNAME 7", s.ttl) // while the return is near
	await(t, promisedBack, "A 30", s.ttl)
}

func TestRule10NegativeTTLFollowsTheDecision(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(ours(ttls)), vars: at(web)}.start(t)
	await(t, patience, "example.org. SOA 30 MINIMUM 30", s.negativeTTL)

	web.slow(tooSlow)
	await(t, promisedSlow, "example.org. SOA 7 MINIMUM 7", s.negativeTTL)
	await(t, promisedSlow, atCDN, s.negativeTTL)
}

func TestRule17TTLIsTheSameInEveryRecordOfASet(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, "127.0.0.1", "127.0.0.2")
	s := spec{corefile: block(ours("origin 127.0.0.2 127.0.0.1", ttls)), vars: at(web)}.start(t)
	await(t, patience, "A 30", s.ttl)
	for range 20 {
		m := s.udp().must(t, question(site, dns.TypeA))
		if len(m.Answer) != 2 || m.Answer[0].Header().Ttl != m.Answer[1].Header().Ttl {
			t.Fatalf("Expected two records of one TTL, got %v", m.Answer)
		}
	}
}
