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
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, &undenied{ResponseWriter: w, soa: below.Answers().SOA}, r)
	if rcode == dns.RcodeNameError {
		rcode = dns.RcodeSuccess
	}
	return rcode, err
}

// undenied makes NODATA of the next plugin's NXDOMAIN for an empty
// non-terminal: a resolver that believes the name is not there takes all names
// below for denied too (RFC 8020, section 2).
type undenied struct {
	dns.ResponseWriter
	soa dns.SOA
}

// WriteMsg implements dns.ResponseWriter.
func (w *undenied) WriteMsg(m *dns.Msg) error {
	if m.Rcode == dns.RcodeNameError && len(m.Answer) == 0 {
		changed := *m // it may be shared
		changed.Rcode = dns.RcodeSuccess
		changed.Ns = []dns.RR{&w.soa}
		m = &changed
	}
	return w.ResponseWriter.WriteMsg(m)
}
