package steer_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// The resolvers that ask: the subnets of one are believed, those of the other
// are not.
const (
	trusted = "192.0.2.53"
	unknown = "198.51.100.53"
)

// half is the decision to divert half of the clients.
func half() site.Decision {
	d := diverted
	d.Share = 0.5
	return d
}

// newShared is a bed whose site diverts a share of its clients.
func newShared(form site.AnswerForm, d site.Decision) scene {
	a := site.Answer{Form: form, Host: host, Keyed: true}
	s := newScene(a, d, "www.example.org.", func(s *site.Site) { s.Divert = site.Divert{Mode: site.DivertFixed, Share: 0.5} })
	s.Use(steer.Config{Table: route.NewTable(s.entry), ECS: []netip.Prefix{netip.MustParsePrefix(trusted + "/32")}})
	return s
}

// subnetQuestion is a query with a client subnet.
func subnetQuestion(qtype, family uint16, address string, source, scope uint8) *dns.Msg {
	q := question("www.example.org.", qtype)
	q.SetEdns0(1232, false)
	opt := q.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: source, SourceScope: scope, Address: net.ParseIP(address),
	})
	return q
}

// sendFrom puts a question that comes from a resolver, read off the wire.
func (b *bed) sendFrom(t *testing.T, resolver string, q *dns.Msg) (int, *dns.Msg) {
	t.Helper()
	w := dnstest.NewRecorder(&test.ResponseWriter{RemoteIP: resolver})
	rcode, err := b.ServeDNS(context.Background(), w, q)
	if err != nil {
		t.Fatal(err)
	}
	return rcode, w.Msg
}

// subnetIn returns the client subnet of a message, or nil.
func subnetIn(m *dns.Msg) *dns.EDNS0_SUBNET {
	if m == nil {
		return nil
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
				return subnet
			}
		}
	}
	return nil
}

// TestRule27ScopeIsWhatWasUsed: the option comes back with family, length and
// address as they were, and as its scope what made the answer (RFC 7871,
// section 7.2.1).
func TestRule27ScopeIsWhatWasUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		family  uint16
		address string
		source  uint8
		want    uint8
	}{
		"ALongIPv4":  {1, "192.0.2.77", 32, 24},
		"AnIPv4":     {1, "192.0.2.0", 24, 24},
		"AShortIPv4": {1, "192.0.0.0", 20, 20},
		"OneBit":     {1, "128.0.0.0", 1, 1},
		"ALongIPv6":  {2, "2001:db8:1:200::", 56, 48},
		"WholeIPv6":  {2, "2001:db8:1:2::1", 128, 48},
		"AShortIPv6": {2, "2001:db8::", 32, 32},
		"NoIPv4":     {1, "0.0.0.0", 0, 0},
		"NoIPv6":     {2, "::", 0, 0},
		"NoFamily":   {0, "0.0.0.0", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, form := range []site.AnswerForm{site.FormSwitch, site.FormCNAME, site.FormAddress} {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
					q := subnetQuestion(qtype, tc.family, tc.address, tc.source, 0)
					_, m := newShared(form, half()).sendFrom(t, trusted, q)
					got := subnetIn(m)
					if got == nil || got.Family != tc.family || got.SourceNetmask != tc.source || got.SourceScope != tc.want || !got.Address.Equal(net.ParseIP(tc.address)) {
						t.Fatalf("%s, %s: expected the subnet with the scope %d, got %v", form, dns.Type(qtype), tc.want, m)
					}
				}
			}
		})
	}
}

// TestRule27ScopeIsZeroWhereClientsAreAlike: a site that may divide its clients
// does not do so at its origin, nor where all of them are diverted.
func TestRule27ScopeIsZeroWhereClientsAreAlike(t *testing.T) {
	for _, d := range []site.Decision{atOrigin, diverted} {
		_, m := newShared(site.FormSwitch, d).sendFrom(t, trusted, subnetQuestion(dns.TypeA, 1, "192.0.2.0", 24, 0))
		if got := subnetIn(m); got == nil || got.SourceScope != 0 {
			t.Errorf("Share %g: expected the subnet with the scope 0, got %v", d.Share, m)
		}
	}
}

