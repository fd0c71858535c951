package steer_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// FuzzServeDNS reads any packet as the server does and asks handlers of all
// forms and sides, with and without a plugin behind. Whatever the question was,
// the answer is one that can be sent and that a resolver may believe.
func FuzzServeDNS(f *testing.F) {
	for _, packet := range packets() {
		f.Add(packet)
	}
	handlers := fuzzHandlers()
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, h := range handlers {
			for _, tcp := range []bool{false, true} {
				if q := accept(packet); q != nil {
					checkServe(t, h, q, tcp)
				}
			}
		}
	})
}

// accept is what miekg/dns and CoreDNS do before plugins are asked; nil: they
// are not.
func accept(packet []byte) *dns.Msg {
	if len(packet) < 12 {
		return nil
	}
	word := func(i int) uint16 { return binary.BigEndian.Uint16(packet[2*i:]) }
	header := dns.Header{Id: word(0), Bits: word(1), Qdcount: word(2), Ancount: word(3), Nscount: word(4), Arcount: word(5)}
	if dns.DefaultMsgAcceptFunc(header) != dns.MsgAccept {
		return nil
	}
	q := new(dns.Msg)
	if q.Unpack(packet) != nil || len(q.Question) == 0 {
		return nil
	}
	if opt := q.IsEdns0(); opt != nil && opt.Version() != 0 {
		return nil
	}
	return q
}

// fuzzHandlers are handlers of example.org with sites of one form on one side,
// each below a plugin that denies everything and above nothing.
func fuzzHandlers() []*steer.Handler {
	var handlers []*steer.Handler
	for _, a := range []site.Answer{{Form: site.FormSwitch, Keyed: true}, {Form: site.FormCNAME, Host: host}, {Form: site.FormAddress, AliasMode: true}} {
		for _, share := range []float64{0, 0.5, 1} {
			for _, next := range []plugin.Handler{nil, plugin.HandlerFunc(deny)} {
				handlers = append(handlers, fuzzHandler(a, share, next))
			}
		}
	}
	return handlers
}

