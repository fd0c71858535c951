package steer

import (
	"cmp"
	"context"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/miekg/dns"
)

// maxChain is how many CNAMEs of ours one answer may hold.
const maxChain = 8

// writeChain answers with a CNAME whose target lies in a zone of ours: the
// search goes on at the target, and the rcode is that of the last name (RFC
// 1034, section 4.3.2; RFC 6604, section 3).
func (h *Handler) writeChain(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, c *client, records *route.Records) (int, error) {
	m := newReply(r)
	qtype := m.question[0].Qtype
	m.Answer = cname(m.question[0].Name, records)
	for links := 1; h.follows(records, qtype); links++ {
		if links > maxChain {
			h.metrics.failed.Inc()
			return dns.RcodeServerFailure, nil
		}
		target := records.Target
		next, answers := h.owner(target, qtype)
		if answers == nil {
			h.endChain(ctx, w, r, m, target)
			break
		}
		if err := c.find(h, next, w, r); err != nil {
			h.metrics.malformed.Inc()
			return dns.RcodeFormatError, nil
		}
		records = c.records(answers)
		link := newReply(&dns.Msg{Question: []dns.Question{{Name: target, Qtype: qtype, Qclass: dns.ClassINET}}})
		h.fill(link, next.Zone, records)
		m.Answer, m.Ns = append(m.Answer, link.Answer...), link.Ns
	}
	m.Answer, m.Ns, m.Extra = slices.Clip(m.Answer), slices.Clip(m.Ns), c.reply(r).Extra
	w.WriteMsg(&m.Msg)
	if m.Rcode == dns.RcodeNameError {
		h.metrics.denied.Inc()
	} else {
		h.metrics.cname.Inc()
	}
	return dns.RcodeSuccess, nil
}

// owner returns the entry and the answers of a chain's next name, or nil where
// that name, or the type there, is not ours to answer.
func (h *Handler) owner(name string, qtype uint16) (*route.Entry, *route.Answers) {
	entry := h.lookup(name)
	if entry == nil {
		return nil, nil
	}
	answers := entry.Answers()
	if answers == nil || !answers.Owns(qtype) {
		return nil, nil
	}
	return entry, answers
}

// endChain ends a chain at a target that is no site, or of which the type is
// not the site's. Where nobody knows anything of it the CNAME stands alone:
// resolvers ask for the target then.
func (h *Handler) endChain(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, m *reply, target string) {
	end := h.askBehind(ctx, w, r, target)
	if end != nil {
		m.Rcode, m.Ns = end.Rcode, shortened(end.Ns, m.Answer[0].Header().Ttl)
		m.Answer = append(m.Answer, end.Answer...)
	}
	site := h.lookup(target)
	if end == nil && site != nil && h.behind {
		return // what it has of this type is not ours to say
	}
	there := cmp.Or(site, h.empty(target))
	if there != nil && (end == nil || len(end.Answer) == 0) {
		m.Rcode, m.Ns = dns.RcodeSuccess, []dns.RR{soaOf(there)}
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

// follows reports whether the search for a type goes on at the records' target:
// in a zone of ours, or at the origin's own name, of which the types but those
// of its addresses are the next plugin's.
func (h *Handler) follows(r *route.Records, qtype uint16) bool {
	switch {
	case !followed(qtype):
		return false
	case r.Inside:
		return true
	case qtype == dns.TypeA, qtype == dns.TypeAAAA, qtype == dns.TypeHTTPS:
		return false
	}
	return r.End && h.behind
}

// followed reports whether a search for a type goes on at a CNAME's target.
func followed(qtype uint16) bool { return qtype != dns.TypeCNAME && qtype != dns.TypeANY }
