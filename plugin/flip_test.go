package steer_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// inspector is a ResponseWriter that checks that an answer is of one decision.
type inspector struct {
	test.ResponseWriter
	cnames, addresses, mixed *atomic.Int64
}

// WriteMsg counts the answer by its side, and as mixed when it has records of
// both or the TTL of the other.
func (w *inspector) WriteMsg(m *dns.Msg) error {
	ttl := map[uint16]uint32{dns.TypeCNAME: 20, dns.TypeA: 30, dns.TypeAAAA: 30, dns.TypeSOA: 30}
	records := slices.Concat(m.Answer, m.Ns)
	first := records[0].Header()
	for _, rr := range records {
		if h := rr.Header(); h.Rrtype != first.Rrtype || h.Ttl != ttl[h.Rrtype] {
			w.mixed.Add(1)
		}
	}
	if first.Rrtype == dns.TypeCNAME {
		w.cnames.Add(1)
	} else {
		w.addresses.Add(1)
	}
	return nil
}

// TestRule05FlippingEachMillisecondMixesNothing has every answer come of one
// decision (RFC 1034, section 3.6.2; RFC 2181, section 5.2).
func TestRule05FlippingEachMillisecondMixesNothing(t *testing.T) {
	const readers = 4
	queries := 1_000_000
	if testing.Short() {
		queries = 50_000
	}
	b := newBed(atOrigin)
	w := inspector{cnames: new(atomic.Int64), addresses: new(atomic.Int64), mixed: new(atomic.Int64)}
	stop := flip(b)
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			q := new(dns.Msg)
			q.SetQuestion("www.example.org.", dns.TypeA)
			for i := range queries / readers {
				q.Question[0].Qtype = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT}[i%3]
				b.ServeDNS(context.Background(), &w, q)
			}
		})
	}
	group.Wait()
	stop()
	if n := w.mixed.Load(); n != 0 {
		t.Errorf("Expected no mixed answer, got %d", n)
	}
	if w.cnames.Load() == 0 || w.addresses.Load() == 0 {
		t.Errorf("Expected answers of both sides, got %d and %d", w.cnames.Load(), w.addresses.Load())
	}
}

// flip publishes the two decisions in turn each millisecond until stop.
func flip(b *bed) (stop func()) {
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-tick.C:
				b.entry.Publish(route.News{Decision: []*site.Decision{&diverted, &atOrigin}[i%2]})
			}
		}
	})
	return func() { close(done); group.Wait() }
}
