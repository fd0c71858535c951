package steer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// The number in a test's name is that of a rule of DNS that an answer must
// hold; the RFC is named beside it.

// meta are the types that are not data (RFC 6895, section 3.1).
var meta = []uint16{
	dns.TypeNone, dns.TypeOPT, 128, dns.TypeTKEY, dns.TypeTSIG, dns.TypeIXFR, dns.TypeAXFR, dns.TypeMAILB, dns.TypeMAILA,
}

// TestRule01OneCNAMEForEveryType asks every type there
// is: where a CNAME is the answer it is the answer for all of them (RFC 1034,
// section 3.6.2).
func TestRule01OneCNAMEForEveryType(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		want := map[site.AnswerForm]map[bool]string{
			site.FormSwitch: {true: target},
			site.FormCNAME:  {true: target, false: host},
		}[s.form][s.atCDN]
		for qtype := range uint32(1 << 16) {
			if slices.Contains(meta, uint16(qtype)) || qtype >= 128 && qtype < 255 {
				continue
			}
			_, m := s.ask(t, "www.example.org.", uint16(qtype))
			got := ""
			if len(m.Answer) > 0 {
				if c, ok := m.Answer[0].(*dns.CNAME); ok {
					got = c.Target
				}
			}
			if got != want {
				t.Fatalf("%s: expected a CNAME to %q, got %v", dns.Type(qtype), want, m)
			}
		}
	})
}

// TestRule02MetaTypesAreRefusedInEveryForm is about those that no plugin
// behind has seen (RFC 5936, section 4; RFC 6895, section 3.1).
func TestRule02MetaTypesAreRefusedInEveryForm(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		for qtype := uint16(128); qtype < 255; qtype++ {
			if rcode, m := s.ask(t, "www.example.org.", qtype); rcode != dns.RcodeRefused || m != nil {
				t.Errorf("%s: expected REFUSED for the server to write, got %d and %v", dns.Type(qtype), rcode, m)
			}
		}
	})
}

func TestRule03TypeCNAMEIsTheCNAMEOrNODATA(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		_, m := s.ask(t, "www.example.org.", dns.TypeCNAME)
		if s.form == site.FormCNAME || s.form == site.FormSwitch && s.atCDN {
			if len(m.Answer) != 1 || m.Answer[0].Header().Rrtype != dns.TypeCNAME || len(m.Ns) != 0 {
				t.Errorf("Expected the CNAME alone, got %v", m)
			}
		} else if !isNODATA(m) {
			t.Errorf("Expected NODATA, got %v", m)
		}
	})
}

// TestRule04ANYIsOneRRset follows RFC 8482, section 4.1: one RRset of those
// that there are, with our TTL and our authority.
func TestRule04ANYIsOneRRset(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		q := question("www.example.org.", dns.TypeANY)
		_, m := s.send(t, q)
		checkHeader(t, q, m)
		if got := types(m); len(got) != 1 || len(m.Ns) != 0 {
			t.Fatalf("Expected one RRset, got %v", m)
		}
		ttl := map[bool]uint32{true: 20, false: 30}[s.atCDN]
		for _, rr := range m.Answer {
			if h := rr.Header(); h.Ttl != ttl || h.Name != "www.example.org." {
				t.Errorf("Expected the name's own records with the TTL %d, got %v", ttl, rr)
			}
		}
	})
}

// TestRule06SignatureTypesAreDataToo is about an unsigned zone (RFC 2181,
// section 10.1; RFC 4035, section 2.5).
func TestRule06SignatureTypesAreDataToo(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		for _, qtype := range []uint16{dns.TypeDS, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeDNSKEY, dns.TypeCDS} {
			q := question("www.example.org.", qtype)
			q.SetEdns0(1232, true)
			_, m := s.send(t, q)
			hasCNAME := len(m.Answer) == 1 && m.Answer[0].Header().Rrtype == dns.TypeCNAME
			if wantCNAME := s.form == site.FormCNAME || s.form == site.FormSwitch && s.atCDN; hasCNAME != wantCNAME {
				t.Errorf("%s: expected a CNAME: %t, got %v", dns.Type(qtype), wantCNAME, m)
			} else if !wantCNAME && !isNODATA(m) {
				t.Errorf("%s: expected NODATA, got %v", dns.Type(qtype), m)
			}
		}
	})
}

