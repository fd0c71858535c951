package steer

import (
	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/miekg/dns"
)

// TTLs of the apex of a zone with nothing behind us, in seconds. The SOA's is
// that of its negative answers too.
const (
	apexTTL = 3600
	soaTTL  = 30
)

// apex is what a zone with ns answers at its own name.
type apex struct {
	zone *route.Zone
	ns   []string
}

func newApex(zone string, ns []string) apex {
	return apex{zone: route.NewZone(zone, ns[0]), ns: ns}
}

// writeApex answers with the zone's SOA or NS, and with NODATA for the rest.
func (h *Handler) writeApex(w dns.ResponseWriter, r *dns.Msg, a apex) (int, error) {
	m := newReply(r)
	owner, soa := m.question[0].Name, a.zone.SOA(soaTTL)
	switch m.question[0].Qtype {
	case dns.TypeSOA, dns.TypeANY:
		soa.Hdr.Name = owner
		m.Answer = []dns.RR{soa}
	case dns.TypeNS:
		m.Answer = nameServers(owner, a.ns)
	default:
		m.Ns = []dns.RR{soa}
	}
	w.WriteMsg(&m.Msg)
	h.metrics.zone.Inc()
	return dns.RcodeSuccess, nil
}

// nameServers makes the NS RRset; see v4.
func nameServers(owner string, names []string) []dns.RR {
	rrs, set := make([]dns.RR, len(names)), make([]dns.NS, len(names))
	for i, name := range names {
		set[i] = dns.NS{Hdr: header(owner, dns.TypeNS, apexTTL), Ns: name}
		rrs[i] = &set[i]
	}
	return rrs
}
