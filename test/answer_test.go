//go:build linux

package test

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// bothSides runs a test at the origin and at the CDN.
func bothSides(t *testing.T, directives []string, test func(t *testing.T, s *server, want string)) {
	for want, prepare := range map[string]func(*testing.T) *origin{
		atOrigin: func(t *testing.T) *origin { return startOrigin(t) },
		atCDN:    absentOrigin,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := spec{corefile: block(directives...), vars: at(prepare(t))}.start(t)
			await(t, patience, want, s.answer)
			test(t, s, want)
		})
	}
}

func TestRule20HeaderIsThatOfAnAuthority(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, _ string) {
		for _, c := range []client{s.udp(), s.tcp()} {
			for _, qtype := range dataTypes {
				q := question(site, qtype)
				q.CheckingDisabled = true
				q.AuthenticatedData = true
				expectAuthority(t, q, c.must(t, q))
			}
		}
	})
}

// expectAuthority checks the header of an answer (RFC 1035, section 4.1.1, and
// RFC 4035, section 3.1.6).
func expectAuthority(t *testing.T, q, m *dns.Msg) {
	t.Helper()
	if !m.Authoritative || !m.Response {
		t.Errorf("Expected QR and AA, got %v", m.MsgHdr)
	}
	if m.RecursionAvailable || m.AuthenticatedData || m.Truncated || m.Zero {
		t.Errorf("Expected none of RA, AD, TC, Z, got %v", m.MsgHdr)
	}
	if m.Id != q.Id || m.RecursionDesired != q.RecursionDesired || len(m.Question) != 1 || m.Question[0] != q.Question[0] {
		t.Errorf("Expected the question %v back, got %v", q, m)
	}
}

func TestRule21OwnerHasTheCaseOfTheQuestion(t *testing.T) {
	t.Parallel()
	const mixed = "wWw.ExAmPlE.oRg."
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, want string) {
		m := s.udp().must(t, question(mixed, dns.TypeA))
		if got := summary(m); got != want {
			t.Errorf("Expected %q, got %q", want, got)
		}
		if m.Question[0].Name != mixed || m.Answer[0].Header().Name != mixed {
			t.Errorf("Expected question and owner %s, got %v", mixed, m)
		}
	})
}

func TestRule02MetaTypesAreRefused(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, _ string) {
		for _, c := range []client{s.udp(), s.tcp()} {
			for _, qtype := range []uint16{dns.TypeAXFR, dns.TypeIXFR, dns.TypeTKEY, dns.TypeTSIG, dns.TypeOPT, dns.TypeMAILB, dns.TypeNone} {
				if got := c.ask(site, qtype); got != "REFUSED" {
					t.Errorf("Expected %s over %s to be refused, got %q", dns.Type(qtype), c.net, got)
				}
			}
		}
	})
}

func TestRule23OtherOperationsAreTurnedAway(t *testing.T) {
	t.Parallel()
	notify := new(dns.Msg).SetNotify("example.org.")
	notifySite := new(dns.Msg).SetNotify(site)
	update := new(dns.Msg).SetUpdate("example.org.")
	update.Insert([]dns.RR{record(t, site+" 60 IN A 192.0.2.66")})

	bothSides(t, []string{ours()}, func(t *testing.T, s *server, want string) {
		for _, c := range []client{s.udp(), s.tcp()} {
			for _, q := range []*dns.Msg{notify, notifySite, update} {
				q = q.Copy()
				q.Id = dns.Id()
				if got := summary(c.must(t, q)); got != "NOTIMP" && got != "REFUSED" {
					t.Errorf("Expected %s over %s to be turned away, got %q", dns.OpcodeToString[q.Opcode], c.net, got)
				}
			}
		}
		if got := s.answer(); got != want {
			t.Errorf("Expected still %q, got %q", want, got)
		}
	})
}