// TestRule07ApexHasAddressesBesideSOAAndNS has a site at the apex of its zone
// (RFC 1034, section 3.6.2; RFC 1912, section 2.4).
func TestRule07ApexHasAddressesBesideSOAAndNS(t *testing.T) {
	for want, d := range map[string]site.Decision{"192.0.2.10": atOrigin, "192.0.2.80": diverted} {
		s := newScene(site.Answer{Form: site.FormAddress}, d, "example.org.")
		s.Use(steer.Config{Table: route.NewTable(s.entry), NS: map[string][]string{"example.org.": {"ns1.example.net."}}})
		for qtype, answer := range map[uint16]string{
			dns.TypeSOA: "ns1.example.net.", dns.TypeNS: "ns1.example.net.", dns.TypeA: want, dns.TypeANY: want, dns.TypeMX: "", dns.TypeCNAME: "",
		} {
			q := question("example.org.", qtype)
			_, m := s.send(t, q)
			checkHeader(t, q, m)
			if answer == "" {
				if !isNODATA(m) {
					t.Errorf("%s: expected NODATA, got %v", dns.Type(qtype), m)
				}
			} else if len(m.Answer) == 0 || dns.Field(m.Answer[0], 1) != answer {
				t.Errorf("%s: expected %s, got %v", dns.Type(qtype), answer, m)
			}
		}
	}
}

// TestRule08AliasModeLeadsToTheCDN follows RFC 9460, sections 2.4.2 and 3: one
// record of priority 0 without parameters, and addresses for clients that do
// not know it.
func TestRule08AliasModeLeadsToTheCDN(t *testing.T) {
	alias := site.Answer{Form: site.FormAddress, AliasMode: true}
	b := newScene(alias, diverted, "www.example.org.")
	_, m := b.ask(t, "www.example.org.", dns.TypeHTTPS)
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	read := new(dns.Msg)
	if err := read.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	if want := "www.example.org.\t20\tIN\tHTTPS\t0 " + target; len(read.Answer) != 1 || read.Answer[0].String() != want {
		t.Errorf("Expected %q, got %v", want, read)
	}
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if _, m := b.ask(t, "www.example.org.", qtype); len(m.Answer) != 1 {
			t.Errorf("%s: expected an address, got %v", dns.Type(qtype), m)
		}
	}
	b.entry.Publish(news(alias, atOrigin))
	if _, m := b.ask(t, "www.example.org.", dns.TypeHTTPS); !isNODATA(m) {
		t.Errorf("Expected NODATA at the origin, got %v", m)
	}
}

// TestRule09AbsentTypesAreNODATA has what browsers ask first be neither an
// error nor denied (RFC 2308, section 2.2).
func TestRule09AbsentTypesAreNODATA(t *testing.T) {
	v4only := atOrigin
	v4only.Addresses = atOrigin.Addresses[:2]
	for _, form := range []site.AnswerForm{site.FormSwitch, site.FormAddress} {
		b := newScene(site.Answer{Form: form}, v4only, "www.example.org.")
		for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeHTTPS, dns.TypeSVCB} {
			_, m := b.ask(t, "www.example.org.", qtype)
			if soa := soaIn(m); !isNODATA(m) || soa.Hdr.Ttl != 30 || soa.Minttl != 30 {
				t.Errorf("%s, %s: expected NODATA for 30 s, got %v", form, dns.Type(qtype), m)
			}
		}
	}
}

// TestRule10NegativeTTLIsAtMostThatOfTheSite holds for every negative answer,
// whatever the zone behind us says (RFC 2308, sections 3 and 5).
func TestRule10NegativeTTLIsAtMostThatOfTheSite(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		s.behind(t, dns.RcodeNameError, "example.org. 86400 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 86400")
		s.Use(steer.Config{Table: route.NewTable(s.entry)})
		for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA}, dataTypes...) {
			_, m := s.ask(t, "www.example.org.", qtype)
			for _, rr := range m.Ns {
				soa, ok := rr.(*dns.SOA)
				if !ok || soa.Hdr.Name != "example.org." || soa.Hdr.Ttl > 30 || soa.Minttl > 30 {
					t.Errorf("%s: expected an SOA of the zone with at most 30 s, got %v", dns.Type(qtype), rr)
				}
			}
		}
	})
}

