package steer

import (
	"context"
	"slices"

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

// passEmpty has the next plugin answer for an empty non-terminal above an
// entry: it may have data there, but must not deny the name. Its failure is
// hidden, or it would be that of the site.
func (h *Handler) passEmpty(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, entry *route.Entry) (int, error) {
	there := &undenied{ResponseWriter: w, soa: soaOf(entry)}
	next := &onward{ResponseWriter: there, h: h, ctx: ctx, r: r}
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, next, r)
	switch {
	case next.err != nil:
		return h.refuseSearch(next.err), nil
	case there.changed:
		h.metrics.nodata.Inc()
		return dns.RcodeSuccess, err
	case plugin.ClientWrite(rcode):
		return rcode, err
	}
	if h.refuses(r) {
		return dns.RcodeRefused, nil
	}
	return h.writeNoData(w, r, entry)
}

// passType hands on what is not ours at a site's name: a type of data that is
// the next plugin's, or anything as long as there are no answers. The name is
// there even if that plugin denies it; its failure is of data that is not ours
// to deny.
func (h *Handler) passType(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string, entry *route.Entry) (int, error) {
	if h.refuses(r) {
		return dns.RcodeRefused, nil
	}
	if !h.behind {
		if a, ok := h.apex[name]; ok {
			return h.writeApex(w, r, a)
		}
		return h.writeNoData(w, r, entry)
	}
	there := &undenied{ResponseWriter: w, soa: soaOf(entry)}
	if entry.Answers() != nil {
		there.site = name
	}
	rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, there, r)
	switch {
	case there.changed:
		h.metrics.nodata.Inc()
		return dns.RcodeSuccess, err
	case plugin.ClientWrite(rcode), failed(rcode, err):
		return rcode, err
	}
	return h.writeNoData(w, r, entry)
}

// undenied makes NODATA of the next plugin's NXDOMAIN for a name that is there:
// a resolver that believes it is not takes all names below for denied too (RFC
// 8020, section 2). At a site's name it does so of a CNAME, too, which would
// lead all types away from the addresses that stand there.
type undenied struct {
	dns.ResponseWriter
	soa     *dns.SOA
	site    string // empty: the name is above a site, or has no answers yet
	changed bool
}

// WriteMsg implements dns.ResponseWriter.
func (w *undenied) WriteMsg(m *dns.Msg) error {
	if m.Rcode == dns.RcodeNameError && len(m.Answer) == 0 || w.site != "" && hasCNAME(m, w.site) {
		nodata := *m // the next plugin may keep its own
		nodata.Rcode = dns.RcodeSuccess
		nodata.Answer, nodata.Ns = nil, []dns.RR{w.soa}
		m, w.changed = &nodata, true
	}
	return w.ResponseWriter.WriteMsg(m)
}

// hasCNAME reports whether an answer has a CNAME at a name.
func hasCNAME(m *dns.Msg, name string) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeCNAME && sameName(rr.Header().Name, name)
	})
}
