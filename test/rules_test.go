//go:build linux

package test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The number in a test's name is that of a rule of DNS that an answer must
// hold. Those here are the server's to hold, and would be ours to mend if it
// ceased to.

// sized is what the README has beside cdnredirect.
const sized = "    bufsize 1232\n"

// options are EDNS options that we do not know, or have no use for.
func options() []dns.EDNS0 {
	return []dns.EDNS0{
		&dns.EDNS0_LOCAL{Code: 100, Data: []byte("x")}, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}, &dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Empty: true},
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}, &dns.EDNS0_PADDING{Padding: make([]byte, 16)},
		&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}, subnet("192.0.2.0", 24),
	}
}

func subnet(address string, source uint8) *dns.EDNS0_SUBNET {
	return &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: source, Address: net.ParseIP(address)}
}

// withEDNS is a question about the site with an OPT record.
func withEDNS(options ...dns.EDNS0) *dns.Msg {
	q := question(site, dns.TypeA).SetEdns0(1232, false)
	q.IsEdns0().Option = options
	return q
}

// TestRule25EDNS (RFC 6891, sections 6.1 and 7): an OPT record only to those
// who send one, with nothing in it that they know and we do not.
func TestRule25EDNS(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{sized, ours()}, func(t *testing.T, s *server, want string) {
		for _, c := range []client{s.udp(), s.tcp()} {
			if m := c.must(t, question(site, dns.TypeA)); m.IsEdns0() != nil || summary(m) != want {
				t.Errorf("Expected %q without OPT over %s, got %v", want, c.net, m)
			}
			for _, o := range append(options(), nil) {
				q := withEDNS()
				if o != nil {
					q = withEDNS(o)
				}
				m := c.must(t, q)
				opt := m.IsEdns0()
				if summary(m) != want || opt == nil || len(m.Extra) != 1 || len(opt.Option) != 0 || opt.Version() != 0 || opt.Hdr.Ttl&0xff != 0 {
					t.Errorf("Expected %q and a bare OPT over %s for %v, got %v", want, c.net, o, m)
				}
			}
			newer := withEDNS()
			newer.IsEdns0().SetVersion(1)
			if m := c.must(t, newer); m.Rcode != dns.RcodeBadVers || len(m.Answer) != 0 || m.IsEdns0() == nil {
				t.Errorf("Expected BADVERS over %s, got %v", c.net, m)
			}
		}
	})
}

// TestRule26CookiesAreIgnored: RFC 7873, section 5.2.1, has a server that does
// not know them answer as if there were none, of whatever length they are.
func TestRule26CookiesAreIgnored(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{sized, ours()}, func(t *testing.T, s *server, want string) {
		for _, octets := range []int{0, 4, 8, 9, 16, 40} {
			m := s.udp().must(t, withEDNS(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: strings.Repeat("a5", octets)}))
			if summary(m) != want || len(m.IsEdns0().Option) != 0 {
				t.Errorf("Expected %q without a cookie for one of %d octets, got %v", want, octets, m)
			}
		}
	})
}

// TestRule27SubnetIsEchoedWhereItMatters (RFC 7871, section 7.2): by a site
// whose clients differ, to a resolver that is believed.
func TestRule27SubnetIsEchoedWhereItMatters(t *testing.T) {
	t.Parallel()
	const keyed = "divert fixed 50%\n            answer switch keyed"
	for name, tc := range map[string]struct {
		line, trust string
		prepare     func(*testing.T) *origin
		want        int // the scope; -1: no subnet
	}{
		"AllAlike":    {"", "ecs 127.0.0.0/8", slowOrigin, -1},
		"Divided":     {keyed, "ecs 127.0.0.0/8", slowOrigin, 20},
		"Undivided":   {keyed, "ecs 127.0.0.0/8", func(t *testing.T) *origin { return startOrigin(t) }, 0},
		"NotBelieved": {keyed, "ecs 192.0.2.53", slowOrigin, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := strings.Replace(ours(tc.line), "class tested", tc.trust+"\n        class tested", 1)
			s := spec{corefile: block(sized, conf), vars: at(tc.prepare(t))}.start(t)
			scope := func() string { return fmt.Sprint(scopeIn(s.udp().must(t, withEDNS(subnet("10.1.16.0", 20))))) }
			await(t, promisedSlow, fmt.Sprint(tc.want), scope)
		})
	}
}

// slowOrigin is one that is above the limit from the start.
func slowOrigin(t *testing.T) *origin {
	o := startOrigin(t)
	o.slow(tooSlow)
	return o
}

// scopeIn returns the scope of the client subnet in an answer; -1: there is none.
func scopeIn(m *dns.Msg) int {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if s, ok := o.(*dns.EDNS0_SUBNET); ok {
				return int(s.SourceScope)
			}
		}
	}
	return -1
}