// TestRule11ASiteIsNeverDenied has the plugin behind deny everything (RFC
// 8020: NXDOMAIN would deny all names below, too).
func TestRule11ASiteIsNeverDenied(t *testing.T) {
	const soa = "example.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 3600"
	eachForm(t, func(t *testing.T, s scene) {
		names := []string{"www.example.org.", "shop.example.org."}
		if s.form == site.FormCNAME {
			names = append(names, host)
		}
		s.behind(t, dns.RcodeNameError, soa)
		halfLoaded := site.New("shop.example.org.")
		halfLoaded.Zone = "example.org."
		s.Use(steer.Config{Table: route.NewTable(s.entry, route.NewEntry(halfLoaded, route.NewZone("example.org.", ""), route.NewSeed("")))})
		for _, name := range names {
			for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY}, dataTypes...) {
				if _, m := s.ask(t, name, qtype); m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 && soaIn(m) == nil {
					t.Errorf("%s %s: expected data or NODATA, got %v", name, dns.Type(qtype), m)
				}
			}
		}
	})
}

// TestRule11ASiteIsNotDeniedOverAnother has one site's target be the name of
// another, of which the type asked for is the next plugin's.
func TestRule11ASiteIsNotDeniedOverAnother(t *testing.T) {
	const soa = "example.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 3600"
	edge := site.New("edge.example.org.")
	edge.Zone, edge.Answer = "example.org.", site.Answer{Form: site.FormAddress}
	b := newBed(diverted)
	b.behind(t, dns.RcodeNameError, soa)
	b.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", to("edge.example.org.")), published(edge, "", atOrigin))})
	_, m := b.ask(t, "www.example.org.", dns.TypeTXT)
	if m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 || soaIn(m) == nil {
		t.Errorf("Expected the CNAME and NODATA, got %v", m)
	}
}

// TestRule13WildcardSites follows RFC 4592, sections 2.1.1, 2.2.1 and 3.3.
func TestRule13WildcardSites(t *testing.T) {
	for _, d := range []site.Decision{atOrigin, diverted} {
		b := newBed(d)
		b.Use(steer.Config{Table: route.NewTable(entryOf("*.shop.example.org.", d), entryOf("a.b.shop.example.org.", atOrigin))})
		for name, matches := range map[string]bool{
			"x.shop.example.org.": true, "X.y.z.v.w.Shop.example.org.": true, "*.shop.example.org.": true,
			"b.shop.example.org.": false, "c.b.shop.example.org.": false, "x.a.b.shop.example.org.": false, "shop.example.org.": false,
		} {
			rcode, m := b.ask(t, name, dns.TypeA)
			if !matches {
				if rcode != dns.RcodeRefused && !isNODATA(m) {
					t.Errorf("%s: expected no data, got %d and %v", name, rcode, m)
				}
			} else if len(m.Answer) == 0 || m.Answer[0].Header().Name != name {
				t.Errorf("%s: expected the site's records under that name, got %v", name, m)
			}
		}
	}
}

// TestRule13AWildcardsChainGoesOn has the target of a wildcard be a site.
func TestRule13AWildcardsChainGoesOn(t *testing.T) {
	b := newBed(diverted)
	b.Use(steer.Config{Table: route.NewTable(entryOf("*.shop.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", atOrigin))})
	_, m := b.ask(t, "a.b.shop.example.org.", dns.TypeAAAA)
	want := []string{"a.b.shop.example.org. CNAME edge.example.org.", "edge.example.org. AAAA 2001:db8::10"}
	if got := records(m); !slices.Equal(got, want) {
		t.Errorf("Expected %q, got %q", want, got)
	}
}

