//go:build linux

package test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// zoneKey signs example.org. It lies in the files K*.key and K*.private, as
// dnssec-keygen makes them.
type zoneKey struct {
	public *dns.DNSKEY
	path   string // without the ending
}

func newZoneKey(t *testing.T) zoneKey {
	t.Helper()
	key := zoneKey{public: &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}}
	private, err := key.public.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	dir, name := folder(t), fmt.Sprintf("Kexample.org.+013+%05d", key.public.KeyTag())
	write(t, dir, name+".key", key.public.String()+"\n")
	write(t, dir, name+".private", key.public.PrivateKeyString(private))
	key.path = filepath.Join(dir, name)
	return key
}

// dnssec is the directive that signs with the key.
func (k zoneKey) dnssec() string { return nested("dnssec", "key file "+k.path) }

// delv asks and validates, with the key as the only anchor. It returns what
// the program said.
func (k zoneKey) delv(t *testing.T, s *server, name, qtype string) string {
	t.Helper()
	need(t, "delv", "bind9-dnsutils")
	anchor := fmt.Sprintf("trust-anchors { \"example.org.\" static-key %d 3 %d %q; };\n", k.public.Flags, k.public.Algorithm, k.public.PublicKey)
	anchors := write(t, folder(t), "anchors.conf", anchor)
	return said(t, "delv", "@127.0.0.1", "-p", s.vars["dns"], "-a", anchors, "+root=example.org", name, qtype)
}

// drill chases the signatures of an answer up to the key.
func (k zoneKey) drill(t *testing.T, s *server, name, qtype string) string {
	t.Helper()
	need(t, "drill", "ldnsutils")
	return said(t, "drill", "-S", "-k", k.path+".key", "-p", s.vars["dns"], name, "@127.0.0.1", qtype)
}

// said runs a program and returns what it said, whatever became of it.
func said(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	text, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s(%v)", text, err)
	}
	return string(text)
}

// signed is a zone that has nothing but the site, and signs it.
func signed(key zoneKey, lines ...string) string {
	with := strings.Replace(ours(lines...), "class tested {", "ns ns1.example.net\n        class tested {", 1)
	return block(key.dnssec(), with)
}

// TestRule06DelvValidatesBothStates does not ask for the address while diverted: the
// CDN's zone is not there to be validated.
func TestRule06DelvValidatesBothStates(t *testing.T) {
	t.Parallel()
	const yes, no = "; fully validated", "; negative response, fully validated"
	key := newZoneKey(t)
	inBothStates(t, signed(key), usual, func(t *testing.T, s *server, diverted bool) {
		wanted := map[string]string{"A": yes, "AAAA": no, "TXT": no, "HTTPS": no, "CNAME": no}
		if diverted {
			wanted = map[string]string{"CNAME": yes}
		}
		for qtype, want := range wanted {
			expectSaid(t, site+" "+qtype, key.delv(t, s, site, qtype), want)
		}
		expectSaid(t, "the apex's SOA", key.delv(t, s, "example.org.", "SOA"), yes)
		expectSaid(t, "the apex's NS", key.delv(t, s, "example.org.", "NS"), yes)
		expectSaid(t, "the apex's TXT", key.delv(t, s, "example.org.", "TXT"), no)
	})
}

// TestDelvAndDrillDistrustAnotherKey shows that they can fail.
func TestDelvAndDrillDistrustAnotherKey(t *testing.T) {
	t.Parallel()
	s := startIn(t, false, signed(newZoneKey(t)))
	await(t, patience, atOrigin, s.answer)
	other := newZoneKey(t)
	expectSaid(t, "another key", other.delv(t, s, site, "A"), "resolution failed: broken trust chain")
	if got := other.drill(t, s, site, "A"); strings.Contains(got, "Chase successful") {
		t.Errorf("Expected drill to distrust another key, got %s", got)
	}
}

// TestDelvFollowsTheCNAMEIntoTheZoneBehind has a CDN of the zone's own.
func TestDelvFollowsTheCNAMEIntoTheZoneBehind(t *testing.T) {
	t.Parallel()
	key := newZoneKey(t)
	corefile := block(key.dnssec(), ours(toEdge), zoneIn(t, zoneBehind))
	inBothStates(t, corefile, edge, func(t *testing.T, s *server, _ bool) {
		for _, name := range []string{site, "mail.example.org."} {
			expectSaid(t, name, key.delv(t, s, name, "A"), "; fully validated")
		}
		expectSaid(t, "a name that is not there", key.delv(t, s, "other.example.org.", "A"), "; negative response, fully validated")
	})
}

func TestDrillChasesBothStates(t *testing.T) {
	t.Parallel()
	key := newZoneKey(t)
	inBothStates(t, signed(key), usual, func(t *testing.T, s *server, diverted bool) {
		qtype := answers{"A", "CNAME"}.in(diverted)
		expectSaid(t, site+" "+qtype, key.drill(t, s, site, qtype), "Chase successful")
	})
}

