package steer_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// oddLabels are labels as octets: names are not text (RFC 2181, section 11).
var oddLabels = []string{
	"a.b", "\x00", `"`, `\`, "\x80\xff", "a b", ";", "@", "$", "()", "*a", "**", "\t\r\n", "é", "a\x00", "123", "\\046",
}

// wireName writes labels as a name on the wire.
func wireName(labels ...string) []byte {
	var wire []byte
	for _, label := range labels {
		wire = append(append(wire, byte(len(label))), label...)
	}
	return append(wire, 0)
}

// wireQuestion is a query for a name that is given as labels.
func wireQuestion(qtype uint16, labels ...string) []byte {
	packet := []byte{0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0}
	packet = append(packet, wireName(labels...)...)
	return append(packet, byte(qtype>>8), byte(qtype), 0, 1)
}

// overWire reads a packet as the server does, asks, and returns the answer as
// it goes out.
func (b *bed) overWire(t *testing.T, packet []byte) (*dns.Msg, []byte) {
	t.Helper()
	q := new(dns.Msg)
	if err := q.Unpack(packet); err != nil {
		t.Fatal(err)
	}
	_, m := b.send(t, q)
	if m == nil {
		return nil, nil
	}
	return m, sendable(t, m)
}

// sendable returns a message as it goes out, which whoever gets it must be able
// to read: names above 255 octets can be written.
func sendable(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	wire, err := m.Pack()
	if err == nil {
		err = new(dns.Msg).Unpack(wire)
	}
	if err != nil {
		t.Errorf("Expected an answer that can be sent, got %v: %v", err, m)
	}
	return wire
}

// TestRule29OddLabelsAreNamesLikeOthers has sites of such names, each found
// under its own octets and echoed byte for byte.
func TestRule29OddLabelsAreNamesLikeOthers(t *testing.T) {
	for _, label := range oddLabels {
		t.Run(fmt.Sprintf("%q", label), func(t *testing.T) {
			name, _, err := dns.UnpackDomainName(wireName(label, "example", "org"), 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []site.Decision{atOrigin, diverted} {
				b := newBed(d)
				b.Use(steer.Config{Table: route.NewTable(entryOf(strings.ToLower(name), d))})
				for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT} {
					packet := wireQuestion(qtype, label, "Example", "org")
					m, wire := b.overWire(t, packet)
					if m == nil || len(m.Answer)+len(m.Ns) == 0 {
						t.Fatalf("%s: expected the site, got %v", dns.Type(qtype), m)
					}
					if question := packet[12:]; !bytes.HasPrefix(wire[12:], question) {
						t.Errorf("%s: expected the question % x, got % x", dns.Type(qtype), question, wire)
					}
					if owner := wireName(label, "Example", "org"); len(m.Answer) > 0 && bytes.Count(wire, owner) != 1+len(m.Answer) {
						t.Errorf("%s: expected the owner % x in every record, got % x", dns.Type(qtype), owner, wire)
					}
				}
			}
		})
	}
}

// TestRule29ADotInALabelIsNoBorder tells one label with a dot from two.
func TestRule29ADotInALabelIsNoBorder(t *testing.T) {
	b := newBed(atOrigin)
	b.Use(steer.Config{Table: route.NewTable(entryOf("a.b.example.org.", atOrigin), entryOf("*.w.example.org.", atOrigin))})
	for _, tc := range []struct {
		labels []string
		ours   bool
	}{
		{[]string{"a", "b", "example", "org"}, true},
		{[]string{"a.b", "example", "org"}, false},
		{[]string{"a", "b.example", "org"}, false},
		{[]string{"x.y", "w", "example", "org"}, true},
		{[]string{"x", "w", "example", "org"}, true},
		{[]string{"x.w", "example", "org"}, false},
		{[]string{"x", "w.example", "org"}, false},
		{[]string{"x", "w", "example.org"}, false},
	} {
		m, _ := b.overWire(t, wireQuestion(dns.TypeA, tc.labels...))
		if got := m != nil && len(m.Answer) > 0; got != tc.ours {
			t.Errorf("%q: expected ours: %t, got %v", tc.labels, tc.ours, m)
		}
	}
}

// TestRule29AWildcardMatchesAnyOctets has all of them below a wildcard site.
func TestRule29AWildcardMatchesAnyOctets(t *testing.T) {
	for _, d := range []site.Decision{atOrigin, diverted} {
		b := newBed(d)
		b.Use(steer.Config{Table: route.NewTable(entryOf("*.w.example.org.", d))})
		for _, label := range oddLabels {
			m, wire := b.overWire(t, wireQuestion(dns.TypeA, label, label, "w", "example", "org"))
			owner := wireName(label, label, "w", "example", "org")
			if m == nil || len(m.Answer) == 0 || bytes.Count(wire, owner) != 1+len(m.Answer) {
				t.Errorf("%q: expected the site under that name, got %v", label, m)
			}
		}
	}
}

// longest returns a name of 255 octets on the wire below a zone.
func longest(zone string) string {
	rest := 255 - (len(zone) + 1) // a final dot on the page is a first length on the wire
	var name strings.Builder
	for rest > 64 {
		name.WriteString(strings.Repeat("l", 63) + ".")
		rest -= 64
	}
	if rest > 1 {
		name.WriteString(strings.Repeat("l", rest-1) + ".")
	}
	return name.String() + zone
}

// TestRule30TheLongestNamesAreAnswered has questions, targets, sites and chains
// of 255 octets, with labels of 63 (RFC 1035, section 2.3.4).
func TestRule30TheLongestNamesAreAnswered(t *testing.T) {
	long, far := longest("example.org."), longest("cdn.example.net.")
	wild := entryOf("*.example.org.", to(far))
	for name, tc := range map[string]struct {
		entries []*route.Entry
		qname   string
		want    []string
	}{
		"ASite":     {[]*route.Entry{entryOf(long, to(far))}, long, []string{far}},
		"AWildcard": {[]*route.Entry{wild}, long, []string{far}},
		"AChain":    {[]*route.Entry{entryOf("www.example.org.", to(long)), wild}, "www.example.org.", []string{long, far}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(diverted)
			b.Use(steer.Config{Table: route.NewTable(tc.entries...)})
			q := question(tc.qname, dns.TypeA)
			_, m := b.send(t, q)
			checkHeader(t, q, m)
			var got []string
			for _, rr := range m.Answer {
				got = append(got, dns.Field(rr, 1))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("Expected the targets %q, got %q", tc.want, got)
			}
			sendable(t, m)
		})
	}
}

// TestRule30NegativeAnswersOfALongZone: the names in the SOA that we make up
// are longer than the zone's.
func TestRule30NegativeAnswersOfALongZone(t *testing.T) {
	for octets := 255 - len("hostmaster.") - 2; octets <= 253; octets++ {
		zone := longest("org.")
		zone = zone[255-octets:] // shortens the first label
		s := site.New("a." + zone)
		s.Zone = zone
		b := newBed(atOrigin)
		b.Handler = steer.New([]string{zone}, steer.NewMetrics(prometheus.NewRegistry()), nil)
		b.Use(steer.Config{Table: route.NewTable(published(s, "", atOrigin))})
		_, m := b.ask(t, "a."+zone, dns.TypeTXT)
		if !isNODATA(m) {
			t.Fatalf("%d octets: expected NODATA, got %v", octets, m)
		}
		sendable(t, m)
	}
}
