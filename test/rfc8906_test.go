//go:build linux

package test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// row is a question of the list of RFC 8906, section 8, and what has to come
// back. In want, <data> is what the subject has, <none> what it says to a type
// that nobody has, and <cut> what is left of the data where that is much.
type row struct {
	name  string
	flags string // of dig, with -q and -t if the question is not the subject's
	want  string
	most  int // octets, if that is limited
}

// subject is whom the list is about: a name and a type of which there is data.
type subject struct {
	what, name, qtype string
	data, none, cut   string
}

// fill puts what the subject has into a reply that is expected.
func (sub subject) fill(want string) string {
	return strings.NewReplacer("<data>", sub.data, "<none>", sub.none, "<cut>", sub.cut).Replace(want)
}

// What the questions have in common: without EDNS, with it, and with a version
// of it that nobody knows.
const (
	plain  = "+norec +noad +noedns "
	edns   = "+norec +noad +nocookie +edns=0 "
	future = "+norec +noad +nocookie +edns=1 +noednsneg "
)

// rfc8906 is the list.
var rfc8906 = []row{
	{name: "plain", flags: plain, want: "NOERROR aa: <data>"},
	{name: "unknown type", flags: plain + "-t TYPE1000", want: "NOERROR aa: <none>"},
	{name: "CD", flags: plain + "+cd", want: "NOERROR aa cd: <data>"},
	{name: "AD", flags: "+norec +noedns +ad", want: "NOERROR aa: <data>"},
	{name: "Z", flags: plain + "+zflag", want: "NOERROR aa: <data>"},
	{name: "RD", flags: plain + "+rec", want: "NOERROR aa rd: <data>"},
	{name: "AA", flags: plain + "+aaflag", want: "NOERROR aa: <data>"},
	{name: "RA", flags: plain + "+raflag", want: "NOERROR aa: <data>"},
	{name: "TC", flags: plain + "+tcflag +ignore", want: "NOERROR aa: <data>"},
	{name: "opcode 15", flags: plain + "+opcode=15 +header-only", want: "RESERVED15 NOTIMP"},
	{name: "opcode 15 with every flag", flags: "+noedns +opcode=15 +header-only +aaflag +raflag +ad +cd +zflag +rec", want: "RESERVED15 NOTIMP rd"},
	{name: "opcode 1", flags: plain + "+opcode=1", want: "IQUERY NOTIMP"},
	{name: "opcode 1 without a question", flags: plain + "+opcode=1 +header-only", want: "IQUERY NOTIMP"},
	{name: "opcode 2", flags: plain + "+opcode=2", want: "STATUS NOTIMP"},
	{name: "opcode 2 without a question", flags: plain + "+opcode=2 +header-only", want: "STATUS NOTIMP"},
	{name: "no question", flags: plain + "+header-only", want: "FORMERR"},
	{name: "NOTIFY", flags: plain + "+opcode=NOTIFY", want: "NOTIFY NOTIMP"},
	{name: "UPDATE", flags: plain + "+opcode=UPDATE", want: "UPDATE NOTIMP"},
	{name: "TCP", flags: plain + "+tcp", want: "NOERROR aa: <data>"},

	{name: "EDNS", flags: edns, want: "NOERROR aa: <data>; EDNS 0"},
	{name: "EDNS, unknown type", flags: edns + "-t TYPE1000", want: "NOERROR aa: <none>; EDNS 0"},
	{name: "EDNS, TCP", flags: edns + "+tcp", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "EDNS 1", flags: future, want: "BADVERS; EDNS 0"},
	{name: "EDNS, unknown option", flags: edns + "+ednsopt=100", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "EDNS 1, unknown option", flags: future + "+ednsopt=100", want: "BADVERS; EDNS 0"},
	{name: "EDNS, low flag", flags: edns + "+ednsflags=0x40", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "EDNS, high flag", flags: edns + "+ednsflags=0x2000", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "EDNS 1, low flag", flags: future + "+ednsflags=0x40", want: "BADVERS; EDNS 0"},
	{name: "DO", flags: edns + "+dnssec", want: "NOERROR aa: <data>; EDNS 0 do"},
	{name: "DO, CD", flags: edns + "+dnssec +cd", want: "NOERROR aa cd: <data>; EDNS 0 do"},
	{name: "EDNS 1, DO", flags: future + "+dnssec", want: "BADVERS; EDNS 0"},
	{name: "COOKIE", flags: edns + "+cookie", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "NSID", flags: edns + "+nsid", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "EXPIRE", flags: edns + "+expire", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "SUBNET", flags: edns + "+subnet=0.0.0.0/0", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "PADDING", flags: edns + "+padding=128", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "KEEPALIVE", flags: edns + "+keepalive +tcp", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "four options", flags: edns + "+cookie +nsid +expire +subnet=0.0.0.0/0", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "EDNS 1, NSID", flags: future + "+nsid", want: "BADVERS; EDNS 0"},
	{name: "broken SUBNET", flags: edns + "+ednsopt=8:00ff", want: "FORMERR; EDNS 0"},

	{name: "another zone", flags: plain + "-q example.com", want: "REFUSED"},
	{name: "the root", flags: plain + "-q . -t NS", want: "REFUSED"},
	{name: "version.bind", flags: plain + "-q version.bind -t TXT -c CH", want: "REFUSED"},
	{name: "class ANY", flags: plain + "-c ANY", want: "REFUSED"},
	{name: "class NONE", flags: plain + "-c CLASS254", want: "REFUSED"},
	{name: "empty non-terminal, NS", flags: plain + "-q b.example.org -t NS", want: "NOERROR aa: NODATA"},
	{name: "empty non-terminal, A", flags: plain + "-q b.example.org -t A", want: "NOERROR aa: NODATA"},
	{name: "TYPE0", flags: plain + "-t TYPE0", want: "REFUSED"},
	{name: "OPT", flags: plain + "-t TYPE41", want: "REFUSED"},
	{name: "TKEY", flags: plain + "-t TKEY", want: "REFUSED"},
	{name: "TSIG", flags: plain + "-t TSIG", want: "REFUSED"},
	{name: "MAILB", flags: plain + "-t MAILB", want: "REFUSED"},
	{name: "AXFR", flags: plain + "-t AXFR", want: "REFUSED"},
	{name: "IXFR", flags: plain + "-t IXFR=1", want: "REFUSED"},
	{name: "IXFR over UDP", flags: plain + "-t IXFR=1 +notcp", want: "REFUSED"},
}

