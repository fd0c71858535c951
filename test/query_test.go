//go:build linux

package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// client asks one server over one transport, "udp" or "tcp".
type client struct{ net, addr string }

const typeA = dns.TypeA

// question asks for data of a name.
func question(name string, qtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, qtype) }

// exchange asks once, over a new socket.
func (c client) exchange(q *dns.Msg) (*dns.Msg, error) {
	dc := dns.Client{Net: c.net, Timeout: 5 * time.Second}
	m, _, err := dc.Exchange(q, c.addr)
	return m, err
}

// must is exchange where an answer has to come.
func (c client) must(t *testing.T, q *dns.Msg) *dns.Msg {
	t.Helper()
	m, err := c.exchange(q)
	if err != nil {
		t.Fatalf("Expected an answer to %s over %s, got: %v", q.Question[0].String(), c.net, err)
	}
	return m
}

// ask asks and says in a line what came of it.
func (c client) ask(name string, qtype uint16) string {
	m, err := c.exchange(question(name, qtype))
	if err != nil {
		return "no answer: " + err.Error()
	}
	return summary(m)
}

// summary says what a message answers: the records in order of their text
// without owner and TTL, NODATA, or the rcode.
func summary(m *dns.Msg) string {
	if m.Rcode != dns.RcodeSuccess {
		return dns.RcodeToString[m.Rcode]
	}
	if len(m.Answer) == 0 {
		if soaOf(m) != nil {
			return "NODATA"
		}
		return "no records"
	}
	var records []string
	for _, rr := range m.Answer {
		data := strings.TrimPrefix(rr.String(), rr.Header().String())
		records = append(records, dns.Type(rr.Header().Rrtype).String()+" "+data)
	}
	slices.Sort(records)
	return strings.Join(records, ", ")
}

// soaOf returns the SOA of a negative answer, or nil.
func soaOf(m *dns.Msg) *dns.SOA {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa
		}
	}
	return nil
}