// TestRule27MalformedSubnetIsFORMERR has the server write it.
func TestRule27MalformedSubnetIsFORMERR(t *testing.T) {
	t.Parallel()
	conf := strings.Replace(ours("divert fixed 50%", "answer switch keyed"), "class tested", "ecs 127.0.0.0/8\n        class tested", 1)
	s := spec{corefile: block(sized, conf), vars: at(startOrigin(t))}.start(t)
	scoped := subnet("192.0.2.0", 24)
	scoped.SourceScope = 24
	for name, q := range map[string]*dns.Msg{
		"a scope": withEDNS(scoped),
		"bits":    withEDNS(&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 1, 23, 0, 192, 0, 3}}),
		"length":  withEDNS(&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 1, 33, 0, 192, 0, 2, 0, 0}}),
		"short":   withEDNS(&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 1}}),
	} {
		if got := summary(s.udp().must(t, q)); got != "FORMERR" {
			t.Errorf("Expected FORMERR for %s, got %q", name, got)
		}
	}
}

// manyAddresses are those of a site that fits into no packet.
func manyAddresses() (line string, want []string) {
	for i := range 60 {
		address := fmt.Sprintf("127.0.1.%d", i+1)
		line += " " + address
		want = append(want, "A "+address)
	}
	slices.Sort(want)
	return "origin" + line, want
}

