package steer

import (
	"context"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/miekg/dns"
)

// maxChain is how many CNAMEs of ours one answer may hold.
const maxChain = 8

// writeChain answers with a CNAME whose target lies in a zone of ours: the
// search goes on at the target, and the rcode is that of the last name (RFC
// 1034, section 4.3.2; RFC 6604, section 3).
func (h *Handler) writeChain(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, a *route.Answers) (int, error) {
	m := newReply(r)
	m.Answer = cname(m.question[0].Name, a)
	for len(m.Answer) <= maxChain {
		target := a.Target
		entry := h.lookup(target)
		if entry == nil {
			h.endChain(ctx, w, r, m, target)
			break
		}
		a = entry.Answers()
		link := newReply(&dns.Msg{Question: []dns.Question{{Name: target, Qtype: m.question[0].Qtype, Qclass: dns.ClassINET}}})
		h.fill(link, a)
		m.Answer, m.Ns = append(m.Answer, link.Answer...), link.Ns
		if a.Target == "" {
			break
		}
	}
	if len(m.Answer) > maxChain && a.Target != "" {
		h.metrics.failed.Inc()
		return dns.RcodeServerFailure, nil
	}
	m.Answer, m.Ns = slices.Clip(m.Answer), slices.Clip(m.Ns)
	w.WriteMsg(&m.Msg)
	h.metrics.cname.Inc()
	return dns.RcodeSuccess, nil
}

// endChain has the next plugin answer for the last target. Where there is
// none, or it has no answer to give, the CNAME stands alone: resolvers ask for
// the target then.
func (h *Handler) endChain(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, m *reply, target string) {
	if !h.behind {
		return
	}
	q := r.Copy()
	q.Question[0].Name = target
	capture := nonwriter.New(w)
	if rcode, err := plugin.NextOrFailure(Name, h.Next, ctx, capture, q); err != nil || !plugin.ClientWrite(rcode) || capture.Msg == nil {
		return
	}
	m.Rcode = capture.Msg.Rcode
	m.Answer = append(m.Answer, capture.Msg.Answer...)
	if len(capture.Msg.Answer) == 0 {
		m.Ns = shortened(capture.Msg.Ns, m.Answer[0].Header().Ttl)
	}
}

// shortened copies the records of a negative answer with an SOA that is kept
// no longer than ttl: the CNAME before it is not.
func shortened(ns []dns.RR, ttl uint32) []dns.RR {
	var soa []dns.RR
	for _, rr := range ns {
		if record, ok := rr.(*dns.SOA); ok {
			short := *record
			short.Hdr.Ttl, short.Minttl = min(short.Hdr.Ttl, ttl), min(short.Minttl, ttl)
			soa = append(soa, &short)
		}
	}
	return soa
}

// followed reports whether a search for a type goes on at a CNAME's target.
func followed(qtype uint16) bool { return qtype != dns.TypeCNAME && qtype != dns.TypeANY }
