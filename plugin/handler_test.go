package steer_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/cache"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/ready"
	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/plugin/view"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var (
	_ plugin.Handler     = (*steer.Handler)(nil)
	_ cache.ZoneBypasser = (*steer.Handler)(nil)
	_ metadata.Provider  = (*steer.Handler)(nil)
	_ ready.Readiness    = (*steer.Handler)(nil)
)

const target = "www-example-org.cdn.example.net."

// atOrigin and diverted are the two decisions of the site of these tests.
var (
	atOrigin = site.Decision{
		Epoch: 1, Side: site.SideOrigin, TTL: 30 * time.Second,
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")},
	}
	diverted = site.Decision{
		Epoch: 2, Side: site.SideCDN, Share: 1, TTL: 20 * time.Second,
		CDNs: []site.CDN{{Name: "edge", Target: target}}, Addresses: atOrigin.Addresses,
		Reason: site.Reason{Cause: site.CauseThreshold, Signal: site.ResponseTime, Value: 0.39, Limit: 0.3, V: 1.3, Age: time.Second},
	}
)

// dataTypes are types of data that a site at its origin does not have, known
// and unknown ones (RFC 3597).
var dataTypes = []uint16{
	dns.TypeMX, dns.TypeTXT, dns.TypeNS, dns.TypeSOA, dns.TypeSRV, dns.TypeNAPTR, dns.TypeCAA, dns.TypeHTTPS,
	dns.TypeSVCB, dns.TypeTLSA, dns.TypePTR, dns.TypeCNAME, dns.TypeDNAME, dns.TypeDS, dns.TypeRRSIG, dns.TypeNSEC,
	dns.TypeDNSKEY, 666, 1000, 65280,
}

// bed is a handler of example.org with the site www.example.org, and what it
// counts.
type bed struct {
	*steer.Handler
	entry    *route.Entry
	registry *prometheus.Registry
}

// published returns the entry of s with the answers of d.
func published(s *site.Site, mname string, d site.Decision) *route.Entry {
	e := route.NewEntry(s, route.NewZone(s.Zone, mname), route.NewSeed(""))
	e.Publish(route.News{Decision: &d})
	return e
}

func newBed(d site.Decision) *bed {
	s := site.New("www.example.org.", "shop.example.org.")
	s.Zone = "example.org."
	b := &bed{entry: published(s, "ns1.example.net.", d), registry: prometheus.NewRegistry()}
	b.Handler = steer.New([]string{"example.org."}, steer.NewMetrics(b.registry), func() bool { return true })
	b.Use(steer.Config{Table: route.NewTable(b.entry)})
	return b
}

// ask puts one question and returns the code of ServeDNS and the message that
// was written, if any.
func (b *bed) ask(t *testing.T, name string, qtype uint16) (int, *dns.Msg) {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	return b.send(t, q)
}

func (b *bed) send(t *testing.T, q *dns.Msg) (int, *dns.Msg) {
	t.Helper()
	w := dnstest.NewRecorder(&test.ResponseWriter{})
	rcode, err := b.ServeDNS(context.Background(), w, q)
	if err != nil {
		t.Fatalf("Expected no error, got %v", err)
	}
	return rcode, w.Msg
}

// checkHeader asserts what every answer of ours has.
func checkHeader(t *testing.T, q, m *dns.Msg) {
	t.Helper()
	if m == nil {
		t.Fatal("Expected an answer, got none")
	}
	if !m.Response || !m.Authoritative || m.RecursionAvailable || m.AuthenticatedData || m.Truncated || m.Zero {
		t.Errorf("Expected QR and AA alone, got %+v", m.MsgHdr)
	}
	if m.Id != q.Id || m.RecursionDesired != q.RecursionDesired || m.CheckingDisabled != q.CheckingDisabled || m.Rcode != dns.RcodeSuccess {
		t.Errorf("Expected id, RD and CD of the query and NOERROR, got %+v", m.MsgHdr)
	}
	if !slices.Equal(m.Question, q.Question) {
		t.Errorf("Expected the question %v, got %v", q.Question, m.Question)
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		if len(section) != cap(section) {
			t.Errorf("Expected a slice that append copies, got len %d, cap %d", len(section), cap(section))
		}
	}
}