// TestRule28TruncationIsTold has an answer that does not fit cut with TC=1, and
// whole over TCP, several on one connection (RFC 2181, section 9; RFC 7766,
// section 6.2.1). The server cuts within an RRset: a resolver throws all of
// it away then.
func TestRule28TruncationIsTold(t *testing.T) {
	t.Parallel()
	line, want := manyAddresses()
	s := spec{corefile: block(sized, ours(line, "divert none")), vars: at(startOrigin(t))}.start(t)
	whole := strings.Join(want, ", ")
	await(t, patience, whole, func() string { return s.tcp().ask(site, dns.TypeA) })
	for _, tc := range []struct {
		size, limit uint16 // 0: no EDNS
		records     int
	}{{0, 512, 29}, {1, 512, 29}, {512, 512, 29}, {1232, 1232, 60}, {4096, 1232, 60}} {
		q := question(site, dns.TypeA)
		if tc.size > 0 {
			q.SetEdns0(tc.size, false)
		}
		m, octets := s.raw(t, q)
		if octets > int(tc.limit) || m.Truncated != (tc.records < 60) || len(m.Answer) != tc.records || (m.IsEdns0() != nil) != (tc.size > 0) {
			t.Errorf("Size %d: expected %d records in %d octets, TC as needed and OPT as asked, got %d in %d, TC %t, %v",
				tc.size, tc.records, tc.limit, len(m.Answer), octets, m.Truncated, m.IsEdns0())
		}
	}
	conn, err := dns.Dial("tcp", s.address("dns"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 3 { // all are asked before any is answered
		if err := conn.WriteMsg(question(site, dns.TypeA).SetEdns0(512, false)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if m, err := conn.ReadMsg(); err != nil || m.Truncated || summary(m) != whole {
			t.Errorf("Expected all addresses over TCP, got %v, %v", m, err)
		}
	}
}

// raw asks over UDP and returns the answer and its size.
func (s *server) raw(t *testing.T, q *dns.Msg) (*dns.Msg, int) {
	t.Helper()
	wire, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	answer := s.packet(t, wire)
	m := new(dns.Msg)
	if err := m.Unpack(answer); err != nil {
		t.Fatalf("Expected an answer that can be read, got %v: % x", err, answer)
	}
	return m, len(answer)
}

// packet sends a packet and returns the one that comes back.
func (s *server) packet(t *testing.T, wire []byte) []byte {
	t.Helper()
	conn, err := net.Dial("udp", s.address("dns"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer := make([]byte, 1<<16)
	var n int
	awaitTrue(t, "an answer to a packet", func() bool {
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(soon())
		n, err = conn.Read(answer)
		return err == nil
	})
	return answer[:n]
}

// TestRule31DOIsCopied (RFC 3225, section 3), and changes nothing in a zone
// that is not signed.
func TestRule31DOIsCopied(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{sized, ours()}, func(t *testing.T, s *server, _ string) {
		for _, qtype := range dataTypes {
			plain := s.udp().must(t, question(site, qtype))
			for _, do := range []bool{true, false} {
				m := s.udp().must(t, question(site, qtype).SetEdns0(1232, do))
				if opt := m.IsEdns0(); opt == nil || opt.Do() != do || summary(m) != summary(plain) {
					t.Errorf("%s: expected %q with DO %t, got %v", dns.Type(qtype), summary(plain), do, m)
				}
			}
		}
	})
}

// TestRule34HiddenDataHoldsTheSiteBack: TXT, MX and CAA at the site's name are
// the next plugin's, and a CNAME would hide them (RFC 8659, section 3).
func TestRule34HiddenDataHoldsTheSiteBack(t *testing.T) {
	t.Parallel()
	zone := write(t, folder(t), "db.example.org", zoneFile+"www MX 10 mail\nwww CAA 0 issue \"ca.example.net\"\n")
	behind := "    file " + zone + "\n"
	for line, want := range map[string]string{"hides MX": "NODATA", "hides MX CAA": atCDN, "hides MX CAA TXT": atCDN} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s := spec{corefile: block(metrics, behind, ours(line)), vars: at(absentOrigin(t))}.start(t)
			if held := want != atCDN; held {
				awaitTrue(t, "the site to be held back", func() bool { return s.total(t, ownSeries+"sites_held") == 1 })
				awaitTrue(t, "its origin to be down", func() bool { return s.total(t, ownSeries+"sites", "side", "cdn") == 1 })
				if got := s.answer(); got != atOrigin {
					t.Errorf("Expected %q, got %q", atOrigin, got)
				}
				if got := s.udp().ask(site, dns.TypeCAA); got != `CAA 0 issue "ca.example.net"` {
					t.Errorf("Expected the next plugin's CAA, got %q", got)
				}
				awaitTrue(t, "a line that says so", func() bool { return s.output.count("'hides CAA' accepts that") > 0 })
				return
			}
			await(t, patience, want, s.answer)
			if got := s.udp().ask(site, dns.TypeCAA); got != atCDN {
				t.Errorf("Expected %q over the CAA record, got %q", atCDN, got)
			}
		})
	}
}

// targets is the zone of a CDN in which one name leads nowhere.
const targets = `$ORIGIN example.net.
$TTL 5
@     SOA ns hostmaster 1 7200 1800 86400 5
@     NS  ns
ns    A   192.0.2.53
alive A   192.0.2.80
text  TXT "no address"
`

// TestRule35NobodyIsSentToADeadTarget: a name that leads nowhere may soon be
// somebody else's.
func TestRule35NobodyIsSentToADeadTarget(t *testing.T) {
	t.Parallel()
	zone := write(t, folder(t), "db.example.net", targets)
	cdn := "example.net:$dns {\n    bind 127.0.0.1\n    file " + zone + "\n}\n"
	for name, tc := range map[string]struct {
		target, want string
		dead         int
	}{
		"IsThere":     {"alive.example.net.", "CNAME alive.example.net.", 0},
		"IsNotThere":  {"gone.example.net.", atOrigin, 1},
		"NoAddresses": {"text.example.net.", atOrigin, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := strings.Replace(ours("cdn example "+tc.target, "ready resolve every 1s"), "class tested", "resolver 127.0.0.1:$cdn\n        class tested", 1)
			s := spec{corefile: strings.Replace(cdn, "$dns", "$cdn", 1), vars: map[string]string{}}.start(t)
			vars := at(absentOrigin(t))
			vars["cdn"] = s.vars["cdn"]
			s = spec{corefile: block(metrics, conf), vars: vars}.start(t)
			awaitTrue(t, "the origin to be down", func() bool { return s.total(t, ownSeries+"sites", "side", "cdn") == 1 })
			await(t, patience, tc.want, s.answer)
			s.expectGates(t, float64(1-tc.dead), float64(tc.dead), 0)
			s.expectSaid(t, notThere(tc.target), tc.dead)
			if found := s.total(t, ownSeries+"checks_total", "result", "resolve") > 0; found != (tc.dead > 0) {
				t.Errorf("Expected checks that found no address to be %t, got %t", tc.dead > 0, found)
			}
		})
	}
}

// TestRule36ADeadResolverStopsNobody: what cannot be looked up is not dead, and
// no answer waits for it.
func TestRule36ADeadResolverStopsNobody(t *testing.T) {
	t.Parallel()
	conf := strings.Replace(ours("ready resolve every 1s"), "class tested", "resolver 127.0.0.1:$nobody\n        class tested", 1)
	bothSides(t, []string{metrics, conf}, func(t *testing.T, s *server, want string) {
		s.failLookups(t, 3)
		s.expectGates(t, 0, 0, 1)
		await(t, 0, want, s.answer)
		s.expectSaid(t, "cdn example is not ready: it could not be checked: ", 1)
	})
}

