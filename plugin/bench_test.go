package steer_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// costlyCase is one kind of answer whose cost is of interest.
type costlyCase struct {
	name      string
	addresses []string // of every site's origin
	diverted  bool
	qtype     uint16
	qname     string // instead of the sites' names
	share     float64
	ecs       bool // the question has a client subnet
}

func costlyCases() []costlyCase {
	four := []string{"192.0.2.4", "192.0.2.3", "192.0.2.2", "192.0.2.1"}
	return []costlyCase{
		{name: "A", addresses: four[:1], qtype: dns.TypeA},
		{name: "A4", addresses: four, qtype: dns.TypeA},
		{name: "AAAA", addresses: []string{"2001:db8::1"}, qtype: dns.TypeAAAA},
		{name: "CNAME", addresses: four[:1], diverted: true, qtype: dns.TypeA},
		{name: "NODATA", addresses: four[:1], qtype: dns.TypeTXT},
		{name: "Share", addresses: four[:1], share: 0.5, qtype: dns.TypeA},
		{name: "ShareECS", addresses: four[:1], share: 0.5, ecs: true, qtype: dns.TypeA},
		{name: "NotOurs", addresses: four[:1], qtype: dns.TypeA, qname: "other.example.org."},
	}
}

// BenchmarkServeDNS asks every site in turn, so that with many of them what
// an answer needs is seldom in the processor's caches.
func BenchmarkServeDNS(b *testing.B) {
	for _, sites := range []int{1, 100_000} {
		for _, c := range costlyCases() {
			b.Run(fmt.Sprintf("%s/sites=%d", c.name, sites), func(b *testing.B) {
				ask := c.asker(sites)
				b.ReportAllocs()
				for b.Loop() {
					ask()
				}
			})
		}
	}
}

// maxAllocations of an answer, whatever the number of sites and of records. The
// race detector counts the same.
const maxAllocations = 4

func TestServeDNSAllocations(t *testing.T) {
	for _, sites := range []int{1, 1000} {
		for _, c := range costlyCases() {
			t.Run(fmt.Sprintf("%s/sites=%d", c.name, sites), func(t *testing.T) {
				if got := testing.AllocsPerRun(1000, c.asker(sites)); got > maxAllocations {
					t.Errorf("Expected at most %d allocations, got %v", maxAllocations, got)
				}
			})
		}
	}
}

// TestServeDNSAllocationsApex is about the answers that belong to no site.
func TestServeDNSAllocationsApex(t *testing.T) {
	h := steer.New([]string{"example.org."}, steer.NewMetrics(prometheus.NewRegistry()), func() bool { return true })
	h.Use(steer.Config{Table: route.NewTable(), NS: map[string][]string{"example.org.": {
		"ns1.example.org.", "ns2.example.org.", "ns3.example.org.", "ns4.example.org.",
	}}})
	w := new(unread)
	for _, qtype := range []uint16{dns.TypeSOA, dns.TypeNS, dns.TypeA} {
		question := new(dns.Msg).SetQuestion("example.org.", qtype)
		got := testing.AllocsPerRun(1000, func() { h.ServeDNS(context.Background(), w, question) })
		if got > maxAllocations {
			t.Errorf("Expected at most %d allocations for %s, got %v", maxAllocations, dns.TypeToString[qtype], got)
		}
	}
}

// asker returns a function that asks a handler of that many sites about the
// next one.
func (c costlyCase) asker(sites int) func() {
	h, names := c.handler(sites)
	ctx, w, question := context.Background(), new(unread), new(dns.Msg).SetQuestion(names[0], c.qtype)
	if c.ecs {
		question.SetEdns0(1232, false)
		question.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(10, 1, 2, 0).To4()}}
	}
	i := 0
	return func() {
		question.Question[0].Name = names[i]
		h.ServeDNS(ctx, w, question)
		if i++; i == len(names) {
			i = 0
		}
	}
}

// stride is a prime: steps of it visit all sites before they repeat, and no
// two neighbours one after the other.
const stride = 7919

// handler returns a handler of that many sites, and the names to ask for: in
// the mixed case that resolvers use against forgery (DNS 0x20), and in an order
// that is not that of the sites in memory. A real question has just been read
// and is in the caches; here the names' own order sees to that.
func (c costlyCase) handler(sites int) (h *steer.Handler, names []string) {
	entries := make([]*route.Entry, sites)
	zone := route.NewZone("example.org.", "")
	names = make([]string, sites)
	for i := range sites {
		s := site.New(fmt.Sprintf("s%06d.example.org.", i))
		s.Zone = "example.org."
		s.Divert = site.Divert{Mode: site.DivertFixed, Share: c.share}
		entries[i] = route.NewEntry(s, zone, route.NewSeed(""))
		d := c.decision(s)
		entries[i].Publish(route.News{Decision: &d})
	}
	for i := range names {
		names[i] = cmp.Or(c.qname, fmt.Sprintf("S%06d.eXample.org.", i*stride%sites))
	}
	h = steer.New([]string{"example.org."}, steer.NewMetrics(prometheus.NewRegistry()), func() bool { return true })
	h.Use(steer.Config{Table: route.NewTable(entries...), ECS: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	return h, names
}

func (c costlyCase) decision(s *site.Site) site.Decision {
	d := site.Decision{
		Side: site.SideOrigin, TTL: 30 * time.Second,
		Reason: site.Reason{Cause: site.CauseBelow, Signal: site.ResponseTime, Value: 0.1, Limit: 0.3, V: 0.33},
	}
	for _, text := range c.addresses {
		d.Addresses = append(d.Addresses, netip.MustParseAddr(text))
	}
	if c.diverted || c.share > 0 {
		d.Side, d.Share = site.SideCDN, cmp.Or(c.share, 1)
		d.CDNs = []site.CDN{{Name: "example", Target: "s000000.cdn.example.net."}}
	}
	return d
}

// unread is a client that nobody waits for: writing to it costs nothing.
type unread struct{ dns.ResponseWriter }

func (*unread) RemoteAddr() net.Addr { return &client }

var client = net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}

func (*unread) WriteMsg(*dns.Msg) error { return nil }