// TestRule27NoSubnetUnlessItMatters: not from a site that treats all alike, not
// to a resolver that is not believed, and not to one that sent none.
func TestRule27NoSubnetUnlessItMatters(t *testing.T) {
	alike := newShared(site.FormSwitch, half())
	alike.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", diverted)), ECS: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	for name, tc := range map[string]struct {
		scene    scene
		resolver string
		question *dns.Msg
	}{
		"AllAlike":     {alike, trusted, subnetQuestion(dns.TypeA, 1, "192.0.2.0", 24, 0)},
		"NotBelieved":  {newShared(site.FormSwitch, half()), unknown, subnetQuestion(dns.TypeA, 1, "192.0.2.0", 24, 0)},
		"NotMalformed": {newShared(site.FormSwitch, half()), unknown, subnetQuestion(dns.TypeA, 1, "192.0.2.77", 24, 24)},
		"NoneSent":     {newShared(site.FormSwitch, half()), trusted, question("www.example.org.", dns.TypeA).SetEdns0(1232, false)},
		"NoEDNS":       {newShared(site.FormSwitch, half()), trusted, question("www.example.org.", dns.TypeA)},
	} {
		t.Run(name, func(t *testing.T) {
			rcode, m := tc.scene.sendFrom(t, tc.resolver, tc.question)
			if rcode != dns.RcodeSuccess || len(m.Answer) == 0 || len(m.Extra) != 0 {
				t.Errorf("Expected an answer without OPT, got %d and %v", rcode, m)
			}
		})
	}
}

// TestRule27MalformedSubnetsAreFORMERR (RFC 7871, sections 6 and 7.1.2).
func TestRule27MalformedSubnetsAreFORMERR(t *testing.T) {
	for name, q := range map[string]*dns.Msg{
		"AScope":            subnetQuestion(dns.TypeA, 1, "192.0.2.0", 24, 24),
		"AScopeAlone":       subnetQuestion(dns.TypeA, 1, "0.0.0.0", 0, 1),
		"BitsBehind":        subnetQuestion(dns.TypeA, 1, "192.0.2.77", 24, 0),
		"BitsBehindNothing": subnetQuestion(dns.TypeA, 1, "192.0.2.0", 0, 0),
		"BitsBehindIPv6":    subnetQuestion(dns.TypeA, 2, "2001:db8::1", 64, 0),
		"TooLong":           subnetQuestion(dns.TypeA, 1, "192.0.2.0", 33, 0),
		"TooLongIPv6":       subnetQuestion(dns.TypeA, 2, "2001:db8::", 129, 0),
		"UnknownFamily":     subnetQuestion(dns.TypeA, 3, "192.0.2.0", 24, 0),
		"NoFamily":          subnetQuestion(dns.TypeA, 0, "192.0.2.0", 24, 0),
		"AMappedAddress":    subnetQuestion(dns.TypeA, 2, "::ffff:192.0.2.0", 120, 0),
	} {
		t.Run(name, func(t *testing.T) {
			b := newShared(site.FormSwitch, half())
			if rcode, m := b.sendFrom(t, trusted, q); rcode != dns.RcodeFormatError || m != nil {
				t.Errorf("Expected FORMERR for the server to write, got %d and %v", rcode, m)
			}
			if got := counter(t, b.registry, [2]string{"none", "FORMERR"}); got != 1 {
				t.Errorf("Expected one FORMERR counted, got %g", got)
			}
		})
	}
}