// TestRule15AnExternalTargetStandsAlone: what is out of the zone is not ours
// to tell (RFC 2181, section 5.4.1), even if the next plugin would.
func TestRule15AnExternalTargetStandsAlone(t *testing.T) {
	b := newBed(diverted)
	b.behind(t, dns.RcodeSuccess, target+" 60 IN A 192.0.2.66")
	b.Use(steer.Config{Table: route.NewTable(b.entry)})
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
		_, m := b.ask(t, "www.example.org.", qtype)
		if m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 || len(m.Ns)+len(m.Extra) != 0 {
			t.Errorf("%s: expected the CNAME alone, got %v", dns.Type(qtype), m)
		}
	}
}

// TestRule16AChainHasAnEnd has eight CNAMEs of ours answered and a ninth
// refused: Validate does not bound the length.
func TestRule16AChainHasAnEnd(t *testing.T) {
	for links, want := range map[int]int{8: dns.RcodeSuccess, 9: dns.RcodeServerFailure} {
		var entries []*route.Entry
		for i := range links {
			entries = append(entries, entryOf(fmt.Sprintf("s%d.example.org.", i), to(fmt.Sprintf("s%d.example.org.", i+1))))
		}
		entries = append(entries, entryOf(fmt.Sprintf("s%d.example.org.", links), atOrigin))
		b := newBed(diverted)
		b.Use(steer.Config{Table: route.NewTable(entries...)})
		rcode, m := b.ask(t, "s0.example.org.", dns.TypeAAAA)
		if rcode != want || (m != nil) != (want == dns.RcodeSuccess) || m != nil && len(m.Answer) != links+1 {
			t.Errorf("%d links: expected %s, got %d and %v", links, dns.RcodeToString[want], rcode, m)
		}
	}
}

// TestRule17RRsetsAreWhole: the CNAME comes first, each RRset stands together,
// has one TTL, and no record twice (RFC 1034, section 4.3.1; RFC 2181,
// section 5.2).
func TestRule17RRsetsAreWhole(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY}, dataTypes...) {
			_, m := s.ask(t, "www.example.org.", qtype)
			checkRRsets(t, m)
		}
	})
}

// checkRRsets checks that the answer section is CNAMEs, each leading to the
// next owner, with one RRset behind them at most.
func checkRRsets(t testing.TB, m *dns.Msg) {
	t.Helper()
	owner := m.Question[0].Name
	for i, rr := range m.Answer {
		if rr.Header().Name != owner {
			t.Fatalf("Expected the owner %s at %d, got %v", owner, i, m)
		}
		if c, ok := rr.(*dns.CNAME); ok {
			owner = c.Target
			continue
		}
		first := m.Answer[i].Header()
		for j, other := range m.Answer[i:] {
			if h := other.Header(); h.Name != first.Name || h.Rrtype != first.Rrtype || h.Ttl != first.Ttl {
				t.Fatalf("Expected one RRset behind the CNAMEs, got %v", m)
			}
			if slices.ContainsFunc(m.Answer[i:i+j], func(rr dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
				t.Fatalf("Expected each record once, got %v", m)
			}
		}
		return
	}
}

// TestRule18TTLIsClamped: 31 bits are a TTL, more count as none, and a day is
// more than resolvers keep (RFC 2181, section 8).
func TestRule18TTLIsClamped(t *testing.T) {
	edges := []time.Duration{-1 << 63, -time.Second, -1, 0, 1, time.Second, (1<<31 - 1) * time.Second, (1 << 31) * time.Second, (1<<32 - 1) * time.Second, (1 << 32) * time.Second, 1<<63 - 1}
	rapid.Check(t, func(r *rapid.T) {
		ttl := rapid.OneOf(rapid.SampledFrom(edges), rapid.Map(rapid.Int64(), func(n int64) time.Duration { return time.Duration(n) })).Draw(r, "ttl")
		found := rapid.SampledFrom(edges).Draw(r, "TTL of the target")
		for _, a := range []site.Answer{{Form: site.FormSwitch}, {Form: site.FormAddress}} {
			for _, d := range []site.Decision{atOrigin, diverted} {
				d.TTL = ttl
				n := news(a, d)
				for i := range n.Found {
					n.Found[i].TTL = found
				}
				b := newScene(a, atOrigin, "www.example.org.")
				b.entry.Publish(n)
				for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT} {
					_, m := b.ask(t, "www.example.org.", qtype)
					for _, rr := range slices.Concat(m.Answer, m.Ns) {
						if got := time.Duration(rr.Header().Ttl) * time.Second; got > site.MaxTTL || got > max(ttl, 0) {
							r.Fatalf("Expected a TTL of at most %s, got %v", ttl, rr)
						}
					}
				}
			}
		}
	})
}

