package steer_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// meddler is a ResponseWriter that does to an answer what plugins in front do:
// it turns the records around (loadbalance), changes owner and TTL (rewrite)
// and appends signatures (dnssec).
type meddler struct {
	test.ResponseWriter
	seen []string // the records as they came
}

// WriteMsg implements dns.ResponseWriter.
func (w *meddler) WriteMsg(m *dns.Msg) error {
	w.seen = append(records(m), records(&dns.Msg{Answer: m.Ns})...)
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns} {
		slices.Reverse(*section)
		for _, rr := range *section {
			rr.Header().Name, rr.Header().Ttl = "elsewhere.example.com.", 86400
		}
		*section = append(*section, new(dns.RRSIG))
	}
	m.Authoritative, m.Question[0].Name = false, "elsewhere.example.com."
	return nil
}

// TestNeighboursChangeAnswersInParallel has each of them see its answer as if
// it were alone. The race detector finds what they share.
func TestNeighboursChangeAnswersInParallel(t *testing.T) {
	for name, decision := range map[string]site.Decision{"origin": atOrigin, "diverted": diverted} {
		t.Run(name, func(t *testing.T) {
			b := newBed(decision)
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeANY} {
				b.meddle(t, qtype)
			}
		})
	}
}

// meddle asks in parallel, and again and again.
func (b *bed) meddle(t *testing.T, qtype uint16) {
	t.Helper()
	const neighbours, questions = 4, 250
	want := b.meddled(qtype)
	var all sync.WaitGroup
	for range neighbours {
		all.Go(func() {
			for range questions {
				if got := b.meddled(qtype); !slices.Equal(got, want) {
					t.Errorf("Expected %s to be %v, got %v", dns.Type(qtype), want, got)
					return
				}
			}
		})
	}
	all.Wait()
}

// meddled asks once and returns what a neighbour saw.
func (b *bed) meddled(qtype uint16) []string {
	var w meddler
	b.ServeDNS(context.Background(), &w, new(dns.Msg).SetQuestion("www.example.org.", qtype))
	return w.seen
}
