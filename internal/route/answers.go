package route

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/miekg/dns"
)

// Answers are the records of one decision, short of the owner name, which has
// the case of the client's question. They are shared: copy before you change.
type Answers struct {
	// What a query reads comes first and together: with many sites it is in no
	// cache of the processor, and every line of it costs.
	Target string   // of the CNAME; empty: the origin answers
	Inside bool     // Target lies in the site's zone: the answer follows it
	TTL    uint32   // in seconds
	A      []net.IP // 4 octets each, in canonical order (RFC 4034, section 6.3)
	AAAA   []net.IP // 16 octets each, in canonical order
	SOA    dns.SOA  // of a negative answer

	Decision site.Decision
}

// Summary is the decision in a word or two: "origin", or "cdn" and its name.
func (a *Answers) Summary() string {
	if a.Target == "" {
		return string(site.SideOrigin)
	}
	return string(site.SideCDN) + " " + a.Decision.CDN.Name
}

func newAnswers(d site.Decision, soa SOA) *Answers {
	a := &Answers{Decision: d, TTL: uint32(d.TTL / time.Second)}
	if d.Share > 0 {
		a.Target = d.CDN.Target
		a.Inside = dns.IsSubDomain(soa.Zone, a.Target)
	}
	for _, addr := range slices.SortedFunc(slices.Values(d.Addresses), netip.Addr.Compare) {
		if addr.Is4() {
			a.A = append(a.A, addr.AsSlice())
		} else {
			a.AAAA = append(a.AAAA, addr.AsSlice())
		}
	}
	a.SOA = soa.Record(a.TTL)
	return a
}