// TestRule20HeaderOfEveryAnswer also has bits set in the question that are not
// to come back (RFC 1035, section 4.1.1; RFC 4035, section 3.1.6).
func TestRule20HeaderOfEveryAnswer(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY}, dataTypes...) {
			for _, set := range []bool{true, false} {
				q := question("wWw.example.org.", qtype)
				q.RecursionDesired, q.CheckingDisabled = set, set
				q.RecursionAvailable, q.AuthenticatedData, q.Zero, q.Truncated, q.Authoritative = set, set, set, set, set
				_, m := s.send(t, q)
				checkHeader(t, q, m)
			}
		}
	})
}

// TestRule21AnswersDoNotDependOnCase but for the owner, which is the question's
// own (RFC 4343).
func TestRule21AnswersDoNotDependOnCase(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA}, dataTypes...) {
			_, lower := s.ask(t, "www.example.org.", qtype)
			_, mixed := s.ask(t, "WWW.eXAMPLE.oRG.", qtype)
			if len(mixed.Answer) > 0 && mixed.Answer[0].Header().Name != "WWW.eXAMPLE.oRG." {
				t.Errorf("%s: expected the question's case, got %v", dns.Type(qtype), mixed)
			}
			for _, m := range []*dns.Msg{lower, mixed} {
				m.Id, m.Question = 0, nil
				if len(m.Answer) > 0 {
					for _, rr := range m.Answer {
						rr.Header().Name = dns.CanonicalName(rr.Header().Name)
					}
				}
			}
			if lower.String() != mixed.String() {
				t.Errorf("%s: expected\n%v\ngot\n%v", dns.Type(qtype), lower, mixed)
			}
		}
	})
}

// TestRule23OtherOpcodesAreTurnedAwayInEveryForm has a plugin behind that drops
// what it does not want, as file does with a NOTIFY: whoever asks about a site
// must not wait for an answer that never comes (RFC 8906, section 3.1.4).
func TestRule23OtherOpcodesAreTurnedAwayInEveryForm(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		table := route.NewTable(s.entry, entryOf("a.ent.example.org.", atOrigin))
		for _, name := range []string{"www.example.org.", "ent.example.org."} {
			for _, opcode := range []int{dns.OpcodeNotify, dns.OpcodeUpdate, dns.OpcodeStatus, dns.OpcodeIQuery, 15} {
				s.Next = test.NextHandler(dns.RcodeSuccess, nil)
				s.Use(steer.Config{Table: table})
				q := question(name, dns.TypeSOA)
				q.Opcode = opcode
				if rcode, m := s.send(t, q); rcode != dns.RcodeNotImplemented || m != nil {
					t.Errorf("%s, opcode %d: expected NOTIMP, got %d and %v", name, opcode, rcode, m)
				}
			}
		}
	})
}

// TestRule23ASecondaryMayBeNotified leaves the apex to the plugin that has the
// zone, even where a site stands there (RFC 1996).
func TestRule23ASecondaryMayBeNotified(t *testing.T) {
	s := newScene(site.Answer{Form: site.FormAddress}, atOrigin, "example.org.")
	s.behind(t, dns.RcodeSuccess)
	s.Use(steer.Config{Table: route.NewTable(s.entry)})
	if _, m := s.send(t, new(dns.Msg).SetNotify("example.org.")); m == nil || m.Rcode != dns.RcodeSuccess {
		t.Errorf("Expected the next plugin's answer, got %v", m)
	}
}