// TestRule27TheKeyIsTheSubnets or, with a length of 0 or without an option,
// the resolver's: the answers to all subnets of one /24 are the same, and
// those of others are not.
func TestRule27TheKeyIsTheSubnets(t *testing.T) {
	b := newShared(site.FormSwitch, half())
	answer := func(resolver string, q *dns.Msg) string {
		_, m := b.sendFrom(t, resolver, q)
		return dns.Type(m.Answer[0].Header().Rrtype).String()
	}
	seen := map[string]bool{}
	for i := range 64 {
		prefix := netip.AddrFrom4([4]byte{10, byte(i), 3, 0})
		want := answer(prefix.String(), question("www.example.org.", dns.TypeA)) // a resolver of that network
		seen[want] = true
		for _, q := range []*dns.Msg{
			subnetQuestion(dns.TypeA, 1, prefix.String(), 24, 0),
			subnetQuestion(dns.TypeA, 1, prefix.Next().String(), 32, 0),
		} {
			if got := answer(trusted, q); got != want {
				t.Errorf("%s: expected %s, got %s", prefix, want, got)
			}
		}
		own := answer(trusted, question("www.example.org.", dns.TypeA))
		if got := answer(trusted, subnetQuestion(dns.TypeA, 1, "0.0.0.0", 0, 0)); got != own {
			t.Errorf("Expected the resolver's own answer %s for a length of 0, got %s", own, got)
		}
		if got := answer(unknown, subnetQuestion(dns.TypeA, 1, prefix.String(), 24, 0)); got != answer(unknown, question("www.example.org.", dns.TypeA)) {
			t.Errorf("Expected the resolver's own answer where it is not believed, got %s", got)
		}
	}
	if len(seen) != 2 {
		t.Errorf("Expected clients on both sides, got %v", seen)
	}
}

// TestRule32ServersOfOneSeedAgree has two servers with the same sites and
// decisions answer every client the same, shares and weights among that (RFC
// 1034, section 4.2; RFC 2182).
func TestRule32ServersOfOneSeedAgree(t *testing.T) {
	d := half()
	d.CDNs = []site.CDN{{Name: "big", Target: "big.example.net.", Weight: 3}, {Name: "small", Target: "small.example.net.", Weight: 1}}
	seen := map[string]bool{}
	for _, form := range []site.AnswerForm{site.FormSwitch, site.FormCNAME, site.FormAddress} {
		one, other := newShared(form, d), newShared(form, d)
		for i := range 500 {
			resolver := netip.AddrFrom4([4]byte{198, 18, byte(i), 9}).String()
			if i%2 == 1 {
				resolver = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 8), byte(i)}).String()
			}
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
				q := question("www.example.org.", qtype)
				_, a := one.sendFrom(t, resolver, q)
				_, b := other.sendFrom(t, resolver, q)
				if a.String() != b.String() {
					t.Fatalf("%s, %s: expected\n%v\ngot\n%v", resolver, dns.Type(qtype), a, b)
				}
				if len(a.Answer) > 0 {
					seen[string(form)+dns.Field(a.Answer[0], 1)] = true
				}
			}
		}
	}
	if len(seen) < 3+3+2 {
		t.Errorf("Expected clients at the origin and at both CDNs, got %v", seen)
	}
}

// TestAllTypesOfAClientAgree draws clients and shares: whatever a client asks
// for, its answers are those of the one side that its key is on.
func TestAllTypesOfAClientAgree(t *testing.T) {
	forms := []site.AnswerForm{site.FormSwitch, site.FormCNAME, site.FormAddress}
	rapid.Check(t, func(rt *rapid.T) {
		form := rapid.SampledFrom(forms).Draw(rt, "form")
		d := half()
		d.Share = rapid.Float64Range(0.01, 0.99).Draw(rt, "share")
		s := newShared(form, d)
		octets := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(rt, "client")
		client := netip.AddrFrom4([4]byte(octets))
		atCDN := s.entry.Answers().For(route.ClientOf(client, client.BitLen())).CDN != ""
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeTXT} {
			_, m := s.sendFrom(t, client.String(), question("www.example.org.", qtype))
			if got, told := sideOf(m, form); told && got != atCDN {
				rt.Fatalf("%s with %s: expected at the CDN to be %t, got %v", form, dns.Type(qtype), atCDN, m)
			}
		}
	})
}

// sideOf tells where an answer leads, and whether it tells at all: with
// addresses both ways, a type that neither side has does not.
func sideOf(m *dns.Msg, form site.AnswerForm) (atCDN, told bool) {
	for _, rr := range m.Answer {
		switch data := rr.(type) {
		case *dns.CNAME:
			return data.Target == target, true
		case *dns.A:
			return data.A.Equal(atEdge.Addresses[0].AsSlice()), true
		case *dns.AAAA:
			return data.AAAA.Equal(atEdge.Addresses[1].AsSlice()), true
		}
	}
	return false, form != site.FormAddress
}