func fuzzHandler(a site.Answer, share float64, next plugin.Handler) *steer.Handler {
	d := atOrigin
	if share > 0 {
		d = diverted
		d.Share, d.CDNs = share, []site.CDN{{Name: "big", Target: target, Weight: 3}, {Name: "small", Target: "edge.example.org.", Weight: 1}}
	}
	var entries []*route.Entry
	for _, name := range []string{"www.example.org.", "*.w.example.org.", "a.ent.example.org.", `\000\.\".example.org.`, longest("l.example.org.")} {
		s := site.New(name)
		s.Zone, s.Answer, s.CDNs, s.Divert = "example.org.", a, d.CDNs, site.Divert{Mode: site.DivertFixed, Share: 0.5}
		if name != "www.example.org." && a.Form == site.FormCNAME {
			s.Answer.Host = "origin.example.net."
		}
		e := route.NewEntry(s, route.NewZone(s.Zone, ""), route.NewSeed("fuzz"))
		e.Publish(news(s.Answer, d))
		entries = append(entries, e)
	}
	entries = append(entries, entryOf("edge.example.org.", to(longest("example.net."))))
	h := steer.New([]string{"example.org."}, steer.NewMetrics(prometheus.NewRegistry()), func() bool { return true })
	h.Next = next
	h.Use(steer.Config{
		Table: route.NewTable(entries...), NS: map[string][]string{"example.org.": {"ns1.example.net."}},
		ECS: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	return h
}

// deny is a plugin that has nothing but the zone.
func deny(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m := new(dns.Msg).SetRcode(r, dns.RcodeNameError)
	m.Authoritative = true
	m.Ns = []dns.RR{route.NewZone("example.org.", "").SOA(3600)}
	return dns.RcodeNameError, w.WriteMsg(m)
}

// written keeps the answers as they go out.
type written struct {
	test.ResponseWriter
	wires [][]byte
	err   error
}

// WriteMsg implements dns.ResponseWriter.
func (w *written) WriteMsg(m *dns.Msg) error {
	wire, err := m.Pack()
	w.wires, w.err = append(w.wires, wire), err
	return err
}

// checkServe asks a handler as the server does, and checks what comes out.
func checkServe(t *testing.T, h *steer.Handler, q *dns.Msg, tcp bool) {
	t.Helper()
	asked := q.Copy()
	w := &written{ResponseWriter: test.ResponseWriter{TCP: tcp}}
	rcode, err := h.ServeDNS(context.Background(), request.NewScrubWriter(q, w), q)
	if err != nil || w.err != nil {
		t.Fatalf("Expected no error, got %v and %v for %v", err, w.err, asked)
	}
	if !plugin.ClientWrite(rcode) {
		if len(w.wires) != 0 {
			t.Fatalf("Expected nothing written with %s for %v", dns.RcodeToString[rcode], asked)
		}
		if rcode == dns.RcodeServerFailure {
			t.Fatalf("Expected no failure for %v", asked)
		}
		return
	}
	if len(w.wires) != 1 {
		t.Fatalf("Expected one answer, got %d for %v", len(w.wires), asked)
	}
	m := new(dns.Msg)
	if err := m.Unpack(w.wires[0]); err != nil {
		t.Fatalf("Expected an answer that can be read, got %v for %v", err, asked)
	}
	checkAnswer(t, h, asked, m)
	if size := (&request.Request{Req: asked, W: w}).Size(); len(w.wires[0]) > size {
		t.Fatalf("Expected at most %d octets, got %d for %v", size, len(w.wires[0]), asked)
	}
}

// checkAnswer checks what holds for every answer.
func checkAnswer(t *testing.T, h *steer.Handler, q, m *dns.Msg) {
	t.Helper()
	if m.Id != q.Id || m.Opcode != q.Opcode || !slices.Equal(m.Question, q.Question[:1]) {
		t.Fatalf("Expected the question %v back, got %v", q, m)
	}
	if !m.Response || !m.Authoritative || m.RecursionAvailable || m.AuthenticatedData || m.Zero {
		t.Fatalf("Expected QR and AA, and none of RA, AD and Z, got %v", m)
	}
	if m.Rcode != dns.RcodeSuccess && (m.Rcode != dns.RcodeNameError || h.Next == nil) {
		t.Fatalf("Expected neither failure nor denial, got %v", m)
	}
	if len(m.Answer)+len(m.Ns) == 0 && !m.Truncated {
		t.Fatalf("Expected data or an SOA, got %v", m)
	}
	for _, rr := range slices.Concat(m.Answer, m.Ns) {
		if rr.Header().Ttl > 3600 || rr.Header().Class != dns.ClassINET {
			t.Fatalf("Expected no such record as %v", rr)
		}
	}
	if got := len(m.Extra); got > 1 || (got == 1) != (q.IsEdns0() != nil) || got == 1 && m.IsEdns0() == nil {
		t.Fatalf("Expected one OPT if one was sent, got %v", m)
	}
	if q.Opcode == dns.OpcodeQuery {
		checkRRsets(t, m)
	}
}

// packets are those of the list of RFC 8906 and some that are our own to
// think of: what a client may send that is worth a handler's attention.
func packets() [][]byte {
	var all [][]byte
	add := func(q *dns.Msg, changes ...func(*dns.Msg)) {
		q.Id, q.RecursionDesired = 0x1234, false
		for _, change := range changes {
			change(q)
		}
		if wire, err := q.Pack(); err == nil {
			all = append(all, wire)
		}
	}
	names := []string{
		"www.example.org.", "wWw.eXample.ORG.", "example.org.", "other.example.org.", "ent.example.org.", "a.ent.example.org.", "x.y.w.example.org.",
		"*.w.example.org.", "w.example.org.", "edge.example.org.", host, "origin.example.org.", `\000\.\".example.org.`, `\128\255.w.example.org.`,
		longest("w.example.org."), longest("l.example.org."), "example.com.", ".",
	}
	for _, name := range names {
		for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY}, append(dataTypes, meta...)...) {
			add(question(name, qtype))
		}
	}
	add(question("version.bind.", dns.TypeTXT), class(dns.ClassCHAOS))
	for _, c := range []uint16{0, dns.ClassCHAOS, dns.ClassANY, dns.ClassNONE} {
		add(question("www.example.org.", dns.TypeA), class(c))
	}
	for opcode := range 16 {
		add(question("www.example.org.", dns.TypeSOA), func(m *dns.Msg) { m.Opcode = opcode })
		add(question("example.org.", dns.TypeSOA), func(m *dns.Msg) { m.Opcode = opcode })
		add(new(dns.Msg), func(m *dns.Msg) { m.Opcode = opcode }) // a header alone
	}
	for bit := range 8 {
		add(question("www.example.org.", dns.TypeA), func(m *dns.Msg) { flag(m, bit) })
	}
	for _, change := range ednsChanges() {
		add(question("www.example.org.", dns.TypeA).SetEdns0(1232, false), change)
		add(question("www.example.org.", dns.TypeTXT).SetEdns0(1232, false), change)
	}
	update := new(dns.Msg).SetUpdate("example.org.")
	add(update, func(m *dns.Msg) { m.RemoveName([]dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: "www.example.org."}}}) })
	ixfr := new(dns.Msg).SetIxfr("example.org.", 1, "ns1.example.org.", "hostmaster.example.org.")
	add(ixfr)
	broken := slices.Clone(all[0])
	all = append(all, nil, []byte{1, 2, 3}, broken[:12], broken[:len(broken)-1], append(broken, 0), append(broken[:12:12], 0xc0, 0x0c, 0, 1, 0, 1))
	return all
}