// rfc8906Big are the rows about a name with sixty addresses, which do not fit.
var rfc8906Big = []row{
	{name: "512 octets, DO", flags: edns + "+dnssec +bufsize=512 +ignore", want: "NOERROR aa<cut>; EDNS 0 do", most: 512},
	{name: "without EDNS", flags: plain + "+ignore", want: "NOERROR aa<cut>", most: 512},
	{name: "0 octets", flags: edns + "+bufsize=0 +ignore", want: "NOERROR aa<cut>; EDNS 0", most: 512},
	{name: "512 octets, TCP", flags: edns + "+bufsize=512 +tcp", want: "NOERROR aa: <data>; EDNS 0"},
	{name: "1232 octets", flags: edns + "+bufsize=1232 +ignore", want: "NOERROR aa: <data>; EDNS 0", most: 1232},
}

// deviations are what CoreDNS does instead, before a plugin sees the question
// or after it has answered. Each is a line of the README's bugs.
var deviations = map[string]string{
	"opcode 15 with every flag": "RESERVED15 NOTIMP rd ra ad cd",
	"EDNS, high flag":           "NOERROR aa: <data>; EDNS 0 0x2000",
	"EDNS 1":                    "BADVERS; EDNS 0 size 0",
	"EDNS 1, unknown option":    "BADVERS; EDNS 0 size 0",
	"EDNS 1, low flag":          "BADVERS; EDNS 0 size 0",
	"EDNS 1, DO":                "BADVERS; EDNS 0 size 0",
	"EDNS 1, NSID":              "BADVERS; EDNS 0 size 0",
	"broken SUBNET":             "FORMERR",
	"0 octets":                  "NOERROR aa<cut>; EDNS 0 size 0",
}

// fileDeviations are those of the plugin file besides, at the apex.
var fileDeviations = map[string]string{
	"TYPE0": "NOERROR aa: NODATA",
	"OPT":   "NOERROR aa: NODATA",
	"TKEY":  "NOERROR aa: NODATA",
	"TSIG":  "NOERROR aa: NODATA",
	"MAILB": "NOERROR aa: NODATA",
}

// arguments returns those of dig.
func (r row) arguments(sub subject) []string {
	args := strings.Fields(r.flags)
	if !slices.Contains(args, "-q") {
		args = append(args, "-q", sub.name)
	}
	if !slices.Contains(args, "-t") {
		args = append(args, "-t", sub.qtype)
	}
	return args
}

// expect runs rows about a subject. A deviation is part of what is expected: one
// that is gone has to leave the list.
func (s *server) expect(t *testing.T, sub subject, rows []row, known ...map[string]string) {
	t.Helper()
	for _, r := range rows {
		t.Run(sub.what+": "+r.name, func(t *testing.T) {
			reply := s.dig(t, r.arguments(sub)...)
			right := sub.fill(r.want)
			want := right
			for _, deviation := range known {
				if instead := deviation[r.name]; instead != "" {
					want = sub.fill(instead)
				}
			}
			switch {
			case reply.text == right && want != right:
				t.Errorf("Expected the deviation %q, got %q, which is right: take it off the list", want, right)
			case reply.text != want:
				t.Errorf("Expected %q, got %q", want, reply.text)
			}
			if r.most > 0 && (reply.size == 0 || reply.size > r.most) {
				t.Errorf("Expected at most %d octets, got %d", r.most, reply.size)
			}
		})
	}
}