func expectSaid(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("Expected %q of %s, got %s", want, what, got)
	}
}

// secure asks with DO.
func (s *server) secure(t *testing.T, name string, qtype uint16) *dns.Msg {
	t.Helper()
	return s.tcp().must(t, question(name, qtype).SetEdns0(4096, true))
}

// TestRule06EveryRecordIsSignedInBothStates checks all types, also those that delv
// cannot ask for without the CDN's zone.
func TestRule06EveryRecordIsSignedInBothStates(t *testing.T) {
	t.Parallel()
	key := newZoneKey(t)
	inBothStates(t, signed(key), usual, func(t *testing.T, s *server, diverted bool) {
		for _, qtype := range dataTypes {
			m := s.secure(t, site, qtype)
			key.expectProved(t, m)
			if diverted && !hasType(m.Answer, dns.TypeCNAME) {
				t.Errorf("Expected a CNAME for %s, got %v", dns.Type(qtype), m)
			}
		}
		s.expectState(t, diverted) // without DO
	})
}

func hasType(rrs []dns.RR, rrtype uint16) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype })
}

// expectProved wants records or a denial, and every set of them signed.
func (k zoneKey) expectProved(t *testing.T, m *dns.Msg) {
	t.Helper()
	if !hasType(m.Answer, dns.TypeRRSIG) && !hasType(m.Ns, dns.TypeNSEC) {
		t.Errorf("Expected an answer that is signed or denied, got %v", m)
	}
	k.expectSigned(t, m.Answer)
	k.expectSigned(t, m.Ns)
}

// expectSigned verifies every set of records with the key.
func (k zoneKey) expectSigned(t *testing.T, rrs []dns.RR) {
	t.Helper()
	for covered, set := range sets(rrs) {
		sig := slices.IndexFunc(rrs, func(rr dns.RR) bool {
			sig, ok := rr.(*dns.RRSIG)
			return ok && sig.TypeCovered == covered
		})
		if sig < 0 {
			t.Errorf("Expected a signature of %s, got %v", dns.Type(covered), rrs)
			continue
		}
		rrsig := rrs[sig].(*dns.RRSIG)
		if err := rrsig.Verify(k.public, set); err != nil || !rrsig.ValidityPeriod(time.Now()) {
			t.Errorf("Expected a valid signature of %v, got %v: %v", set, rrsig, err)
		}
		if rrsig.Hdr.Ttl != set[0].Header().Ttl {
			t.Errorf("Expected the signature to be kept as long as %v, got %v", set, rrsig)
		}
	}
}

// sets sorts records by type, without the signatures.
func sets(rrs []dns.RR) map[uint16][]dns.RR {
	all := make(map[uint16][]dns.RR)
	for _, rr := range rrs {
		if rrtype := rr.Header().Rrtype; rrtype != dns.TypeRRSIG {
			all[rrtype] = append(all[rrtype], rr)
		}
	}
	return all
}

// TestRule10DenialIsKeptNoLongerThanTheDecision is what keeps a resolver with
// aggressive use of NSEC (RFC 8198) from denying what comes with the next flip.
func TestRule10DenialIsKeptNoLongerThanTheDecision(t *testing.T) {
	t.Parallel()
	s := startIn(t, false, signed(newZoneKey(t), ttls))
	await(t, patience, "A 30", s.ttl)
	m := s.secure(t, site, dns.TypeTXT)
	if nsec, ok := nsecOf(m); !ok || nsec.Hdr.Ttl != 30 || soaOf(m).Hdr.Ttl != 30 {
		t.Errorf("Expected NSEC and SOA with the TTL of the decision, got %v", m)
	}
}

// fixedList is the NSEC bitmap of any name, in plugin/dnssec/black_lies.go.
var fixedList = []uint16{
	dns.TypeA, dns.TypeHINFO, dns.TypeTXT, dns.TypeAAAA, dns.TypeLOC, dns.TypeSRV, dns.TypeCERT, dns.TypeSSHFP,
	dns.TypeRRSIG, dns.TypeNSEC, dns.TypeTLSA, dns.TypeHIP, dns.TypeOPENPGPKEY, dns.TypeSPF,
}

// TestRule06DenialSpeaksOfAFixedListOfTypes pins plugin/dnssec/black_lies.go: a denial
// claims types that the site does not have, and denies others, HTTPS among
// them, whatever the site has.
func TestRule06DenialSpeaksOfAFixedListOfTypes(t *testing.T) {
	t.Parallel()
	s := startIn(t, false, signed(newZoneKey(t)))
	await(t, patience, atOrigin, s.answer)
	for _, qtype := range []uint16{dns.TypeTXT, dns.TypeAAAA, dns.TypeMX, dns.TypeHTTPS, dns.TypeCNAME} {
		want := slices.DeleteFunc(slices.Clone(fixedList), func(listed uint16) bool { return listed == qtype })
		m := s.secure(t, site, qtype)
		nsec, ok := nsecOf(m)
		if !ok || !slices.Equal(nsec.TypeBitMap, want) {
			t.Errorf("Expected the denial of %s to list %v, got %v", dns.Type(qtype), want, m)
		}
	}
}

