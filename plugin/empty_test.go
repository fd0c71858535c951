package steer_test

import (
	"context"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/route"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// deep is a table whose only site is a.b.example.org.
func deep() *route.Table { return route.NewTable(entryOf("a.b.example.org.", atOrigin)) }

// behind puts a plugin behind the handler that answers with rcode and rrs.
func (b *bed) behind(t *testing.T, rcode int, rrs ...string) {
	t.Helper()
	b.Next = plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := new(dns.Msg)
		m.SetRcode(r, rcode)
		m.Authoritative = true
		for _, text := range rrs {
			rr, err := dns.NewRR(text)
			if err != nil {
				t.Error(err)
			}
			if rr.Header().Rrtype == dns.TypeSOA {
				m.Ns = append(m.Ns, rr)
			} else {
				m.Answer = append(m.Answer, rr)
			}
		}
		return rcode, w.WriteMsg(m)
	})
}

// TestRule12EmptyNonTerminalIsNODATA is rule 12 with nothing behind (RFC 8020, section 2).
func TestRule12EmptyNonTerminalIsNODATA(t *testing.T) {
	b := newBed(atOrigin)
	b.Use(steer.Config{Table: deep()})
	for _, qtype := range append([]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY}, dataTypes...) {
		q := new(dns.Msg)
		q.SetQuestion("B.example.org.", qtype)
		_, m := b.send(t, q)
		checkHeader(t, q, m)
		if len(m.Answer) != 0 || len(m.Ns) != 1 || m.Ns[0].Header().Ttl != 30 {
			t.Errorf("%s: expected NODATA with a short SOA, got %v", dns.Type(qtype), m)
		}
	}
	if rcode, m := b.ask(t, "c.example.org.", dns.TypeA); rcode != dns.RcodeRefused || m != nil {
		t.Errorf("Expected another name refused, got %d and %v", rcode, m)
	}
}

// TestRule12EmptyNonTerminalIsNotDenied is rule 12 with a plugin behind.
func TestRule12EmptyNonTerminalIsNotDenied(t *testing.T) {
	const soa = "example.org. 3600 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 1800 86400 3600"
	b := newBed(atOrigin)
	b.behind(t, dns.RcodeNameError, soa)
	b.Use(steer.Config{Table: deep()})
	rcode, m := b.ask(t, "b.example.org.", dns.TypeA)
	if rcode != dns.RcodeSuccess || m.Rcode != dns.RcodeSuccess || len(m.Ns) != 1 || m.Ns[0].Header().Ttl != 30 {
		t.Errorf("Expected NODATA with our SOA, got %d and %v", rcode, m)
	}
	if _, m := b.ask(t, "c.example.org.", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("Expected another name denied, got %v", m)
	}
	b.behind(t, dns.RcodeSuccess, "b.example.org. 60 IN A 192.0.2.7")
	if _, m := b.ask(t, "b.example.org.", dns.TypeA); len(m.Answer) != 1 {
		t.Errorf("Expected the data of the plugin behind, got %v", m)
	}
	if got := counter(t, b.registry, [2]string{"nodata", "NOERROR"}); got != 1 {
		t.Errorf("Expected one NODATA of ours counted, got %g", got)
	}
	b.Next = plugin.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
		return dns.RcodeServerFailure, nil // as hosts does for a name that it does not have
	})
	b.Use(steer.Config{Table: deep()})
	if _, m := b.ask(t, "b.example.org.", dns.TypeA); m == nil || m.Rcode != dns.RcodeSuccess || len(m.Ns) != 1 {
		t.Errorf("Expected NODATA where the next plugin has no answer, got %v", m)
	}
	b.behind(t, dns.RcodeNameError, "b.example.org. 60 IN CNAME gone.example.net.")
	if _, m := b.ask(t, "b.example.org.", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("Expected the end of a CNAME's chain as it is, got %v", m)
	}
}
