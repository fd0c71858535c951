package steer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// to is the decision to divert to a target.
func to(target string) site.Decision {
	d := diverted
	d.CDN.Target = target
	return d
}

// entryOf returns an entry of example.org.
func entryOf(name string, d site.Decision) *route.Entry {
	s := site.New(name)
	s.Zone = "example.org."
	return route.NewEntry(s, "", d)
}

// records writes the answer section in short: owner, type, data.
func records(m *dns.Msg) []string {
	var short []string
	for _, rr := range m.Answer {
		h := rr.Header()
		short = append(short, fmt.Sprintf("%s %s %s", h.Name, dns.Type(h.Rrtype), dns.Field(rr, 1)))
	}
	return short
}

// TestTargetInsideOurZoneIsFollowed is rule 14 (RFC 1034, section 4.3.2; RFC
// 6604, section 3): the chain goes on over sites and into the plugin behind,
// and the rcode is that of the last name.
func TestTargetInsideOurZoneIsFollowed(t *testing.T) {
	const soa = "example.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 3600"
	for _, tc := range []struct {
		name    string
		entries []*route.Entry
		rcode   int // of the plugin behind; -1: there is none
		rrs     []string
		qtype   uint16
		want    []string
		wantSOA uint32 // TTL; 0: no SOA

		wantRcode int
	}{
		{"ToASiteAtItsOrigin", []*route.Entry{entryOf("www.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", atOrigin)}, -1, nil, dns.TypeAAAA,
			[]string{"www.example.org. CNAME edge.example.org.", "edge.example.org. AAAA 2001:db8::10"}, 0, dns.RcodeSuccess},
		{"ToASiteWithoutThatType", []*route.Entry{entryOf("www.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", atOrigin)}, -1, nil, dns.TypeTXT,
			[]string{"www.example.org. CNAME edge.example.org."}, 30, dns.RcodeSuccess},
		{"OverTwoSitesAndOut", []*route.Entry{entryOf("www.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", to("edge.example.net."))}, -1, nil, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org.", "edge.example.org. CNAME edge.example.net."}, 0, dns.RcodeSuccess},
		{"ToDataBehind", []*route.Entry{entryOf("www.example.org.", to("edge.example.org."))}, dns.RcodeSuccess, []string{"edge.example.org. 60 IN A 192.0.2.7"}, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org.", "edge.example.org. A 192.0.2.7"}, 0, dns.RcodeSuccess},
		{"ToANameThatIsNotThere", []*route.Entry{entryOf("www.example.org.", to("edge.example.org."))}, dns.RcodeNameError, []string{soa}, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org."}, 20, dns.RcodeNameError},
		{"ToATypeThatIsNotThere", []*route.Entry{entryOf("www.example.org.", to("edge.example.org."))}, dns.RcodeSuccess, []string{soa}, dns.TypeMX,
			[]string{"www.example.org. CNAME edge.example.org."}, 20, dns.RcodeSuccess},
		{"WithNothingBehind", []*route.Entry{entryOf("www.example.org.", to("edge.example.org."))}, -1, nil, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org."}, 0, dns.RcodeSuccess},
		{"WithAnErrorBehind", []*route.Entry{entryOf("www.example.org.", to("edge.example.org."))}, dns.RcodeServerFailure, nil, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org."}, 0, dns.RcodeSuccess},
		{"NotForCNAME", []*route.Entry{entryOf("www.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", atOrigin)}, -1, nil, dns.TypeCNAME,
			[]string{"www.example.org. CNAME edge.example.org."}, 0, dns.RcodeSuccess},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(diverted)
			if tc.rcode >= 0 {
				b.behind(t, tc.rcode, tc.rrs...)
			}
			b.Use(route.NewTable(tc.entries...), nil)
			_, m := b.ask(t, "www.example.org.", tc.qtype)
			if got := records(m); !slices.Equal(got, tc.want) {
				t.Errorf("Expected %q, got %q", tc.want, got)
			}
			if m.Rcode != tc.wantRcode {
				t.Errorf("Expected the rcode %s, got %s", dns.RcodeToString[tc.wantRcode], dns.RcodeToString[m.Rcode])
			}
			if tc.wantSOA == 0 && len(m.Ns) != 0 || tc.wantSOA > 0 && (len(m.Ns) != 1 || m.Ns[0].Header().Ttl != tc.wantSOA) {
				t.Errorf("Expected an SOA of TTL %d, got %v", tc.wantSOA, m.Ns)
			}
		})
	}
}

// TestALoopOfTargetsEnds is rule 16: Validate refuses such sites, and the
// answer is bounded all the same.
func TestALoopOfTargetsEnds(t *testing.T) {
	b := newBed(diverted)
	b.Use(route.NewTable(entryOf("www.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", to("www.example.org."))), nil)
	if rcode, m := b.ask(t, "www.example.org.", dns.TypeA); rcode != dns.RcodeServerFailure || m != nil {
		t.Errorf("Expected SERVFAIL for the server to write, got %d and %v", rcode, m)
	}
}