func nsecOf(m *dns.Msg) (*dns.NSEC, bool) {
	for _, rr := range m.Ns {
		if nsec, ok := rr.(*dns.NSEC); ok {
			return nsec, true
		}
	}
	return nil, false
}

// TestSignaturesOutliveTheDecision pins plugin/dnssec/dnssec.go and rrsig.go: a
// signature is good for 8 days and for a TTL of an hour, whatever the site's
// ttl: who can forge packets may show an old decision that long.
func TestSignaturesOutliveTheDecision(t *testing.T) {
	t.Parallel()
	inBothStates(t, signed(newZoneKey(t), ttls), usual, func(t *testing.T, s *server, _ bool) {
		for _, rr := range s.secure(t, site, dns.TypeA).Answer {
			sig, ok := rr.(*dns.RRSIG)
			if !ok {
				continue
			}
			valid := time.Duration(sig.Expiration-sig.Inception) * time.Second
			if sig.OrigTtl != 3600 || valid != 8*24*time.Hour+3*time.Hour {
				t.Errorf("Expected an hour of TTL and 8 days from 3 hours ago, got %d s and %s", sig.OrigTtl, valid)
			}
			return
		}
		t.Error("Expected a signature")
	})
}

// TestChainWithADenialAtItsEndIsNotProved pins plugin/dnssec/dnssec.go: behind
// a CNAME into the zone itself a denial comes without NSEC. delv, like other
// resolvers, asks for the target again and gets the proof then.
func TestChainWithADenialAtItsEndIsNotProved(t *testing.T) {
	t.Parallel()
	key := newZoneKey(t)
	for cdn, rcode := range map[string]int{"edge": dns.RcodeSuccess, "gone": dns.RcodeNameError} {
		t.Run(dns.RcodeToString[rcode], func(t *testing.T) {
			t.Parallel()
			s := startIn(t, true, block(key.dnssec(), ours("cdn example "+cdn+".example.org"), zoneIn(t, zoneBehind)))
			await(t, patience, "CNAME "+cdn+".example.org.", func() string { return s.udp().ask(site, dns.TypeCNAME) })
			m := s.secure(t, site, dns.TypeTXT)
			key.expectSigned(t, m.Answer)
			key.expectSigned(t, m.Ns)
			if _, proved := nsecOf(m); proved || m.Rcode != rcode || !hasType(m.Answer, dns.TypeCNAME) || soaOf(m) == nil {
				t.Errorf("Expected %s behind a CNAME with an SOA and without NSEC, got %v", dns.RcodeToString[rcode], m)
			}
			expectSaid(t, "the target", key.delv(t, s, site, "TXT"), "; fully validated\n"+site)
		})
	}
}

// TestDenialOfDSClaimsADelegation pins plugin/dnssec/black_lies.go: the bitmap
// of a denied DS lists NS, as if a zone without keys began at the site's name.
// A resolver that is shown it takes forged data of the name that is unsigned.
func TestDenialOfDSClaimsADelegation(t *testing.T) {
	t.Parallel()
	s := startIn(t, false, signed(newZoneKey(t)))
	await(t, patience, atOrigin, s.answer)
	m := s.secure(t, site, dns.TypeDS)
	if nsec, ok := nsecOf(m); !ok || !slices.Contains(nsec.TypeBitMap, dns.TypeNS) || slices.Contains(nsec.TypeBitMap, dns.TypeSOA) {
		t.Errorf("Expected a denial that lists NS and no SOA, got %v", m)
	}
}

// TestEverySpellingIsSignedAnew pins plugin/dnssec/cache.go: signatures are
// kept by the text of the records, whose owner has the case of the question. A
// resolver that varies it costs a signature for each question.
func TestEverySpellingIsSignedAnew(t *testing.T) {
	t.Parallel()
	corefile := strings.Replace(signed(newZoneKey(t)), "    errors\n", "    errors\n"+metrics, 1)
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, _ bool) {
		spellings := []string{site, "Www.example.org.", "wWw.example.org.", "wwW.example.org."}
		for range 3 {
			for _, name := range spellings {
				s.secure(t, name, dns.TypeA)
			}
		}
		if got := s.total(t, "coredns_dnssec_cache_misses_total"); got != float64(len(spellings)) {
			t.Errorf("Expected %d signatures to be made, got %g", len(spellings), got)
		}
	})
}
