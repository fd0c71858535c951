package health_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"

	"github.com/miekg/dns"
)

// TestRule18ATTLHas31Bits: more count as none, and a day is enough (RFC 2181,
// section 8).
func TestRule18ATTLHas31Bits(t *testing.T) {
	for ttl, want := range map[uint32]time.Duration{
		0: 0, 1: time.Second, 86400: 24 * time.Hour, 86401: 24 * time.Hour, math.MaxInt32: 24 * time.Hour, 1 << 31: 0, math.MaxUint32: 0,
	} {
		x := health.Exchange(func(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
			m := new(dns.Msg).SetReply(q)
			rr, err := dns.NewRR("edge.example.net. 60 IN A 192.0.2.80")
			if err != nil {
				return nil, err
			}
			rr.Header().Ttl = ttl
			m.Answer = []dns.RR{rr}
			return m, nil
		})
		found, err := x.Addresses(context.Background(), "edge.example.net.", dns.TypeA)
		if err != nil || len(found.Addresses) != 1 || found.TTL != want {
			t.Errorf("TTL %d: expected %s, got %+v, %v", ttl, want, found, err)
		}
	}
}
