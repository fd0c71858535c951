package steer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// errChain says that a chain of CNAMEs comes back or is too long.
var errChain = errors.New("a chain of CNAMEs has no end")

// writeChain answers with a CNAME whose target lies in a zone of ours: the
// search goes on at the target, and the rcode is that of the last name (RFC
// 1034, section 4.3.2; RFC 6604, section 3).
func (h *Handler) writeChain(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, c *client, records *route.Records) (int, error) {
	m := newReply(r)
	m.Answer = cname(m.question[0].Name, records)
	asker := *c
	s := &search{h: h, ctx: ctx, w: w, r: r, c: &asker, m: &m.Msg, links: 1}
	if err := s.goOn(records.Target); err != nil {
		return h.refuseSearch(err), nil
	}
	m.Answer, m.Ns, m.Extra = slices.Clip(m.Answer), slices.Clip(m.Ns), asker.reply(r).Extra
	w.WriteMsg(&m.Msg)
	if m.Rcode == dns.RcodeNameError {
		h.metrics.denied.Inc()
	} else {
		h.metrics.cname.Inc()
	}
	return dns.RcodeSuccess, nil
}

// refuseSearch counts a search that failed, and returns the code for the server
// to write.
func (h *Handler) refuseSearch(err error) int {
	if errors.Is(err, errSubnet) {
		h.metrics.malformed.Inc()
		return dns.RcodeFormatError
	}
	h.metrics.failed.Inc()
	return dns.RcodeServerFailure
}

// search is an answer that grows along a chain of CNAMEs.
type search struct {
	h     *Handler
	ctx   context.Context
	w     dns.ResponseWriter
	r     *dns.Msg
	c     *client
	m     *dns.Msg
	links int // CNAMEs in the answer

	deadline time.Time // for the next plugin, from the first time that it is asked
}

// goOn continues the search at a name.
func (s *search) goOn(target string) error {
	qtype := s.r.Question[0].Qtype
	for {
		if s.has(target) {
			return errChain
		}
		entry, answers := s.h.owner(target, qtype)
		if answers == nil {
			return s.goOnBehind(target)
		}
		if err := s.c.find(s.h, entry, answers, s.w, s.r); err != nil {
			return err
		}
		records := s.c.records(answers)
		link := newReply(&dns.Msg{Question: []dns.Question{{Name: target, Qtype: qtype, Qclass: dns.ClassINET}}})
		s.h.fill(link, entry.Zone, records)
		s.m.Answer, s.m.Ns, s.m.Rcode = append(s.m.Answer, link.Answer...), link.Ns, dns.RcodeSuccess
		if records.Target != "" {
			s.links++
		}
		if s.links > site.MaxChain {
			return errChain
		}
		if !s.h.follows(records, qtype) {
			return nil
		}
		target, s.m.Ns = records.Target, nil
	}
}

// has reports whether the answer has records of a name, which a chain must not
// come back to.
func (s *search) has(name string) bool {
	return slices.ContainsFunc(s.m.Answer, func(rr dns.RR) bool { return sameName(rr.Header().Name, name) })
}

func sameName(a, b string) bool { return dns.CanonicalName(a) == dns.CanonicalName(b) }

// owner returns the entry and the answers of a chain's next name, or nil where
// that name, or the type there, is not ours to answer.
func (h *Handler) owner(name string, qtype uint16) (*route.Entry, *route.Answers) {
	entry := h.lookup(dns.CanonicalName(name))
	if entry == nil {
		return nil, nil
	}
	answers := entry.Answers()
	if answers == nil || !answers.Owns(qtype) {
		return nil, nil
	}
	return entry, answers
}

// goOnBehind continues the search in the next plugin. Where nobody knows
// anything of the name the CNAME stands alone: resolvers ask for it then.
func (s *search) goOnBehind(target string) error {
	if s.deadline.IsZero() {
		s.deadline = time.Now().Add(patience)
	}
	end := s.h.askBehind(s.ctx, s.w, s.r, target, s.deadline)
	if end == nil {
		s.endAlone(target)
		return nil
	}
	kept, last, ours := s.h.upToOurs(target, s.r.Question[0].Qtype, end.Answer)
	ttl := s.m.Answer[0].Header().Ttl
	s.m.Answer = append(s.m.Answer, kept...)
	if s.links += countCNAMEs(kept); s.links > site.MaxChain {
		return errChain
	}
	if ours {
		return s.goOn(last)
	}
	s.m.Rcode, s.m.Ns = end.Rcode, shortened(end.Ns, ttl)
	there := s.h.there(last)
	if there != nil && (end.Rcode == dns.RcodeNameError || len(kept) == 0) {
		s.m.Rcode, s.m.Ns = dns.RcodeSuccess, []dns.RR{soaOf(there)}
	}
	return nil
}

// there returns the entry with a name or below it, which nobody may deny; nil
// where the name is nothing to us.
func (h *Handler) there(name string) *route.Entry {
	name = dns.CanonicalName(name)
	return cmp.Or(h.lookup(name), h.empty(name))
}

// endAlone ends the search at a name of which the next plugin says nothing. What
// a site has there of a type that is that plugin's is not ours to say.
func (s *search) endAlone(target string) {
	entry := s.h.lookup(target)
	if entry != nil && s.h.behind {
		return
	}
	if there := cmp.Or(entry, s.h.empty(target)); there != nil {
		s.m.Ns = []dns.RR{soaOf(there)}
	}
}

// upToOurs follows a chain of CNAMEs from a name to the last one, and returns
// the records on the way. It ends at the first name that is ours to answer, or
// that the chain has been at: what the next plugin has there is not what we
// answer.
func (h *Handler) upToOurs(name string, qtype uint16, answer []dns.RR) (kept []dns.RR, last string, ours bool) {
	cnames := make(map[string]string)
	for _, rr := range answer {
		if c, ok := rr.(*dns.CNAME); ok {
			cnames[dns.CanonicalName(c.Hdr.Name)] = c.Target
		}
	}
	last = name
	visited := map[string]bool{dns.CanonicalName(name): true}
	for range site.MaxChain + 1 {
		target, more := cnames[dns.CanonicalName(last)]
		if !more {
			return answer, last, false
		}
		last = target
		if _, answers := h.owner(target, qtype); answers != nil || visited[dns.CanonicalName(target)] {
			return onTheWay(answer, visited), last, true
		}
		visited[dns.CanonicalName(target)] = true
	}
	return answer, last, false
}

// onTheWay returns the records of some names, and those that synthesised CNAMEs
// there (RFC 6672).
func onTheWay(answer []dns.RR, names map[string]bool) (kept []dns.RR) {
	for _, rr := range answer {
		signature, _ := rr.(*dns.RRSIG)
		dname := rr.Header().Rrtype == dns.TypeDNAME || signature != nil && signature.TypeCovered == dns.TypeDNAME
		if dname || names[dns.CanonicalName(rr.Header().Name)] {
			kept = append(kept, rr)
		}
	}
	return kept
}

func countCNAMEs(answer []dns.RR) (n int) {
	for _, rr := range answer {
		if rr.Header().Rrtype == dns.TypeCNAME {
			n++
		}
	}
	return n
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
