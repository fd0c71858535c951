package steer

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// writeNoData answers for a name that is there, with or above an entry, and has
// no data of the type asked for.
func (h *Handler) writeNoData(w dns.ResponseWriter, r *dns.Msg, entry *route.Entry) (int, error) {
	m := newReply(r)
	m.Ns = []dns.RR{soaOf(entry)}
	w.WriteMsg(&m.Msg)
	h.metrics.nodata.Inc()
	return dns.RcodeSuccess, nil
}

// unsettledTTL is that of negative answers of a site that has no answers yet,
// in seconds.
const unsettledTTL = 5

// soaOf returns the SOA of negative answers at or above an entry.
func soaOf(entry *route.Entry) *dns.SOA {
	if answers := entry.Answers(); answers != nil {
		return entry.Zone.SOA(answers.TTL)
	}
	return entry.Zone.SOA(unsettledTTL)
}

// passThere has the next plugin answer for a name with or above an entry: it
// may have data there, but must not deny the name. Above an entry its failure
// is hidden, or it would be that of the site; at a site's own name it is of data
// that is not ours to deny.
func (h *Handler) passThere(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, entry *route.Entry, above bool) (int, error) {
	there := &undenied{ResponseWriter: w, soa: soaOf(entry)}
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, there, r)
	switch {
	case there.changed:
		h.metrics.nodata.Inc()
		return dns.RcodeSuccess, err
	case plugin.ClientWrite(rcode), !above && failed(rcode, err):
		return rcode, err
	}
	if h.refuses(r) {
		return dns.RcodeRefused, nil
	}
	return h.writeNoData(w, r, entry)
}

// undenied makes NODATA of the next plugin's NXDOMAIN for an empty
// non-terminal: a resolver that believes the name is not there takes all names
// below for denied too (RFC 8020, section 2).
type undenied struct {
	dns.ResponseWriter
	soa     *dns.SOA
	changed bool
}

// WriteMsg implements dns.ResponseWriter.
func (w *undenied) WriteMsg(m *dns.Msg) error {
	if m.Rcode == dns.RcodeNameError && len(m.Answer) == 0 {
		nodata := *m // the next plugin may keep its own
		nodata.Rcode = dns.RcodeSuccess
		nodata.Ns = []dns.RR{w.soa}
		m, w.changed = &nodata, true
	}
	return w.ResponseWriter.WriteMsg(m)
}
