package steer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// to is the decision to divert to a target.
func to(target string) site.Decision {
	d := diverted
	d.CDNs = []site.CDN{{Name: "edge", Target: target}}
	return d
}

// entryOf returns an entry of example.org.
func entryOf(name string, d site.Decision) *route.Entry {
	s := site.New(name)
	s.Zone = "example.org."
	return published(s, "", d)
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

// TestRule14TargetInsideOurZoneIsFollowed is rule 14 (RFC 1034, section 4.3.2; RFC
// 6604, section 3): the chain goes on over sites and into the plugin behind,
// and the rcode is that of the last name.
func TestRule14TargetInsideOurZoneIsFollowed(t *testing.T) {
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
		{"ToManyRecordsBehind", []*route.Entry{entryOf("www.example.org.", to("edge.example.org."))}, dns.RcodeSuccess, tenRecords(), dns.TypeA,
			append([]string{"www.example.org. CNAME edge.example.org."}, shortTen()...), 0, dns.RcodeSuccess},
		{"ToACNAMEThatLeadsNowhere", []*route.Entry{entryOf("www.example.org.", to("edge.example.org."))}, dns.RcodeNameError, []string{"edge.example.org. 60 IN CNAME gone.example.org.", soa}, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org.", "edge.example.org. CNAME gone.example.org."}, 20, dns.RcodeNameError},
		{"ToAnEmptyNonTerminal", []*route.Entry{entryOf("www.example.org.", to("edge.example.org.")), entryOf("a.edge.example.org.", atOrigin)}, dns.RcodeNameError, []string{soa}, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org."}, 30, dns.RcodeSuccess},
		{"ToAnEmptyNonTerminalWithNothingBehind", []*route.Entry{entryOf("www.example.org.", to("edge.example.org.")), entryOf("a.edge.example.org.", atOrigin)}, -1, nil, dns.TypeA,
			[]string{"www.example.org. CNAME edge.example.org."}, 30, dns.RcodeSuccess},
		{"NotForANY", []*route.Entry{entryOf("www.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", atOrigin)}, -1, nil, dns.TypeANY,
			[]string{"www.example.org. CNAME edge.example.org."}, 0, dns.RcodeSuccess},
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
			b.Use(steer.Config{Table: route.NewTable(tc.entries...)})
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

// TestRule16ALoopOfTargetsEnds is rule 16: Validate refuses such sites, and the
// answer is bounded all the same.
func TestRule16ALoopOfTargetsEnds(t *testing.T) {
	b := newBed(diverted)
	b.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", to("edge.example.org.")), entryOf("edge.example.org.", to("www.example.org.")))})
	if rcode, m := b.ask(t, "www.example.org.", dns.TypeA); rcode != dns.RcodeServerFailure || m != nil {
		t.Errorf("Expected SERVFAIL for the server to write, got %d and %v", rcode, m)
	}
}

// tenRecords is more data than a chain may have links.
func tenRecords() (rrs []string) {
	for i := range 10 {
		rrs = append(rrs, fmt.Sprintf("edge.example.org. 60 IN A 192.0.2.%d", i))
	}
	return rrs
}

func shortTen() (short []string) {
	for i := range 10 {
		short = append(short, fmt.Sprintf("edge.example.org. A 192.0.2.%d", i))
	}
	return short
}

// TestRule36AWrittenFailureBehindIsNotOurs is what forward does with a dead upstream:
// it writes SERVFAIL itself.
func TestRule36AWrittenFailureBehindIsNotOurs(t *testing.T) {
	b := newBed(diverted)
	b.Next = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetRcode(r, dns.RcodeServerFailure))
	})
	b.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", to("edge.example.org.")))})
	if _, m := b.ask(t, "www.example.org.", dns.TypeA); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
		t.Errorf("Expected the CNAME alone, got %v", m)
	}
}

// TestWhatThePluginBehindKeepsIsNotChanged has it write one message again and
// again: for a chain and for an empty non-terminal, and the question stays too.
func TestWhatThePluginBehindKeepsIsNotChanged(t *testing.T) {
	kept := new(dns.Msg)
	soa, err := dns.NewRR("example.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 3600")
	if err != nil {
		t.Fatal(err)
	}
	kept.Response, kept.Rcode, kept.Ns = true, dns.RcodeNameError, []dns.RR{soa}
	want := kept.String()
	b := newBed(diverted)
	b.Next = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) {
		return dns.RcodeNameError, w.WriteMsg(kept)
	})
	b.Use(steer.Config{Table: route.NewTable(entryOf("www.example.org.", to("edge.example.org.")), entryOf("a.b.example.org.", atOrigin))})
	for _, name := range []string{"www.example.org.", "b.example.org."} {
		q := new(dns.Msg)
		q.SetQuestion(name, dns.TypeA)
		_, m := b.send(t, q)
		if got := kept.String(); got != want || q.Question[0].Name != name {
			t.Errorf("%s: expected all as it was, got %s, %v", name, got, q.Question)
		}
		if len(m.Answer) != cap(m.Answer) || len(m.Ns) != cap(m.Ns) {
			t.Errorf("%s: expected slices that append copies", name)
		}
	}
}

// TestRule14TheOriginsNameHasOtherData has the next plugin have some of the
// name that 'answer cname' leads to: the chain says what a question for that
// name does.
func TestRule14TheOriginsNameHasOtherData(t *testing.T) {
	const soa = "example.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 3600"
	for _, tc := range []struct {
		qtype uint16
		rcode int // of the plugin behind
		rr    string
		want  []string
	}{
		{dns.TypeMX, dns.RcodeSuccess, host + " 60 IN MX 10 mail.example.org.", []string{"www.example.org. CNAME " + host, host + " MX 10"}},
		{dns.TypeMX, dns.RcodeNameError, soa, []string{"www.example.org. CNAME " + host}},
		{dns.TypeMX, dns.RcodeServerFailure, soa, []string{"www.example.org. CNAME " + host}},
		{dns.TypeAAAA, dns.RcodeSuccess, host + " 60 IN AAAA 2001:db8::66", []string{"www.example.org. CNAME " + host, host + " AAAA 2001:db8::10"}},
		{dns.TypeHTTPS, dns.RcodeSuccess, host + " 60 IN HTTPS 1 . alpn=h2", []string{"www.example.org. CNAME " + host}},
	} {
		s := newScene(site.Answer{Form: site.FormCNAME, Host: host}, atOrigin, "www.example.org.")
		s.behind(t, tc.rcode, tc.rr)
		s.Use(steer.Config{Table: route.NewTable(s.entry)})
		q := question("www.example.org.", tc.qtype)
		_, m := s.send(t, q)
		checkHeader(t, q, m)
		if got := records(m); !slices.Equal(got, tc.want) {
			t.Errorf("%s: expected %q, got %q", dns.Type(tc.qtype), tc.want, got)
		}
		if tc.rcode == dns.RcodeServerFailure {
			if len(m.Ns) > 0 { // resolvers ask for the target, and find that
				t.Errorf("%s: expected the CNAME alone, got %v", dns.Type(tc.qtype), m)
			}
			continue
		}
		if soa := soaIn(m); len(tc.want) == 1 && (soa == nil || soa.Hdr.Ttl > 30) {
			t.Errorf("%s: expected NODATA of the origin's name, got %v", dns.Type(tc.qtype), m)
		}
	}
}
