package health_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/health"

	"github.com/miekg/dns"
)

// book answers questions, such as "www.example.org. A", from a list: an rcode,
// if it is not NOERROR, and records, those of the authority section behind "|".
type book struct {
	pages map[string]string
	asked []string
}

func (b *book) exchange(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
	question := q.Question[0].Name + " " + dns.Type(q.Question[0].Qtype).String()
	b.asked = append(b.asked, question)
	page, known := b.pages[question]
	if !known {
		return nil, errors.New("nobody answers")
	}
	m := new(dns.Msg).SetReply(q)
	answer, authority, _ := strings.Cut(page, "|")
	for line := range strings.SplitSeq(answer, ";") {
		if rcode, named := dns.StringToRcode[strings.TrimSpace(line)]; named {
			m.Rcode = rcode
			continue
		}
		m.Answer = append(m.Answer, records(line)...)
	}
	m.Ns = records(authority)
	return m, nil
}

// records reads one record, or none of an empty line.
func records(line string) []dns.RR {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	rr, err := dns.NewRR(strings.TrimSpace(line))
	if err != nil {
		panic(err)
	}
	return []dns.RR{rr}
}

// soa ends a page that says that there is no data.
const soa = "| example.org. 60 SOA ns.example.org. hostmaster.example.org. 7 7200 1800 86400 20"

// chain is the pages of n CNAMEs, each in an answer of its own, with an address
// at their end.
func chain(n int) map[string]string {
	pages := make(map[string]string)
	for i := range n {
		pages[fmt.Sprintf("c%d.example.org. A", i)] = fmt.Sprintf("c%d.example.org. 60 CNAME c%d.example.org.", i, i+1)
	}
	pages[fmt.Sprintf("c%d.example.org. A", n)] = fmt.Sprintf("c%d.example.org. 60 A 192.0.2.1", n)
	return pages
}

