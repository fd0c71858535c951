package health

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds on what a target can make us do. They are no options: more would
// measure nothing better.
const (
	maxHeader = 64 << 10 // bytes
	maxBody   = 64 << 10 // bytes after which the answer is good enough
	maxErr    = 200      // bytes of an error that quotes the answer
)

// NewHTTP returns the probe of kind "http": a GET by HTTP/1.1 over a new
// connection, to the URL's host and port but for t.Host, which is the Host
// header, the server name in TLS and the name that the certificate must have.
// Redirects are not followed, proxies not used, compression not asked for.
func NewHTTP(userAgent string) Probe {
	return newHTTP(userAgent, new(net.Dialer).DialContext)
}

// newHTTP has the dialling of DNS servers as a seam for tests.
func newHTTP(userAgent string, dialDNS dialFunc) Probe {
	p := &httpProbe{
		userAgent: userAgent,
		dialDNS:   dialDNS,
		dialer:    net.Dialer{KeepAlive: -1}, // a probe is over before the first keep-alive
	}
	return p.probe
}

// httpProbe takes the steps of a request itself instead of leaving them to
// http.Transport: so each phase is timed where it happens, the step that fails
// names the failure, and no goroutine or connection outlives the probe.
type httpProbe struct {
	userAgent string
	dialDNS   dialFunc
	dialer    net.Dialer
}

func (p *httpProbe) probe(ctx context.Context, t site.Target) Result {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()

	x := exchange{httpProbe: p, target: t, step: start}
	failure, err := x.run(ctx)
	x.result.Total = time.Since(start)
	if err != nil {
		if over(ctx) {
			failure = site.FailureTimeout
		}
		x.result.Failure, x.result.Err = failure, fmt.Errorf("probing %s: %w", x.name(), err)
	}
	return x.result
}

// over reports whether the deadline has come. The clock is asked too, because
// I/O may fail at the deadline a moment before ctx knows of it.
func over(ctx context.Context) bool {
	deadline, _ := ctx.Deadline()
	return ctx.Err() != nil || !time.Now().Before(deadline)
}

// exchange is one probe under way.
type exchange struct {
	*httpProbe
	target site.Target
	req    *http.Request
	step   time.Time // when the present phase began
	result Result
}

// name says in an error which target it was. The URL's query may hold a secret
// and stays out; so does a URL that cannot be read.
func (x *exchange) name() string {
	if x.req == nil {
		return fmt.Sprintf("host '%s'", x.target.Host)
	}
	u := url.URL{Scheme: x.req.URL.Scheme, Host: x.req.URL.Host, Path: x.req.URL.Path, RawPath: x.req.URL.RawPath}
	return fmt.Sprintf("'%s'", u.String())
}

// lap ends the present phase.
func (x *exchange) lap(phase *time.Duration) {
	now := time.Now()
	*phase, x.step = now.Sub(x.step), now
}

// run takes one step after the other; the one that fails names the failure.
func (x *exchange) run(ctx context.Context) (site.Failure, error) {
	if err := x.prepare(ctx); err != nil {
		return site.FailureHTTP, err
	}
	addrs, err := x.resolve(ctx)
	if err != nil {
		return site.FailureResolve, fmt.Errorf("resolving '%s': %w", x.req.URL.Hostname(), err)
	}
	conn, err := x.connect(ctx, addrs)
	if err != nil {
		return site.FailureConnect, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()

	stream := conn
	if x.req.URL.Scheme == "https" {
		if stream, err = x.handshake(ctx, conn); err != nil {
			return site.FailureTLS, fmt.Errorf("negotiating TLS: %w", err)
		}
	}
	return x.ask(stream)
}

// prepare builds the request. Its error leaves the URL out, see name.
func (x *exchange) prepare(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.target.URL, nil)
	if err != nil {
		return errors.New("reading the URL: not a valid one")
	}
	req.Host = x.target.Host
	req.Header.Set("User-Agent", x.userAgent)
	req.Close = true
	x.req = req
	return nil
}

// handshake verifies the certificate against the system's roots, unless the
// target accepts any. Sessions are not resumed: a visitor's first has none.
func (x *exchange) handshake(ctx context.Context, conn net.Conn) (net.Conn, error) {
	defer x.lap(&x.result.Phases.TLS)
	secured := tls.Client(conn, &tls.Config{
		ServerName:         x.target.Host,
		InsecureSkipVerify: x.target.SkipVerify, // the operator's choice, per probe
	})
	return secured, secured.HandshakeContext(ctx)
}

// ask sends the request and reads the answer as far as it matters.
func (x *exchange) ask(conn net.Conn) (site.Failure, error) {
	limited := &io.LimitedReader{R: conn, N: maxHeader}
	answer := bufio.NewReader(limited)
	if err := x.firstByte(conn, answer); err != nil {
		return unanswered(err), fmt.Errorf("waiting for the answer: %w", err)
	}
	defer x.lap(&x.result.Phases.Transfer)

	head, err := readHead(answer, x.req)
	if err != nil && limited.N <= 0 {
		err = fmt.Errorf("more than %d bytes", maxHeader)
	}
	if err != nil {
		return site.FailureHTTP, fmt.Errorf("reading the header: %w", x.quotable(err))
	}
	x.result.Status = head.StatusCode
	if !x.target.Status.Has(head.StatusCode) {
		return site.FailureStatus, fmt.Errorf("status %d is not a good one", head.StatusCode)
	}

	// The body is not closed, as that would read an endless one to its end.
	limited.N = math.MaxInt64
	x.result.Bytes, err = io.Copy(io.Discard, io.LimitReader(head.Body, maxBody))
	if err != nil {
		return site.FailureHTTP, fmt.Errorf("reading the body after %d bytes: %w", x.result.Bytes, x.quotable(err))
	}
	return "", nil
}

// firstByte sends the request and waits until the answer begins.
func (x *exchange) firstByte(conn net.Conn, answer *bufio.Reader) error {
	defer x.lap(&x.result.Phases.FirstByte)
	if err := x.req.Write(conn); err != nil {
		return err
	}
	_, err := answer.Peek(1)
	return err
}

// unanswered tells a connection that was reset, which a server does that is
// not up to accepting it, from an answer that ended before it began.
func unanswered(err error) site.Failure {
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return site.FailureConnect
	}
	return site.FailureHTTP
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

// quotable replaces an error of net/http that quotes the answer where that is
// long, or might be an echo of our query; see name.
func (x *exchange) quotable(err error) error {
	var broken net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken) {
		return err
	}
	if x.req.URL.RawQuery != "" || len(err.Error()) > maxErr {
		return errors.New("not valid HTTP")
	}
	return err
}
