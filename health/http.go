package health

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds on what a target can make us do. They are no options: more would
// measure nothing better.
const (
	maxHeader = 64 << 10 // bytes
	maxBody   = 64 << 10 // bytes after which the answer is good enough
)

// askHTTP is the probe of kind "http": a request to the URL's host and port but
// for the target's Host, which is the Host header, the server name in TLS and
// the name that the certificate must have. Redirects are not followed, proxies
// not used, compression not asked for.
//
// The steps of a request are taken here instead of leaving them to
// http.Transport: so each phase is timed where it happens, the step that fails
// names the failure, and nothing outlives the probe but what Ask.KeepAlive
// wants kept.
func askHTTP(ctx context.Context, c *call) (site.Failure, error) {
	wanted, err := c.wants.of(c.target.Ask)
	if err != nil {
		return site.FailureLocal, err
	}
	req, err := c.request(cmp.Or(c.ask.Method, http.MethodGet), c.url)
	if err != nil {
		return site.FailureProtocol, err
	}
	return c.fetch(ctx, req, func(head *http.Response, body *body) (site.Failure, error) {
		if !c.accepts(head.StatusCode) {
			return site.FailureStatus, fmt.Errorf("status %d is not a good one", head.StatusCode)
		}
		return wanted.read(io.LimitReader(body, maxBody))
	})
}

// accepts reports whether a status is a good one: one of 200 to 399 where
// nothing is said.
func (c *call) accepts(status int) bool {
	if c.ask.Status == (site.StatusSet{}) {
		return status >= 200 && status <= 399
	}
	return c.ask.Status.Has(status)
}

// reader reads and judges an answer. Its errors do not quote the answer, but
// for those of reading the body.
type reader func(head *http.Response, body *body) (site.Failure, error)

// body is that of an answer, as far as it was read.
type body struct {
	io.Reader
	result *Result
	whole  bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.result.Bytes += int64(n)
	b.whole = b.whole || err == io.EOF
	return n, err
}

// errBody is the error of reading a body.
type errBody struct{ error }

func (e errBody) Unwrap() error { return e.error }

// exchange is one request and its answer.
type exchange struct {
	*call
	*link
	req      *request
	read     reader
	answered bool // by more than the end of the connection
	again    bool // the connection is good for another request
}

// fetch sends a request, over the connection of the probe before if that is
// kept, and has the answer read. A server may close a kept connection while the
// request is on its way; it is then sent once more over a new one (RFC 9110,
// section 9.2.2: it may be, since it is sent again every period anyway).
func (c *call) fetch(ctx context.Context, req *request, read reader) (site.Failure, error) {
	if c.ask.Fresh || !req.keep && c.url.Scheme != "https" {
		return c.send(ctx, new(past), req, read)
	}
	key := c.key()
	p := c.pasts.take(key)
	defer func() { c.pasts.put(key, p) }()
	if p.wait.After(time.Now()) {
		return site.FailureStatus, errWait{p.wait}
	}
	if !c.begun {
		p.begin()
		c.begun = true
	}
	failure, err := c.send(ctx, p, req, read)
	p.wait = c.wait
	if err != nil {
		p.session.Put("", nil) // what comes next is to be sure, not fast
		p.drop()
	}
	return failure, err
}

// key is the target as far as its past goes: a feed that reads other services than
// before asks the same server, which may want to be left alone.
func (c *call) key() site.Target {
	t := c.target
	if c.ask.Services != "" {
		ask := t.Ask.Value()
		ask.Services = ""
		t.Ask = unique.Make(ask)
	}
	return t
}

func (c *call) send(ctx context.Context, p *past, req *request, read reader) (site.Failure, error) {
	if l := p.link; l != nil {
		p.link = nil
		l.conn.bind(ctx)
		x := exchange{call: c, link: l, req: req, read: read}
		failure, err := x.do(ctx, p)
		if err == nil || x.answered || over(ctx) {
			return failure, err
		}
		c.result.Status, c.result.Bytes = 0, 0
	}
	l, failure, err := c.open(ctx, req, &p.session)
	if err != nil {
		return failure, err
	}
	x := exchange{call: c, link: l, req: req, read: read}
	return x.do(ctx, p)
}

// open makes a new connection for a request.
func (c *call) open(ctx context.Context, req *request, sessions *session) (*link, site.Failure, error) {
	conn, failure, err := c.reach(ctx, "tcp")
	if err != nil {
		return nil, failure, err
	}
	l := &link{conn: conn, stream: conn}
	failure, err = c.prepare(ctx, l, req, sessions)
	if err != nil {
		conn.Close()
		return nil, failure, err
	}
	return l, "", nil
}

