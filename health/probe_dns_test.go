package health_test

import (
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// asksA is the question of most tests.
var asksA = site.Ask{Name: "www.example.org", Type: dns.TypeA}

// replying answers with records.
func replying(rrs ...string) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, rr := range rrs {
			m.Answer = append(m.Answer, records(rr)...)
		}
		w.WriteMsg(m)
	}
}

func TestDNSAnswers(t *testing.T) {
	asksAny := site.Ask{Name: "www.example.org.", Type: dns.TypeANY}
	tests := []struct {
		name   string
		handle func(dns.ResponseWriter, *dns.Msg)
		ask    site.Ask
		want   site.Failure
		says   string
	}{
		{"Record", replying("www.example.org. 60 A 192.0.2.1"), asksA, "", ""},
		{"OtherCase", replying("WWW.example.ORG. 60 A 192.0.2.1"), asksA, "", ""},
		{"Chain", replying("www.example.org. 60 CNAME cdn.example.net.", "cdn.example.net. 60 A 192.0.2.1"), asksA, "", ""},
		{"AliasAlone", replying("www.example.org. 60 CNAME cdn.example.net."), asksA, "", ""},
		{"AnyType", replying("www.example.org. 60 TXT hello"), asksAny, "", ""},
		{"NoRecord", replying(), asksA, site.FailureContent, "asking for A of 'www.example.org.': the answer has no such record"},
		{"OtherType", replying("www.example.org. 60 AAAA 2001:db8::1"), asksA, site.FailureContent, "no such record"},
		{"OtherName", replying("example.org. 60 A 192.0.2.1"), asksA, site.FailureContent, "no such record"},
		{"OtherClass", replying("www.example.org. 60 CH A 192.0.2.1"), asksA, site.FailureContent, "no such record"},
		{"NoData", func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Ns = records(strings.TrimPrefix(soa, "|"))
			w.WriteMsg(m)
		}, asksA, site.FailureContent, "no such record"},
		{"NXDOMAIN", failing(dns.RcodeNameError), asksA, site.FailureStatus, "the answer is NXDOMAIN"},
		{"SERVFAIL", failing(dns.RcodeServerFailure), asksA, site.FailureStatus, "the answer is SERVFAIL"},
		{"REFUSED", failing(dns.RcodeRefused), asksA, site.FailureStatus, "the answer is REFUSED"},
		{"Unassigned", failing(12), asksA, site.FailureStatus, "the answer is RCODE12"},
		{"NotAName", failing(0), site.Ask{Name: "a..b", Type: dns.TypeA}, site.FailureProtocol, "writing the question 'a..b.'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serveDNS(t, tt.handle)
			r := ask(t, probing(t, "dns"), asked("dns://"+server.String(), tt.ask))
			if tt.want == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, tt.want, "probing 'dns://"+server.String()+"': ", tt.says)
			}
			if tt.want == site.FailureProtocol {
				return
			}
			if p := r.Phases; p.Connect <= 0 || p.FirstByte <= 0 || p.Transfer != 0 || r.Bytes < 12 {
				t.Errorf("got phases %+v and %d bytes, want connect, first byte and a message", p, r.Bytes)
			}
			if server.udp.Load() != 1 || server.tcp.Load() != 0 {
				t.Errorf("got %d questions over UDP and %d over TCP, want 1 and 0", server.udp.Load(), server.tcp.Load())
			}
		})
	}
}

func TestDNSQuestion(t *testing.T) {
	var mu sync.Mutex
	ids := map[uint16]bool{}
	server := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		mu.Lock()
		defer mu.Unlock()
		ids[q.Id] = true
		if question := q.Question[0]; !q.RecursionDesired || question.Qclass != dns.ClassINET || question.Qtype != dns.TypeMX {
			failing(dns.RcodeFormatError)(w, q)
			return
		}
		replying("example.org. 60 MX 10 mail.example.org.")(w, q)
	})
	for range 4 {
		wantGood(t, ask(t, probing(t, "dns"), asked("dns://"+server.String(), site.Ask{Name: "example.org", Type: dns.TypeMX})))
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < 2 {
		t.Errorf("got ids %v, want random ones", ids)
	}
}

// Over UDP the answer is late and cut, with or without a whole number of records.
func TestDNSTruncated(t *testing.T) {
	const late = 20 * time.Millisecond
	for name, cut := range map[string]func(wire []byte) []byte{
		"Empty":        func(wire []byte) []byte { return wire },
		"WithinRecord": func(wire []byte) []byte { binary.BigEndian.PutUint16(wire[6:], 1); return append(wire, 0xc0, 12, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			long := records("www.example.org. 60 TXT " + strings.Repeat(`"`+strings.Repeat("x", 250)+`" `, 200))
			server := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
				m := new(dns.Msg).SetReply(q)
				if w.RemoteAddr().Network() == "tcp" {
					m.Answer = long
					w.WriteMsg(m)
					return
				}
				time.Sleep(late)
				m.Truncated = true
				wire, _ := m.Pack()
				w.Write(cut(wire))
			})
			r := ask(t, probing(t, "dns"), asked("dns://"+server.String(), site.Ask{Name: "www.example.org", Type: dns.TypeTXT}))
			wantGood(t, r)
			if server.udp.Load() != 1 || server.tcp.Load() != 1 || r.Bytes < 50_000 {
				t.Errorf("got %d questions over UDP, %d over TCP, %d bytes", server.udp.Load(), server.tcp.Load(), r.Bytes)
			}
			if r.Phases.FirstByte < late {
				t.Errorf("got first byte after %s, want the time over UDP in it", r.Phases.FirstByte)
			}
		})
	}
}

// Forged answers come before the true one, and must not be taken for it.
func TestDNSForged(t *testing.T) {
	for name, forge := range map[string]func(m *dns.Msg){
		"OtherID":     func(m *dns.Msg) { m.Id++ },
		"OtherName":   func(m *dns.Msg) { m.Question[0].Name = "www.example.net." },
		"OtherType":   func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"NoQuestion":  func(m *dns.Msg) { m.Question = nil },
		"NotAnAnswer": func(m *dns.Msg) { m.Response = false },
	} {
		t.Run(name, func(t *testing.T) {
			server := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
				m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
				forge(m)
				w.WriteMsg(m)
				w.Write([]byte{1, 2, 3})
				saying("192.0.2.1")(w, q)
			})
			wantGood(t, ask(t, probing(t, "dns"), asked("dns://"+server.String(), asksA)))
		})
	}
}

func TestDNSGarbage(t *testing.T) {
	server := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		wire, _ := new(dns.Msg).SetReply(q).Pack()
		binary.BigEndian.PutUint16(wire[6:], 9) // answers that are not there
		w.Write(append(wire, 0xff))
	})
	r := ask(t, probing(t, "dns"), asked("dns://"+server.String(), asksA))
	wantFailure(t, r, site.FailureProtocol, "waiting for the answer over udp: not a valid DNS message")
}

// The answer over TCP ends before it began.
func TestDNSTruncatedThenClosed(t *testing.T) {
	server := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Truncated = true
		if w.RemoteAddr().Network() == "tcp" {
			w.Close()
			return
		}
		w.WriteMsg(m)
	})
	r := ask(t, probing(t, "dns"), asked("dns://"+server.String(), asksA))
	wantFailure(t, r, site.FailureProtocol, "waiting for the answer over tcp: EOF")
}