// TestRule23ASilentPluginIsSpokenFor has one behind that drops what is no query,
// as file does: nobody waits for it in a zone of ours.
func TestRule23ASilentPluginIsSpokenFor(t *testing.T) {
	for name, want := range map[string]int{"example.org.": dns.RcodeNotImplemented, "sub.example.org.": dns.RcodeNotImplemented, "example.net.": dns.RcodeSuccess} {
		b := newBed(atOrigin)
		b.Next = broken["IsSilent"]
		b.Use(steer.Config{Table: route.NewTable(b.entry)})
		if rcode, m := b.send(t, new(dns.Msg).SetNotify(name)); rcode != want || m != nil {
			t.Errorf("%s: expected %s for the server to write, got %s, %v", name, dns.RcodeToString[want], dns.RcodeToString[rcode], m)
		}
	}
}

// TestRule24UnknownTypesAreNODATA asks for every type that the origin's site
// does not have (RFC 3597, section 3; RFC 8906, section 3.1.2).
func TestRule24UnknownTypesAreNODATA(t *testing.T) {
	for _, form := range []site.AnswerForm{site.FormSwitch, site.FormAddress} {
		b := newScene(site.Answer{Form: form}, atOrigin, "www.example.org.")
		for n := range uint32(1 << 16) {
			qtype := uint16(n)
			has := qtype == dns.TypeA || qtype == dns.TypeAAAA || qtype == dns.TypeANY
			if has || slices.Contains(meta, qtype) || qtype >= 128 && qtype < 255 {
				continue
			}
			if _, m := b.ask(t, "www.example.org.", qtype); !isNODATA(m) {
				t.Fatalf("%s, %s: expected NODATA, got %v", form, dns.Type(qtype), m)
			}
		}
	}
}

// TestRule34HiddenTypesStayTheNextPlugins has a site held back leave them, and
// one that accepts it hide them (RFC 8659, section 3: CAA follows the CNAME).
func TestRule34HiddenTypesStayTheNextPlugins(t *testing.T) {
	s := newScene(site.Answer{Form: site.FormSwitch}, atOrigin, "www.example.org.")
	s.behind(t, dns.RcodeSuccess, `www.example.org. 60 IN CAA 0 issue "ca.example.net"`)
	s.Use(steer.Config{Table: route.NewTable(s.entry)})
	s.entry.Publish(route.News{Decision: &atOrigin, Passed: []uint16{dns.TypeCAA}})
	if _, m := s.ask(t, "www.example.org.", dns.TypeCAA); len(m.Answer) != 1 || m.Answer[0].Header().Rrtype != dns.TypeCAA {
		t.Errorf("Expected the CAA record of the next plugin, got %v", m)
	}
	if _, m := s.ask(t, "www.example.org.", dns.TypeA); len(m.Answer) != 2 {
		t.Errorf("Expected the site's addresses, got %v", m)
	}
	s.entry.Publish(route.News{Decision: &diverted})
	if _, m := s.ask(t, "www.example.org.", dns.TypeCAA); len(m.Answer) != 1 || m.Answer[0].Header().Rrtype != dns.TypeCNAME {
		t.Errorf("Expected the CNAME over the accepted type, got %v", m)
	}
}

// TestRule38OddQuestionsAreTurnedAway asks for the type 0 and for other
// classes.
func TestRule38OddQuestionsAreTurnedAway(t *testing.T) {
	eachForm(t, func(t *testing.T, s scene) {
		for _, class := range []uint16{0, dns.ClassCHAOS, dns.ClassHESIOD, dns.ClassNONE, dns.ClassANY, 65535} {
			for _, qtype := range []uint16{dns.TypeNone, dns.TypeA, dns.TypeTXT, dns.TypeANY} {
				q := question("www.example.org.", qtype)
				q.Question[0].Qclass = class
				if rcode, m := s.send(t, q); rcode != dns.RcodeRefused || m != nil {
					t.Errorf("%s %s: expected REFUSED, got %d and %v", dns.Class(class), dns.Type(qtype), rcode, m)
				}
			}
		}
	})
}