// prepare negotiates what lies between TCP and the request.
func (c *call) prepare(ctx context.Context, l *link, req *request, sessions *session) (site.Failure, error) {
	var offered []string
	if req.http2 {
		offered = []string{protocolHTTP2, "http/1.1"}
	}
	if c.url.Scheme == "https" {
		secured, failure, err := c.secureFrom(ctx, l.conn, sessions, offered...)
		if err != nil {
			return failure, err
		}
		l.stream, l.expires = secured, c.result.Expires
		if got := secured.ConnectionState().NegotiatedProtocol; req.http2 && got != protocolHTTP2 {
			return site.FailureProtocol, errors.New("negotiating TLS: the server does not speak HTTP/2")
		}
	}
	if req.http2 {
		return c.http2.over(ctx, l, c.url)
	}
	return "", nil
}

// do sends the request and leaves the connection for the next one, if it can be.
func (x *exchange) do(ctx context.Context, p *past) (site.Failure, error) {
	defer x.part(p)
	x.result.Reused, x.result.Expires = x.reused, x.expires
	if failure, err := x.unexpired(); err != nil {
		return failure, err
	}
	if x.link.http2 != nil {
		return x.doHTTP2(ctx)
	}
	return x.doHTTP1()
}

// part keeps the connection or closes it.
func (x *exchange) part(p *past) {
	if x.again && x.req.keep && x.conn.free() {
		x.reused = true
		p.link = x.link
		return
	}
	x.link.close()
}

// scratch is what one request and its answer take over HTTP/1.1. A kept
// connection has none.
type scratch struct {
	request  []byte
	asked    http.Request // as far as reading the answer depends on it
	incoming io.LimitedReader
	answer   *bufio.Reader // of incoming
}

var scratches = sync.Pool{New: func() any { return &scratch{answer: bufio.NewReader(nil)} }}

// doHTTP1 sends the request and reads the answer as far as it matters.
func (x *exchange) doHTTP1() (site.Failure, error) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.asked.Method = x.req.method
	s.incoming = io.LimitedReader{R: x.stream, N: maxHeader}
	s.answer.Reset(&s.incoming)
	defer s.answer.Reset(nil)
	if err := x.firstByte(s); err != nil {
		return unanswered(err), fmt.Errorf("waiting for the answer: %w", err)
	}
	defer x.lap(&x.result.Phases.Transfer)

	x.answered = true
	head, err := readHead(s.answer, &s.asked)
	if err != nil {
		err = unquoted(err)
		if s.incoming.N <= 0 {
			err = fmt.Errorf("more than %d bytes", maxHeader)
		}
		return site.FailureProtocol, fmt.Errorf("reading the header: %w", err)
	}
	s.incoming.N = math.MaxInt64
	failure, err := x.judge(head)
	x.again = x.again && !head.Close && head.StatusCode != http.StatusSwitchingProtocols && s.answer.Buffered() == 0
	return failure, err
}

// judge has an answer read. The body is not closed, as that would read an
// endless one to its end.
func (x *exchange) judge(head *http.Response) (site.Failure, error) {
	x.answered = !x.reused || head.StatusCode != http.StatusRequestTimeout // RFC 9110, section 15.5.9
	x.result.Status, x.result.Protocol, x.result.Bytes = head.StatusCode, head.Proto, 0
	b := body{Reader: head.Body, result: &x.result}
	failure, err := x.read(head, &b)
	var broken errBody
	if errors.As(err, &broken) {
		return site.FailureProtocol, fmt.Errorf("reading the body after %d bytes: %w", x.result.Bytes, unquoted(broken.error))
	}
	x.again = b.whole
	return failure, err
}

// firstByte sends the request and waits until the answer begins.
func (x *exchange) firstByte(s *scratch) error {
	defer x.lap(&x.result.Phases.FirstByte)
	s.request = x.req.appendTo(s.request[:0])
	_, err := x.stream.Write(s.request)
	clear(s.request) // it may hold a secret
	if err == nil {
		_, err = s.answer.Peek(1)
	}
	return err
}

// unanswered tells a connection that was reset, which a server does that is
// not up to accepting it, from an answer that ended before it began.
func unanswered(err error) site.Failure {
	if wasReset(err) {
		return site.FailureConnect
	}
	return site.FailureProtocol
}

func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// readHead reads up to the final answer's body, past any interim answers.
func readHead(answer *bufio.Reader, req *http.Request) (*http.Response, error) {
	for {
		head, err := http.ReadResponse(answer, req)
		if err != nil || head.StatusCode >= 200 || head.StatusCode == http.StatusSwitchingProtocols {
			return head, err
		}
	}
}

// unquoted replaces an error of net/http, which may quote the answer: that is
// the target's own, and may be an echo of a secret that was sent.
func unquoted(err error) error {
	var broken net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken) {
		return err
	}
	return errors.New("not valid HTTP")
}