func TestRule01DivertedEveryTypeIsTheCNAME(t *testing.T) {
	b := newBed(diverted)
	for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY}, dataTypes...) {
		q := new(dns.Msg)
		q.SetQuestion("www.example.org.", qtype)
		q.CheckingDisabled = true
		rcode, m := b.send(t, q)
		checkHeader(t, q, m)
		if rcode != dns.RcodeSuccess || len(m.Answer) != 1 || len(m.Ns) != 0 {
			t.Fatalf("%s: expected one record, got %v", dns.Type(qtype), m)
		}
		c, ok := m.Answer[0].(*dns.CNAME)
		if !ok || c.Target != target || c.Hdr.Ttl != 20 || c.Hdr.Name != "www.example.org." {
			t.Errorf("%s: expected the CNAME, got %v", dns.Type(qtype), m.Answer[0])
		}
	}
}

func TestAtOriginAddressesInCanonicalOrder(t *testing.T) {
	for _, tc := range []struct {
		qtype uint16
		want  []string
	}{
		{dns.TypeA, []string{
			"www.example.org.\t30\tIN\tA\t192.0.2.10", "www.example.org.\t30\tIN\tA\t192.0.2.11"}},
		{dns.TypeAAAA, []string{"www.example.org.\t30\tIN\tAAAA\t2001:db8::10"}},
		{dns.TypeANY, []string{
			"www.example.org.\t30\tIN\tA\t192.0.2.10", "www.example.org.\t30\tIN\tA\t192.0.2.11"}},
	} {
		q := new(dns.Msg)
		q.SetQuestion("www.example.org.", tc.qtype)
		_, m := newBed(atOrigin).send(t, q)
		checkHeader(t, q, m)
		var got []string
		for _, rr := range m.Answer {
			got = append(got, rr.String())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: expected %q, got %q", dns.Type(tc.qtype), tc.want, got)
		}
	}
}

func TestRule10NODATAHasAShortSOA(t *testing.T) {
	for _, qtype := range dataTypes {
		q := new(dns.Msg)
		q.SetQuestion("www.example.org.", qtype)
		_, m := newBed(atOrigin).send(t, q)
		checkHeader(t, q, m)
		if len(m.Answer) != 0 || len(m.Ns) != 1 {
			t.Fatalf("%s: expected NODATA with one SOA, got %v", dns.Type(qtype), m)
		}
		want := "example.org.\t30\tIN\tSOA\tns1.example.net. hostmaster.example.org. 1 14400 3600 604800 30"
		if got := m.Ns[0].String(); got != want {
			t.Errorf("%s: expected %q, got %q", dns.Type(qtype), want, got)
		}
	}
}

// TestRule09NODATAWithoutAddressesOfThatFamily also has ANY fall through to AAAA.
func TestRule09NODATAWithoutAddressesOfThatFamily(t *testing.T) {
	v6only := atOrigin
	v6only.Addresses = atOrigin.Addresses[2:]
	b := newBed(v6only)
	if _, m := b.ask(t, "www.example.org.", dns.TypeA); len(m.Answer) != 0 || len(m.Ns) != 1 {
		t.Errorf("Expected NODATA for A, got %v", m)
	}
	if _, m := b.ask(t, "www.example.org.", dns.TypeANY); len(m.Answer) != 1 || m.Answer[0].Header().Rrtype != dns.TypeAAAA {
		t.Errorf("Expected AAAA for ANY, got %v", m)
	}
}

func TestRule02MetaTypesAreRefusedInBothStates(t *testing.T) {
	for _, d := range []site.Decision{atOrigin, diverted} {
		b := newBed(d)
		for _, qtype := range []uint16{
			dns.TypeNone, dns.TypeOPT, 128, dns.TypeTKEY, dns.TypeTSIG, dns.TypeIXFR, dns.TypeAXFR, dns.TypeMAILB, dns.TypeMAILA,
		} {
			if rcode, m := b.ask(t, "www.example.org.", qtype); rcode != dns.RcodeRefused || m != nil {
				t.Errorf("%s: expected REFUSED for the server to write, got %d and %v", dns.Type(qtype), rcode, m)
			}
		}
	}
}

