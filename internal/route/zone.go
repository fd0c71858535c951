package route

import (
	"sync/atomic"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// Times of our SOA that only a secondary would read, and steered names have none.
const (
	soaSerial  = 1
	soaRefresh = 14400
	soaRetry   = 3600
	soaExpire  = 604800
)

// Zone is what all sites of a zone share: the start of authority that their
// negative answers carry.
type Zone struct {
	Name string // canonical
	soa  atomic.Pointer[dns.SOA]
}

// NewZone returns a zone whose primary name server is mname; empty: a name in
// the zone that says whose it is.
func NewZone(name, mname string) *Zone {
	z := &Zone{Name: name}
	if mname == "" {
		mname = below(name, "ns.dns.")
	}
	z.SetSOA(&dns.SOA{
		Hdr:     dns.RR_Header{Name: name},
		Ns:      mname,
		Mbox:    below(name, "hostmaster."),
		Serial:  soaSerial,
		Refresh: soaRefresh,
		Retry:   soaRetry,
		Expire:  soaExpire,
	})
	return z
}

// SetSOA makes the owner and the data of a record those of the zone's negative
// answers from now on, but for its MINIMUM. The owner may be above the zone's
// name, where a block serves a part of a zone. The record is not to be changed
// afterwards.
func (z *Zone) SetSOA(soa *dns.SOA) { z.soa.Store(soa) }

// SOA returns the record with ttl as its TTL and as its MINIMUM: resolvers
// trust either for how long they keep a negative answer (RFC 2308, section 5).
func (z *Zone) SOA(ttl uint32) *dns.SOA {
	soa := *z.soa.Load()
	soa.Hdr = dns.RR_Header{Name: soa.Hdr.Name, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl}
	soa.Minttl = ttl
	return &soa
}

// below puts labels, which end in a dot, before zone. Of a zone whose name
// leaves no room for them it is that name alone.
func below(zone, labels string) string {
	if zone == "." {
		return labels
	}
	name, err := site.CanonicalName(labels + zone)
	if err != nil {
		return zone
	}
	return name
}