func TestAddresses(t *testing.T) {
	for _, tc := range []struct {
		name  string
		pages map[string]string
		want  string // addresses and TTL, or the error
		asked int
	}{
		{"its own", map[string]string{
			"c0.example.org. A": "c0.example.org. 60 A 192.0.2.2; c0.example.org. 60 A 192.0.2.1",
		}, "[192.0.2.2 192.0.2.1] 1m0s", 1},
		{"one twice", map[string]string{
			"c0.example.org. A": "c0.example.org. 60 A 192.0.2.2; c0.example.org. 60 A 192.0.2.2",
		}, "[192.0.2.2] 1m0s", 1},
		{"behind CNAMEs in one answer, in any order", map[string]string{
			"c0.example.org. A": "e.example.net. 60 A 192.0.2.1; d.example.net. 20 CNAME e.example.net.; c0.example.org. 30 CNAME d.example.net.",
		}, "[192.0.2.1] 20s", 1},
		{"behind CNAMEs in two answers", map[string]string{
			"c0.example.org. A": "c0.example.org. 30 CNAME d.example.net.",
			"d.example.net. A":  "d.example.net. 60 A 192.0.2.1",
		}, "[192.0.2.1] 30s", 2},
		{"the smallest TTL is the address's", map[string]string{
			"c0.example.org. A": "c0.example.org. 30 CNAME d.example.net.; d.example.net. 7 A 192.0.2.1; d.example.net. 9 A 192.0.2.2",
		}, "[192.0.2.1 192.0.2.2] 7s", 1},
		{"a TTL of a week is a day", map[string]string{
			"c0.example.org. A": "c0.example.org. 604800 A 192.0.2.1",
		}, "[192.0.2.1] 24h0m0s", 1},
		{"owners in another case", map[string]string{
			"c0.example.org. A": "C0.Example.ORG. 30 CNAME D.example.NET.; d.EXAMPLE.net. 60 A 192.0.2.1",
		}, "[192.0.2.1] 30s", 1},
		{"of somebody else", map[string]string{
			"c0.example.org. A": "d.example.org. 30 A 192.0.2.1",
		}, "[] 24h0m0s", 1},
		{"unreachable ones", map[string]string{
			"c0.example.org. A": "c0.example.org. 60 A 0.0.0.0; c0.example.org. 60 A 224.0.0.1; c0.example.org. 60 A 192.0.2.1",
		}, "[192.0.2.1] 1m0s", 1},
		{"no data, for as long as the SOA says", map[string]string{"c0.example.org. A": soa}, "[] 20s", 1},
		{"no such name, for as long as the SOA says", map[string]string{"c0.example.org. A": "NXDOMAIN" + soa}, "[] 20s", 1},
		{"no such name and no SOA", map[string]string{"c0.example.org. A": "NXDOMAIN"}, "[] 24h0m0s", 1},
		{"a CNAME to no data", map[string]string{
			"c0.example.org. A": "c0.example.org. 60 CNAME d.example.org." + soa,
		}, "[] 20s", 1},
		{"a CNAME to no such name", map[string]string{
			"c0.example.org. A": "NXDOMAIN; c0.example.org. 30 CNAME d.example.org.",
		}, "[] 30s", 1},
		{"a CNAME whose end cannot be reached from there", map[string]string{
			"c0.example.org. A": "SERVFAIL; c0.example.org. 30 CNAME d.example.net.",
			"d.example.net. A":  "d.example.net. 60 A 192.0.2.1",
		}, "[192.0.2.1] 30s", 2},
		{"failure", map[string]string{"c0.example.org. A": "SERVFAIL"},
			"asking for A of 'c0.example.org.': the answer is SERVFAIL", 1},
		{"refusal", map[string]string{"c0.example.org. A": "REFUSED"},
			"asking for A of 'c0.example.org.': the answer is REFUSED", 1},
		{"silence", nil, "asking for A of 'c0.example.org.': nobody answers", 1},
		{"failure at the end", map[string]string{
			"c0.example.org. A": "c0.example.org. 30 CNAME d.example.net.", "d.example.net. A": "SERVFAIL",
		}, "asking for A of 'd.example.net.': the answer is SERVFAIL", 2},
		{"eight CNAMEs", chain(8), "[192.0.2.1] 1m0s", 9},
		{"nine CNAMEs", chain(9), "asking for A of 'c0.example.org.': more than 8 CNAMEs", 9},
		{"a CNAME to itself", map[string]string{"c0.example.org. A": "c0.example.org. 60 CNAME c0.example.org."},
			"asking for A of 'c0.example.org.': more than 8 CNAMEs", 9},
		{"a loop in one answer", map[string]string{
			"c0.example.org. A": "c0.example.org. 60 CNAME d.example.org.; d.example.org. 60 CNAME c0.example.org.",
		}, "asking for A of 'c0.example.org.': more than 8 CNAMEs", 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &book{pages: tc.pages}
			found, err := health.Exchange(b.exchange).Addresses(t.Context(), "c0.example.org.", dns.TypeA)
			got := fmt.Sprint(found.Addresses, found.TTL)
			if err != nil {
				got = err.Error()
			}
			if got != tc.want || len(b.asked) != tc.asked {
				t.Errorf("Expected %q after %d questions, got %q after %q", tc.want, tc.asked, got, b.asked)
			}
		})
	}
}

func TestAddressesOfTheFamilyAskedFor(t *testing.T) {
	const both = "www.example.org. 60 A 192.0.2.1; www.example.org. 30 AAAA 2001:db8::1; www.example.org. 30 AAAA ::ffff:192.0.2.9"
	b := &book{pages: map[string]string{"www.example.org. A": both, "www.example.org. AAAA": both}}
	for family, want := range map[uint16]string{dns.TypeA: "[192.0.2.1] 1m0s", dns.TypeAAAA: "[2001:db8::1] 30s"} {
		found, err := health.Exchange(b.exchange).Addresses(t.Context(), "www.example.org.", family)
		if got := fmt.Sprint(found.Addresses, found.TTL); err != nil || got != want {
			t.Errorf("%s: expected %q, got %q, %v", dns.Type(family), want, got, err)
		}
	}
}