func TestRule23OtherOpcodesAndClassesAreTurnedAwayAtOnce(t *testing.T) {
	b := newBed(diverted)
	for _, opcode := range []int{dns.OpcodeNotify, dns.OpcodeUpdate, dns.OpcodeStatus} {
		q := new(dns.Msg)
		q.SetQuestion("www.example.org.", dns.TypeA)
		q.Opcode = opcode
		if rcode, m := b.send(t, q); rcode != dns.RcodeNotImplemented || m != nil {
			t.Errorf("Opcode %d: expected NOTIMP, got %d and %v", opcode, rcode, m)
		}
	}
	q := new(dns.Msg)
	q.SetQuestion("www.example.org.", dns.TypeA)
	q.Question[0].Qclass = dns.ClassCHAOS
	if rcode, m := b.send(t, q); rcode != dns.RcodeRefused || m != nil {
		t.Errorf("Class CH: expected REFUSED, got %d and %v", rcode, m)
	}
}

func TestRule21OwnerHasTheCaseOfTheQuestion(t *testing.T) {
	for _, d := range []site.Decision{atOrigin, diverted} {
		_, m := newBed(d).ask(t, "wWw.eXample.ORG.", dns.TypeA)
		if m.Answer[0].Header().Name != "wWw.eXample.ORG." || m.Question[0].Name != "wWw.eXample.ORG." {
			t.Errorf("Expected the case of the question, got %v", m)
		}
	}
}

func TestEveryNameOfASiteGetsItsAnswer(t *testing.T) {
	if _, m := newBed(diverted).ask(t, "shop.example.org.", dns.TypeA); m.Answer[0].Header().Name != "shop.example.org." {
		t.Errorf("Expected the second name answered under itself, got %v", m)
	}
}

func TestRule22NamesThatAreNotOurs(t *testing.T) {
	names := []string{
		"example.org.", "other.example.org.", "sub.www.example.org.", "xwww.example.org.", "wwwexample.org.",
		`www\.example.org.`, ".", "www.example.net.",
	}
	t.Run("AreRefusedWithNothingBehind", func(t *testing.T) {
		b := newBed(diverted)
		for _, name := range names {
			if rcode, m := b.ask(t, name, dns.TypeA); rcode != dns.RcodeRefused || m != nil {
				t.Errorf("%s: expected REFUSED, got %d and %v", name, rcode, m)
			}
		}
	})
	t.Run("AreRefusedWithOnlyViewBehind", func(t *testing.T) {
		b := newBed(diverted)
		b.Next = &view.View{}
		b.Use(steer.Config{Table: route.NewTable(b.entry)})
		for _, name := range names {
			if rcode, m := b.ask(t, name, dns.TypeA); rcode != dns.RcodeRefused || m != nil {
				t.Errorf("%s: expected REFUSED, got %d and %v", name, rcode, m)
			}
		}
	})
	t.Run("GoToTheNextPlugin", func(t *testing.T) {
		b := newBed(diverted)
		b.Next = &view.View{Next: test.NextHandler(dns.RcodeNameError, nil)}
		b.Use(steer.Config{Table: route.NewTable(b.entry)})
		for _, name := range names {
			if rcode, _ := b.ask(t, name, dns.TypeAXFR); rcode != dns.RcodeNameError {
				t.Errorf("%s: expected the next plugin's code, got %d", name, rcode)
			}
		}
	})
}

// TestOtherZonesOfTheTable has a block answer only the zones it serves.
func TestOtherZonesOfTheTable(t *testing.T) {
	b := newBed(diverted)
	s := site.New("www.example.net.")
	s.Zone = "example.net."
	b.Use(steer.Config{Table: route.NewTable(b.entry, published(s, "", diverted))})
	if rcode, m := b.ask(t, "www.example.net.", dns.TypeA); rcode != dns.RcodeRefused || m != nil {
		t.Errorf("Expected REFUSED for another block's zone, got %d and %v", rcode, m)
	}
}

