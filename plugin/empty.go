package steer

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// writeEmpty answers for an empty non-terminal above a site with NODATA: the
// name is there, whatever type is asked for.
func (h *Handler) writeEmpty(w dns.ResponseWriter, r *dns.Msg, below *route.Entry) (int, error) {
	m := newReply(r)
	soa := below.Answers().SOA
	m.Ns = []dns.RR{&soa}
	w.WriteMsg(&m.Msg)
	h.metrics.nodata.Inc()
	return dns.RcodeSuccess, nil
}

// passEmpty has the next plugin answer for an empty non-terminal above a site:
// it may have data there, but must not deny the name.
func (h *Handler) passEmpty(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, below *route.Entry) (int, error) {
	there := &undenied{ResponseWriter: w, soa: below.Answers().SOA}
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, there, r)
	switch {
	case there.changed:
		h.metrics.nodata.Inc()
		return dns.RcodeSuccess, err
	case plugin.ClientWrite(rcode):
		return rcode, err
	}
	if rcode, refused := h.refuse(r); refused {
		return rcode, nil
	}
	return h.writeEmpty(w, r, below)
}

// undenied makes NODATA of the next plugin's NXDOMAIN for an empty
// non-terminal: a resolver that believes the name is not there takes all names
// below for denied too (RFC 8020, section 2).
type undenied struct {
	dns.ResponseWriter
	soa     dns.SOA
	changed bool
}

// WriteMsg implements dns.ResponseWriter.
func (w *undenied) WriteMsg(m *dns.Msg) error {
	if m.Rcode == dns.RcodeNameError && len(m.Answer) == 0 {
		nodata := *m // the next plugin may keep its own
		nodata.Rcode = dns.RcodeSuccess
		nodata.Ns = []dns.RR{&w.soa}
		m, w.changed = &nodata, true
	}
	return w.ResponseWriter.WriteMsg(m)
}