func class(c uint16) func(*dns.Msg) { return func(m *dns.Msg) { m.Question[0].Qclass = c } }

// flag sets one bit of the header.
func flag(m *dns.Msg, bit int) {
	*[]*bool{
		&m.Response, &m.Authoritative, &m.Truncated, &m.RecursionDesired, &m.RecursionAvailable, &m.Zero, &m.AuthenticatedData, &m.CheckingDisabled,
	}[bit] = true
}

// ednsChanges make an OPT record one that somebody sends, or nobody should.
func ednsChanges() []func(*dns.Msg) {
	with := func(options ...dns.EDNS0) func(*dns.Msg) {
		return func(m *dns.Msg) { m.IsEdns0().Option = options }
	}
	ecs := func(family uint16, source, scope uint8, address string) dns.EDNS0 {
		return &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: source, SourceScope: scope, Address: net.ParseIP(address)}
	}
	changes := []func(*dns.Msg){
		func(m *dns.Msg) { m.IsEdns0().SetDo() },
		func(m *dns.Msg) { m.IsEdns0().SetVersion(1) },
		func(m *dns.Msg) { m.Extra = append(m.Extra, dns.Copy(m.Extra[0])) },
		func(m *dns.Msg) { m.IsEdns0().Hdr.Ttl |= 0x40 },
		func(m *dns.Msg) { m.IsEdns0().Hdr.Ttl |= 0x2000 },
		with(&dns.EDNS0_LOCAL{Code: 100}), with(&dns.EDNS0_NSID{Code: dns.EDNS0NSID}), with(&dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Empty: true}),
		with(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}), with(&dns.EDNS0_PADDING{Padding: make([]byte, 128)}),
		with(&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}), with(&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 0xff}}),
		with(ecs(1, 24, 0, "192.0.2.0"), ecs(1, 16, 0, "198.51.0.0")),
	}
	for _, o := range []dns.EDNS0{
		ecs(0, 0, 0, "0.0.0.0"), ecs(1, 0, 0, "0.0.0.0"), ecs(1, 24, 0, "192.0.2.0"), ecs(1, 32, 0, "192.0.2.1"), ecs(1, 20, 0, "192.0.0.0"), ecs(1, 24, 24, "192.0.2.0"),
		ecs(2, 0, 0, "::"), ecs(2, 56, 0, "2001:db8::"), ecs(2, 128, 0, "2001:db8::1"), ecs(2, 120, 0, "::ffff:192.0.2.0"),
	} {
		changes = append(changes, with(o))
	}
	for _, size := range []uint16{0, 512, 4096, 65535} {
		changes = append(changes, func(m *dns.Msg) { m.IsEdns0().SetUDPSize(size) })
	}
	return changes
}