func TestRule38OtherClassesAreRefused(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, _ string) {
		for _, class := range []uint16{dns.ClassCHAOS, dns.ClassANY, dns.ClassNONE} {
			q := question(site, dns.TypeA)
			q.Question[0].Qclass = class
			if got := summary(s.udp().must(t, q)); got != "REFUSED" {
				t.Errorf("Expected class %s to be refused, got %q", dns.Class(class), got)
			}
		}
	})
}

func TestRule22OtherNamesAreRefusedWithNothingBehind(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, _ string) {
		for _, name := range []string{"example.org.", "other.example.org.", "below.www.example.org.", "xwww.example.org.", "example.com.", "."} {
			if got := s.udp().ask(name, dns.TypeA); got != "REFUSED" {
				t.Errorf("Expected %s to be refused, got %q", name, got)
			}
		}
	})
}

// zoneFile is what a zone holds beside the site.
const zoneFile = `$ORIGIN example.org.
$TTL 3600
@     SOA ns hostmaster 1 7200 1800 86400 3600
@     NS  ns
@     MX  10 mail
ns    A   192.0.2.53
mail  A   192.0.2.25
www   A   192.0.2.80
`

func TestRule22OtherNamesArePassedToTheZoneBehind(t *testing.T) {
	t.Parallel()
	zone := write(t, folder(t), "db.example.org", zoneFile)
	behind := "    file " + zone + "\n"
	bothSides(t, []string{behind, ours()}, func(t *testing.T, s *server, want string) {
		for name, wanted := range map[string]string{
			site:                      want,
			"mail.example.org.":       "A 192.0.2.25",
			"example.org.":            "NODATA",
			"other.example.org.":      "NXDOMAIN",
			"elsewhere.example.test.": "REFUSED",
		} {
			if got := s.udp().ask(name, dns.TypeA); got != wanted {
				t.Errorf("Expected %s to be %q, got %q", name, wanted, got)
			}
		}
		if got := s.udp().ask("example.org.", dns.TypeMX); got != "MX 10 mail.example.org." {
			t.Errorf("Expected the zone's MX, got %q", got)
		}
	})
}

func TestZoneWithNameServersAnswersAtItsApex(t *testing.T) {
	t.Parallel()
	block := strings.Replace(ours(), "class tested", "ns ns1.example.net ns2.example.net\n        class tested", 1)
	bothSides(t, []string{block}, func(t *testing.T, s *server, _ string) {
		const servers = "NS ns1.example.net., NS ns2.example.net."
		if got := s.udp().ask("example.org.", dns.TypeNS); got != servers {
			t.Errorf("Expected %q, got %q", servers, got)
		}
		if got := s.udp().ask("example.org.", dns.TypeSOA); !strings.HasPrefix(got, "SOA ns1.example.net. ") {
			t.Errorf("Expected an SOA of the first name server, got %q", got)
		}
		if got := s.udp().ask("example.org.", dns.TypeA); got != "NODATA" {
			t.Errorf("Expected no address at the apex, got %q", got)
		}
	})
}

// TestHostileMessagesDoNotStopTheServer sends what no client does. The server
// may answer or not.
func TestHostileMessagesDoNotStopTheServer(t *testing.T) {
	t.Parallel()
	bothSides(t, []string{ours()}, func(t *testing.T, s *server, want string) {
		conn, err := net.Dial("udp", s.address("dns"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, message := range hostile(t) {
			if _, err := conn.Write(message); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.answer(); got != want {
			t.Errorf("Expected still %q, got %q", want, got)
		}
	})
}

// hostile returns messages that are broken in one way each.
func hostile(t *testing.T) [][]byte {
	t.Helper()
	none := question(site, dns.TypeA)
	none.Question = nil
	two := question(site, dns.TypeA)
	two.Question = append(two.Question, two.Question[0])
	response := question(site, dns.TypeA)
	response.Response = true
	messages := [][]byte{{}, {1, 2, 3}}
	for _, m := range []*dns.Msg{none, two, response} {
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, wire, wire[:len(wire)-1])
	}
	return messages
}

// record reads a record in the form of a zone file.
func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}
