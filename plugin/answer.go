package steer

import (
	"slices"

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
	m.to(r)
	return m
}

// to makes m the answer to r.
func (m *reply) to(r *dns.Msg) {
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
}

// write answers with a client's records, all of one decision. They are made
// anew for every query: plugins above us change them, and their owner has the
// case of the question.
func (h *Handler) write(w dns.ResponseWriter, r *dns.Msg, zone *route.Zone, records *route.Records, c *client) (int, error) {
	m := c.reply(r)
	counter := h.fill(m, zone, records)
	w.WriteMsg(&m.Msg)
	counter.Inc()
	return dns.RcodeSuccess, nil
}

// fill puts the records into m and returns the counter of their kind.
func (h *Handler) fill(m *reply, zone *route.Zone, records *route.Records) prometheus.Counter {
	owner, qtype := m.question[0].Name, m.question[0].Qtype
	if records.Target != "" {
		m.Answer = cname(owner, records)
		if records.End && followed(qtype) {
			m.end(zone, records, qtype)
		}
		return h.metrics.cname
	}
	if m.Answer = rrset(owner, qtype, records); m.Answer != nil {
		return h.metrics.address
	}
	m.Ns = []dns.RR{zone.SOA(records.TTL)}
	return h.metrics.nodata
}

// end puts the records of the CNAME's target behind it.
func (m *reply) end(zone *route.Zone, records *route.Records, qtype uint16) {
	if set := rrset(records.Target, qtype, records); set != nil {
		m.Answer = slices.Clip(append(m.Answer, set...))
	} else {
		m.Ns = []dns.RR{zone.SOA(records.TTL)}
	}
}

// rrset returns the records of a type; of the first there is for ANY (RFC 8482,
// section 4.1).
func rrset(owner string, qtype uint16, records *route.Records) []dns.RR {
	switch {
	case (qtype == dns.TypeA || qtype == dns.TypeANY) && len(records.A) > 0:
		return v4(owner, records.TTL, records.A)
	case (qtype == dns.TypeAAAA || qtype == dns.TypeANY) && len(records.AAAA) > 0:
		return v6(owner, records.TTL, records.AAAA)
	case (qtype == dns.TypeHTTPS || qtype == dns.TypeANY) && records.HTTPS != nil:
		return https(owner, records.TTL, records.HTTPS)
	}
	return nil
}

func header(owner string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func cname(owner string, r *route.Records) []dns.RR {
	return []dns.RR{&dns.CNAME{Hdr: header(owner, dns.TypeCNAME, r.TTL), Target: r.Target}}
}

// https makes an HTTPS record. Its parameters stay the table's; see v4.
func https(owner string, ttl uint32, data *route.HTTPS) []dns.RR {
	return []dns.RR{&dns.HTTPS{SVCB: dns.SVCB{
		Hdr: header(owner, dns.TypeHTTPS, ttl), Priority: data.Priority, Target: data.Target, Value: data.Params,
	}}}
}

// v4 makes an A RRset. Its length is its capacity: plugins append to answers.
// The octets stay the table's: plugins replace addresses, but do not write
// into them.
func v4(owner string, ttl uint32, addrs [][4]byte) []dns.RR {
	rrs, set := make([]dns.RR, len(addrs)), make([]dns.A, len(addrs))
	for i := range addrs {
		set[i] = dns.A{Hdr: header(owner, dns.TypeA, ttl), A: addrs[i][:]}
		rrs[i] = &set[i]
	}
	return rrs
}

// v6 makes an AAAA RRset; see v4.
func v6(owner string, ttl uint32, addrs [][16]byte) []dns.RR {
	rrs, set := make([]dns.RR, len(addrs)), make([]dns.AAAA, len(addrs))
	for i := range addrs {
		set[i] = dns.AAAA{Hdr: header(owner, dns.TypeAAAA, ttl), AAAA: addrs[i][:]}
		rrs[i] = &set[i]
	}
	return rrs
}