// TestABlockOfAZoneBelow has a block of sub.example.org tell its own names from
// those that a wildcard and an empty non-terminal of example.org would cover.
func TestABlockOfAZoneBelow(t *testing.T) {
	b := newBed(diverted)
	b.Handler = steer.New([]string{"sub.example.org."}, steer.NewMetrics(prometheus.NewRegistry()), nil)
	table := route.NewTable(entryOf("*.example.org.", diverted), entryOf("a.b.sub.example.org.", diverted))
	b.Use(steer.Config{Table: table, NS: map[string][]string{"sub.example.org.": {"ns1.example.net."}}})
	if _, m := b.ask(t, "sub.example.org.", dns.TypeSOA); m == nil || len(m.Answer) != 1 {
		t.Errorf("Expected the zone's own SOA, got %v", m)
	}
	for _, name := range []string{"x.sub.example.org.", "b.sub.example.org.", "a.b.sub.example.org."} {
		if rcode, m := b.ask(t, name, dns.TypeA); rcode != dns.RcodeRefused || m != nil {
			t.Errorf("%s: expected REFUSED, got %d and %v", name, rcode, m)
		}
	}
}

// TestABlockOfAParentZone serves the sites of the zones below its own.
func TestABlockOfAParentZone(t *testing.T) {
	b := newBed(diverted)
	b.Handler = steer.New([]string{"."}, steer.NewMetrics(prometheus.NewRegistry()), nil)
	b.Use(steer.Config{Table: route.NewTable(b.entry)})
	if _, m := b.ask(t, "www.example.org.", dns.TypeA); m == nil || len(m.Answer) != 1 {
		t.Errorf("Expected the CNAME, got %v", m)
	}
}

func TestApexOfAZoneWithNS(t *testing.T) {
	b := newBed(diverted)
	b.Use(steer.Config{Table: route.NewTable(b.entry), NS: map[string][]string{"example.org.": {"ns1.example.net.", "ns2.example.net."}}})
	for _, tc := range []struct {
		qtype   uint16
		answers int
		soa     int
	}{{dns.TypeSOA, 1, 0}, {dns.TypeANY, 1, 0}, {dns.TypeNS, 2, 0}, {dns.TypeA, 0, 1}, {dns.TypeMX, 0, 1}} {
		q := new(dns.Msg)
		q.SetQuestion("Example.org.", tc.qtype)
		_, m := b.send(t, q)
		checkHeader(t, q, m)
		if len(m.Answer) != tc.answers || len(m.Ns) != tc.soa {
			t.Errorf("%s: expected %d answers and %d SOA, got %v", dns.Type(tc.qtype), tc.answers, tc.soa, m)
		}
		for _, rr := range m.Answer {
			if rr.Header().Name != "Example.org." {
				t.Errorf("Expected the case of the question, got %v", rr)
			}
		}
	}
	if rcode, m := b.ask(t, "example.org.", dns.TypeAXFR); rcode != dns.RcodeRefused || m != nil {
		t.Errorf("Expected AXFR refused, got %d and %v", rcode, m)
	}
	b.Next = test.NextHandler(dns.RcodeNameError, nil)
	b.Use(steer.Config{Table: route.NewTable(b.entry), NS: map[string][]string{"example.org.": {"ns1.example.net."}}})
	if rcode, _ := b.ask(t, "example.org.", dns.TypeSOA); rcode != dns.RcodeNameError {
		t.Errorf("Expected the apex left to the next plugin, got %d", rcode)
	}
}