func TestTypes(t *testing.T) {
	types := []uint16{dns.TypeTXT, dns.TypeMX, dns.TypeNS}
	for _, tc := range []struct {
		name  string
		pages map[string]string
		want  string
		asked int
	}{
		{"some", map[string]string{
			"www.example.org. TXT": `WWW.example.org. 60 TXT "a"`,
			"www.example.org. MX":  soa,
			"www.example.org. NS":  soa,
		}, "[16]", 3},
		{"a delegation", map[string]string{
			"www.example.org. TXT": "| www.example.org. 60 NS ns.example.net.",
			"www.example.org. MX":  "| www.example.org. 60 NS ns.example.net.",
			"www.example.org. NS":  "| www.example.org. 60 NS ns.example.net.",
		}, "[2]", 3},
		{"the zone's own name servers", map[string]string{
			"www.example.org. TXT": "| example.org. 60 NS ns.example.net.",
			"www.example.org. MX":  "| example.org. 60 NS ns.example.net.",
			"www.example.org. NS":  "| example.org. 60 NS ns.example.net.",
		}, "[]", 3},
		{"those that a CNAME leads to", map[string]string{
			"www.example.org. TXT": `www.example.org. 60 CNAME a.example.org.; a.example.org. 60 TXT "a"`,
			"www.example.org. MX":  "SERVFAIL; www.example.org. 60 CNAME a.example.org.",
			"www.example.org. NS":  "www.example.org. 60 CNAME a.example.org.",
		}, "[]", 3},
		{"no such name", map[string]string{"www.example.org. TXT": "NXDOMAIN" + soa}, "[]", 1},
		{"some that are refused", map[string]string{
			"www.example.org. TXT": `www.example.org. 60 TXT "a"`, "www.example.org. MX": "REFUSED", "www.example.org. NS": "NXDOMAIN",
		}, "[16]", 3},
		{"nobody's name", map[string]string{"www.example.org. TXT": "REFUSED"}, "[]", 1},
		{"failure", map[string]string{"www.example.org. TXT": soa, "www.example.org. MX": "SERVFAIL"},
			"asking for MX of 'www.example.org.': the answer is SERVFAIL", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &book{pages: tc.pages}
			found, err := health.Exchange(b.exchange).Types(t.Context(), "www.example.org.", types)
			got := fmt.Sprint(found)
			if err != nil {
				got = err.Error()
			}
			if got != tc.want || len(b.asked) != tc.asked {
				t.Errorf("Expected %q after %d questions, got %q after %q", tc.want, tc.asked, got, b.asked)
			}
		})
	}
}

func TestSOA(t *testing.T) {
	const record = "example.org. 60 SOA ns.example.org. hostmaster.example.org. 7 7200 1800 86400 20"
	for page, want := range map[string]string{
		record:                                 "7",
		strings.ToUpper(record):                "7",
		"| " + record:                          "none", // not with authority: another's zone
		"org. 60 SOA ns.org. h.org. 1 2 3 4 5": "none",
		"NXDOMAIN":                             "none",
		"SERVFAIL":                             "asking for SOA of 'example.org.': the answer is SERVFAIL",
	} {
		b := &book{pages: map[string]string{"example.org. SOA": page}}
		soa, err := health.Exchange(b.exchange).SOA(t.Context(), "example.org.")
		got := "none"
		switch {
		case err != nil:
			got = err.Error()
		case soa != nil:
			got = fmt.Sprint(soa.Serial)
		}
		if got != want || !slices.Equal(b.asked, []string{"example.org. SOA"}) {
			t.Errorf("%q: expected %q, got %q after %q", page, want, got, b.asked)
		}
	}
}

// TestSOAOfTheZoneAbove is about a block that serves a part of a zone. Only who
// has that zone can tell.
func TestSOAOfTheZoneAbove(t *testing.T) {
	for authoritative, want := range map[bool]string{true: "example.org.", false: ""} {
		x := health.Exchange(func(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
			m := new(dns.Msg).SetReply(q)
			m.Authoritative = authoritative
			m.Ns = records("example.org. 60 SOA ns.example.org. hostmaster.example.org. 7 7200 1800 86400 20")
			return m, nil
		})
		soa, err := x.SOA(t.Context(), "www.example.org.")
		got := ""
		if soa != nil {
			got = soa.Hdr.Name
		}
		if err != nil || got != want {
			t.Errorf("With authority %t: expected %q, got %q, %v", authoritative, want, got, err)
		}
	}
}
