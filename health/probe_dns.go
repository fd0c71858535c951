package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// askDNS is the probe of kind "dns": a question over UDP, and over TCP where
// the answer does not fit (RFC 7766). A good answer has a record for the
// question, which a CNAME is too. The phases are those of both transports
// together; FirstByte is the time to the answer.
func askDNS(ctx context.Context, c *call) (site.Failure, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(c.ask.Name), c.ask.Type) // RD, and an id that nobody can guess
	m, failure, err := c.exchange(ctx, "udp", q)
	if err == nil && m.Truncated {
		udp, p := c.result.Phases, &c.result.Phases
		*p = Phases{}
		m, failure, err = c.exchange(ctx, "tcp", q)
		p.Resolve += udp.Resolve
		p.Connect += udp.Connect
		p.FirstByte += udp.FirstByte
	}
	if err != nil {
		return failure, err
	}
	return judge(m, q.Question[0])
}

// judge tells a good answer from the others.
func judge(m *dns.Msg, q dns.Question) (site.Failure, error) {
	if m.Rcode != dns.RcodeSuccess {
		code := cmp.Or(dns.RcodeToString[m.Rcode], fmt.Sprintf("RCODE%d", m.Rcode))
		return site.FailureStatus, fmt.Errorf("asking for %s of '%s': the answer is %s", dns.Type(q.Qtype), q.Name, code)
	}
	if !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return fits(rr.Header(), q) }) {
		return site.FailureContent, fmt.Errorf("asking for %s of '%s': the answer has no such record", dns.Type(q.Qtype), q.Name)
	}
	return "", nil
}

// fits reports whether a record answers the question, or leads to who does.
func fits(rr *dns.RR_Header, q dns.Question) bool {
	ofType := rr.Rrtype == q.Qtype || rr.Rrtype == dns.TypeCNAME || q.Qtype == dns.TypeANY
	return ofType && rr.Class == q.Qclass && equalNames(rr.Name, q.Name)
}

// exchange asks over one transport.
func (c *call) exchange(ctx context.Context, network string, q *dns.Msg) (*dns.Msg, site.Failure, error) {
	wire, err := q.Pack()
	if err != nil {
		return nil, site.FailureProtocol, fmt.Errorf("writing the question '%s': %w", q.Question[0].Name, err)
	}
	conn, failure, err := c.connect(ctx, network)
	if err != nil {
		return nil, failure, err
	}
	defer conn.Close()
	defer c.lap(&c.result.Phases.FirstByte)
	size := dns.DefaultMsgSize // of a message, in bytes: more than a server may send us over UDP
	if network == "tcp" {
		conn, size = &dns.Conn{Conn: conn}, dns.MaxMsgSize // puts the length before each message
	}
	if _, err := conn.Write(wire); err != nil {
		return nil, site.FailureConnect, fmt.Errorf("asking over %s: %w", network, err)
	}
	m, failure, err := c.answer(conn, make([]byte, size), q)
	if err != nil {
		return nil, failure, fmt.Errorf("waiting for the answer over %s: %w", network, err)
	}
	return m, "", nil
}

// answer reads messages until one is the answer to q. The others may be forged,
// and must not end the wait for the true one (RFC 5452, section 9). A message
// that was cut may be cut within a record.
func (c *call) answer(conn net.Conn, buf []byte, q *dns.Msg) (*dns.Msg, site.Failure, error) {
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, lost(err), err
		}
		m := new(dns.Msg)
		err = m.Unpack(buf[:n])
		switch {
		case m.Id != q.Id || !m.Response:
			continue
		case err != nil && !m.Truncated:
			return nil, site.FailureProtocol, errors.New("not a valid DNS message")
		case !answers(m, q.Question[0]):
			continue
		}
		c.result.Bytes = int64(n)
		return m, "", nil
	}
}

// lost tells an answer that ended too early from a connection that broke.
func lost(err error) site.Failure {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return site.FailureProtocol
	}
	return site.FailureConnect
}