// failLookups waits until so many more lookups of targets have failed.
func (s *server) failLookups(t *testing.T, n float64) {
	t.Helper()
	failed := func() float64 { return s.total(t, ownSeries+"lookups_total", "kind", "target", "result", "error") }
	before := failed()
	awaitTrue(t, "lookups that failed", func() bool { return failed() >= before+n })
}

// TestRule36ADeadResolverClosesNothing has the resolver die that had found the
// target: visitors stay there, and others come.
func TestRule36ADeadResolverClosesNothing(t *testing.T) {
	t.Parallel()
	web := slowOrigin(t)
	resolver := serveZone(t, "cdn.example.net", "www-example-org 5 A 198.51.100.1")
	vars := at(web)
	vars["resolver"] = resolver.vars["dns"]
	conf := siteBlock(throughResolver, []string{site, "ready resolve every 1s"}, []string{"next.example.org", "ready resolve every 1s", "host www.example.org", "cdn example " + target, "threshold response_time 700ms"})
	s := spec{corefile: block(metrics, conf), vars: vars}.start(t)
	await(t, promisedSlow, atCDN, s.answer)
	resolver.kill()
	s.failLookups(t, 4) // one more than would close it, if they said anything of the CDN
	await(t, 0, atCDN, s.answer)
	s.expectGates(t, 2, 0, 0)
	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, func() string { return s.udp().ask("next.example.org.", typeA) })
}

// TestRule37NobodyLearnsTheVersion (RFC 4892): no plugin for that is in the
// block.
func TestRule37NobodyLearnsTheVersion(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, _ string) {
		for _, name := range []string{"version.bind.", "id.server.", "version.server.", "hostname.bind.", site} {
			q := question(name, dns.TypeTXT)
			q.Question[0].Qclass = dns.ClassCHAOS
			if got := summary(s.udp().must(t, q)); got != "REFUSED" {
				t.Errorf("Expected %s refused, got %q", name, got)
			}
		}
	})
}

// TestRule38OddTypesDoNoHarm asks for the type 0, and for all meta types.
func TestRule38OddTypesDoNoHarm(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, want string) {
		for _, qtype := range append([]uint16{0, dns.TypeOPT}, 128, 200, 248, 249, 250, 253, 254) {
			if got := s.udp().ask(site, qtype); got != "REFUSED" {
				t.Errorf("Expected %s refused, got %q", dns.Type(qtype), got)
			}
		}
		if got := s.answer(); got != want {
			t.Errorf("Expected still %q, got %q", want, got)
		}
	})
}

// TestRule23ANotifyDoesNotWaitForFile: that plugin drops one that it does not
// want, without a word (RFC 8906, section 3.1.4).
func TestRule23ANotifyDoesNotWaitForFile(t *testing.T) {
	t.Parallel()
	zone := write(t, folder(t), "db.example.org", zoneFile)
	s := spec{corefile: block("    file "+zone+"\n", ours("answer cname origin.deep.example.org")), vars: at(startOrigin(t))}.start(t)
	for _, name := range []string{site, "origin.deep.example.org.", "deep.example.org.", "example.org."} {
		if got := summary(s.udp().must(t, new(dns.Msg).SetNotify(name))); got != "NOTIMP" {
			t.Errorf("Expected a NOTIFY of %s turned away, got %q", name, got)
		}
	}
}

// TestRule32TwoServersGiveOneAnswer to each of many clients, half of whom are
// diverted, with one seed in both Corefiles.
func TestRule32TwoServersGiveOneAnswer(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	web.slow(tooSlow)
	conf := func(seed string) string {
		shared := ours("divert fixed 50%", "answer switch keyed")
		return block(sized, strings.Replace(shared, "class tested", "ecs 127.0.0.0/8\n        seed "+seed+"\n        class tested", 1))
	}
	answers := func(seed string) string {
		s := spec{corefile: conf(seed), vars: at(web)}.start(t)
		scope := func() string { return fmt.Sprint(scopeIn(s.udp().must(t, withEDNS(subnet("10.1.2.0", 24))))) }
		await(t, promisedSlow, "24", scope) // diverting
		var all strings.Builder
		for i := range 64 {
			m := s.udp().must(t, withEDNS(subnet(fmt.Sprintf("10.%d.2.0", i), 24)))
			all.WriteString(summary(m) + "\n")
		}
		return all.String()
	}
	first := answers("one")
	if got := answers("one"); got != first {
		t.Errorf("Expected of the second server\n%sgot\n%s", first, got)
	}
	if answers("two") == first {
		t.Error("Expected another division with another seed")
	}
	for _, want := range []string{atOrigin, atCDN} {
		if !strings.Contains(first, want) {
			t.Errorf("Expected some clients to get %q, got\n%s", want, first)
		}
	}
}