func TestDeviationsAreOfTheList(t *testing.T) {
	t.Parallel()
	rows := slices.Concat(rfc8906, rfc8906Big)
	for _, known := range []map[string]string{deviations, fileDeviations} {
		for name := range known {
			if !slices.ContainsFunc(rows, func(r row) bool { return r.name == name }) {
				t.Errorf("Expected a row %q for the deviation of that name", name)
			}
		}
	}
}

// sixty are the addresses of a site that does not fit into a packet.
func sixty() string {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, " 192.0.2.%d", i+1)
	}
	return text.String()
}

// listed is a block with the sites of the list, all of them where the one is
// that most tests steer.
func listed() string {
	block := strings.Replace(ours(lenient), "class tested", "ns ns1.example.net ns2.example.net\n        class tested", 1)
	return strings.Replace(block, "        site", `        site a.b.example.org class tested
        site big.example.org class tested {
            origin`+sixty()+`
            probe http http://127.0.0.1:$origin/ every 1s timeout 800ms
        }
        site`, 1)
}

// atSide returns the steered subjects. At the CDN both are a CNAME, which fits
// everywhere.
func atSide(side string) (one, big subject) {
	one = subject{what: "site", name: site, qtype: "A", data: "A", none: "NODATA"}
	big = subject{what: "big", name: "big.example.org.", qtype: "A", data: "60 A", none: "NODATA", cut: " tc"}
	if side == atCDN {
		one.data, one.none = "CNAME", "CNAME"
		big.data, big.none, big.cut = "CNAME", "CNAME", ": CNAME"
	}
	return one, big
}

var apexSubject = subject{what: "apex", name: "example.org.", qtype: "SOA", data: "SOA", none: "NODATA"}

func TestRFC8906(t *testing.T) {
	t.Parallel()
	need(t, "dig", "bind9-dnsutils")
	bothSides(t, []string{"    bufsize 1232\n", listed()}, func(t *testing.T, s *server, side string) {
		one, big := atSide(side)
		s.expect(t, apexSubject, rfc8906, deviations)
		s.expect(t, one, rfc8906, deviations)
		s.expect(t, big, rfc8906Big, deviations)
	})
}

func TestRFC8906WithAFileBehind(t *testing.T) {
	t.Parallel()
	need(t, "dig", "bind9-dnsutils")
	behind := "    file " + write(t, folder(t), "db.example.org", zoneFile) + "\n"
	bothSides(t, []string{"    bufsize 1232\n", behind, listed()}, func(t *testing.T, s *server, side string) {
		one, _ := atSide(side)
		s.expect(t, apexSubject, rfc8906, deviations, fileDeviations)
		s.expect(t, one, rfc8906, deviations)
	})
}

// TestRFC8906RawPackets sends what dig cannot.
func TestRFC8906RawPackets(t *testing.T) {
	t.Parallel()
	response := question(site, dns.TypeA)
	response.Response = true
	twice := question(site, dns.TypeA)
	twice.SetEdns0(1232, false)
	twice.Extra = append(twice.Extra, twice.Extra[0])
	aResponse, twoOPT := pack(t, response), pack(t, twice)

	bothSides(t, []string{ours()}, func(t *testing.T, s *server, side string) {
		for _, c := range []struct {
			name   string
			packet []byte
			want   string
		}{
			{"a response", aResponse, "no reply"},
			{"three octets", []byte{1, 2, 3}, "no reply"},
			{"two OPT records", twoOPT, side}, // CoreDNS: FORMERR would be right (RFC 6891, section 6.1.1)
		} {
			t.Run(c.name, func(t *testing.T) {
				if got := s.throw(t, c.packet); got != c.want {
					t.Errorf("Expected %q, got %q", c.want, got)
				}
			})
		}
	})
}

func pack(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// throw sends a packet, and a question behind it, and says what came back for
// the packet by the time that the question was answered and shortly after.
func (s *server) throw(t *testing.T, packet []byte) string {
	t.Helper()
	conn, err := net.Dial("udp", s.address("dns"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	behind := question(site, dns.TypeTXT)
	for _, wire := range [][]byte{packet, pack(t, behind)} {
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
	}
	replies, answered := dns.Conn{Conn: conn}, false
	conn.SetReadDeadline(time.Now().Add(patience))
	for {
		m, err := replies.ReadMsg()
		if err != nil && answered {
			return "no reply"
		}
		if err != nil {
			t.Fatalf("Expected an answer to the question behind the packet, got: %v", err)
		}
		if m.Id != behind.Id {
			return summary(m)
		}
		answered = true
		conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	}
}