// TestAnswersAreNotShared changes the records of an answer, as plugins above
// may, and expects the next one untouched.
func TestAnswersAreNotShared(t *testing.T) {
	for _, d := range []site.Decision{atOrigin, diverted} {
		b := newBed(d)
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT} {
			_, first := b.ask(t, "www.example.org.", qtype)
			want := first.String()
			_, second := b.ask(t, "www.example.org.", qtype)
			for _, rr := range append(slices.Clone(second.Answer), second.Ns...) {
				rr.Header().Ttl, rr.Header().Name = 1, "changed."
				if soa, ok := rr.(*dns.SOA); ok {
					soa.Minttl = 1
				}
			}
			_, third := b.ask(t, "www.example.org.", qtype)
			third.Id = first.Id
			if got := third.String(); got != want {
				t.Errorf("Expected\n%s\ngot\n%s", want, got)
			}
		}
	}
}

func TestResponsesAreCountedByAnswerAndRcode(t *testing.T) {
	b := newBed(atOrigin)
	b.ask(t, "www.example.org.", dns.TypeA)
	b.ask(t, "www.example.org.", dns.TypeAAAA)
	b.ask(t, "www.example.org.", dns.TypeTXT)
	b.ask(t, "other.example.org.", dns.TypeA)
	b.ask(t, "www.example.org.", dns.TypeAXFR)
	b.entry.Publish(route.News{Decision: &diverted})
	b.ask(t, "www.example.org.", dns.TypeA)
	for series, want := range map[[2]string]float64{
		{"address", "NOERROR"}: 2, {"nodata", "NOERROR"}: 1, {"cname", "NOERROR"}: 1, {"cname", "NXDOMAIN"}: 0,
		{"none", "REFUSED"}: 2, {"none", "NOTIMP"}: 0, {"none", "SERVFAIL"}: 0, {"zone", "NOERROR"}: 0,
	} {
		if got := counter(t, b.registry, series); got != want {
			t.Errorf("%v: expected %g, got %g", series, want, got)
		}
	}
	if n, err := testutil.GatherAndCount(b.registry); err != nil || n != 9 {
		t.Errorf("Expected 9 series, got %d, %v", n, err)
	}
}

// counter reads one series of responses_total.
func counter(t *testing.T, reg *prometheus.Registry, labels [2]string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == labels[0] && m.GetLabel()[1].GetValue() == labels[1] {
			return m.GetCounter().GetValue()
		}
	}
	t.Fatalf("Expected a series %v", labels)
	return 0
}

func TestMetadataNamesSiteDecisionAndReason(t *testing.T) {
	b := newBed(diverted)
	q := new(dns.Msg)
	q.SetQuestion("WWW.example.org.", dns.TypeA)
	ctx := b.Metadata(metadata.ContextWithMetadata(context.Background()), request.Request{Req: q})
	for label, want := range map[string]string{
		"cdnredirect/site":     "www.example.org.",
		"cdnredirect/decision": "cdn edge",
		"cdnredirect/reason":   "threshold: response_time 390ms is 130 % of the limit 300ms (age 1s)",
		"cdnredirect/epoch":    "2",
	} {
		f := metadata.ValueFunc(ctx, label)
		if f == nil || f() != want {
			t.Errorf("%s: expected %q, got %v", label, want, f)
		}
	}
	q.SetQuestion("other.example.org.", dns.TypeA)
	ctx = b.Metadata(metadata.ContextWithMetadata(context.Background()), request.Request{Req: q})
	if len(metadata.Labels(ctx)) != 0 {
		t.Error("Expected no labels for a name that is not ours")
	}
}

func TestBeforeUseNothingIsOurs(t *testing.T) {
	h := steer.New([]string{"example.org."}, steer.NewMetrics(prometheus.NewRegistry()), func() bool { return true })
	if !h.Ready() {
		t.Error("Expected ready as the function says")
	}
	b := &bed{Handler: h}
	if rcode, _ := b.ask(t, "www.example.org.", dns.TypeA); rcode != dns.RcodeRefused {
		t.Errorf("Expected REFUSED, got %d", rcode)
	}
	if got := h.CacheBypassZones(); !slices.Equal(got, []string{"example.org."}) {
		t.Errorf("Expected the zones, got %v", got)
	}
}
