package steer

import (
	"net"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// reply is an answer under construction: the message and its question in one
// piece of memory.
type reply struct {
	dns.Msg
	question [1]dns.Question
}

// newReply returns the authoritative answer to r, still without records.
func newReply(r *dns.Msg) *reply {
	m := new(reply)
	m.MsgHdr = dns.MsgHdr{
		Id:               r.Id,
		Response:         true,
		Opcode:           r.Opcode,
		Authoritative:    true,
		RecursionDesired: r.RecursionDesired,
		CheckingDisabled: r.CheckingDisabled,
	}
	m.question[0] = r.Question[0]
	m.Question = m.question[:]
	return m
}

// write answers with records of a, all of one decision. The records are made
// anew for every query: plugins above us change them, and their owner has the
// case of the question.
func (h *Handler) write(w dns.ResponseWriter, r *dns.Msg, a *route.Answers) (int, error) {
	m := newReply(r)
	counter := h.fill(m, a)
	w.WriteMsg(&m.Msg)
	counter.Inc()
	return dns.RcodeSuccess, nil
}

// fill puts the records into m and returns the counter of their kind.
func (h *Handler) fill(m *reply, a *route.Answers) prometheus.Counter {
	owner, qtype := m.question[0].Name, m.question[0].Qtype
	switch {
	case a.Target != "":
		m.Answer = cname(owner, a)
		return h.metrics.cname
	case (qtype == dns.TypeA || qtype == dns.TypeANY) && len(a.A) > 0:
		m.Answer = v4(owner, a.TTL, a.A)
		return h.metrics.address
	case (qtype == dns.TypeAAAA || qtype == dns.TypeANY) && len(a.AAAA) > 0:
		m.Answer = v6(owner, a.TTL, a.AAAA)
		return h.metrics.address
	}
	soa := a.SOA
	m.Ns = []dns.RR{&soa}
	return h.metrics.nodata
}

func header(owner string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func cname(owner string, a *route.Answers) []dns.RR {
	return []dns.RR{&dns.CNAME{Hdr: header(owner, dns.TypeCNAME, a.TTL), Target: a.Target}}
}

// v4 makes an A RRset. Its length is its capacity: plugins append to answers.
// The octets stay the table's: plugins replace addresses, but do not write
// into them.
func v4(owner string, ttl uint32, addrs []net.IP) []dns.RR {
	rrs, set := make([]dns.RR, len(addrs)), make([]dns.A, len(addrs))
	for i, addr := range addrs {
		set[i] = dns.A{Hdr: header(owner, dns.TypeA, ttl), A: addr}
		rrs[i] = &set[i]
	}
	return rrs
}

// v6 makes an AAAA RRset; see v4.
func v6(owner string, ttl uint32, addrs []net.IP) []dns.RR {
	rrs, set := make([]dns.RR, len(addrs)), make([]dns.AAAA, len(addrs))
	for i, addr := range addrs {
		set[i] = dns.AAAA{Hdr: header(owner, dns.TypeAAAA, ttl), AAAA: addr}
		rrs[i] = &set[i]
	}
	return rrs
}
