package route

import (
	"unique"

	"github.com/miekg/dns"
)

// Times of our SOA that only a secondary would read, and steered names have none.
const (
	soaSerial  = 1
	soaRefresh = 7200
	soaRetry   = 1800
	soaExpire  = 86400
)

// SOA makes the start of authority of a zone.
type SOA struct {
	Zone  string
	MName string // the primary name server; empty: a name in the zone that says whose it is
}

// Record returns the record with ttl as its TTL and as its MINIMUM: resolvers
// trust either for how long they keep a negative answer (RFC 2308, section 5).
func (s SOA) Record(ttl uint32) dns.SOA {
	mname := s.MName
	if mname == "" {
		mname = below(s.Zone, "ns.dns.")
	}
	return dns.SOA{
		Hdr:     dns.RR_Header{Name: s.Zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:      mname,
		Mbox:    below(s.Zone, "hostmaster."),
		Serial:  soaSerial,
		Refresh: soaRefresh,
		Retry:   soaRetry,
		Expire:  soaExpire,
		Minttl:  ttl,
	}
}

// below puts labels, which end in a dot, before zone. All sites of a zone share
// the result: there may be very many.
func below(zone, labels string) string {
	if zone == "." {
		return labels
	}
	return unique.Make(labels + zone).Value()
}
