package steer_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// scene is a bed whose site has one form of answers and is on one side.
type scene struct {
	*bed
	form  site.AnswerForm
	atCDN bool
}

// host is the origin's name of the site with FormCNAME.
const host = "www.origin.example.org."

// atEdge is what the target of the CDN was resolved to.
var atEdge = site.Found{
	Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("2001:db8::80")},
	TTL:       time.Minute,
}

// eachForm runs a test with a site of each form on both sides.
func eachForm(t *testing.T, test func(t *testing.T, s scene)) {
	t.Helper()
	for _, a := range []site.Answer{{Form: site.FormSwitch}, {Form: site.FormCNAME, Host: host}, {Form: site.FormAddress}} {
		for side, d := range map[string]site.Decision{"AtOrigin": atOrigin, "AtCDN": diverted} {
			t.Run(string(a.Form)+side, func(t *testing.T) { test(t, newScene(a, d, "www.example.org.")) })
		}
	}
}

// newScene makes a bed of one site. Changes of it come before it is published.
func newScene(a site.Answer, d site.Decision, name string, changes ...func(*site.Site)) scene {
	s := site.New(name)
	s.Zone, s.Answer = "example.org.", a
	for _, change := range changes {
		change(s)
	}
	b := &bed{registry: prometheus.NewRegistry()}
	b.entry = route.NewEntry(s, route.NewZone(s.Zone, "ns1.example.net."), route.NewSeed(""))
	b.entry.Publish(news(a, d))
	b.Handler = steer.New([]string{"example.org."}, steer.NewMetrics(b.registry), func() bool { return true })
	b.Use(steer.Config{Table: route.NewTable(b.entry)})
	return scene{b, a.Form, d.Share > 0}
}

// news is the decision with what a form needs beside it.
func news(a site.Answer, d site.Decision) route.News {
	n := route.News{Decision: &d}
	if a.Form == site.FormAddress {
		for range d.CDNs {
			n.Found = append(n.Found, atEdge)
		}
	}
	return n
}

// question is a query with RD set.
func question(name string, qtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, qtype) }

// types lists the types of the answer section in order, each run once.
func types(m *dns.Msg) (list []uint16) {
	for _, rr := range m.Answer {
		if t := rr.Header().Rrtype; len(list) == 0 || list[len(list)-1] != t {
			list = append(list, t)
		}
	}
	return list
}

// soaIn returns the SOA of a negative answer, or nil.
func soaIn(m *dns.Msg) *dns.SOA {
	if len(m.Ns) != 1 {
		return nil
	}
	soa, _ := m.Ns[0].(*dns.SOA)
	return soa
}

// isNODATA reports whether a message says that the name is there and that type is not.
func isNODATA(m *dns.Msg) bool {
	return m != nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 0 && soaIn(m) != nil
}
