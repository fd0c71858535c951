package health

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"syscall"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds on what a target can make us do. They are no options: more would
// measure nothing better.
const (
	maxHeader = 64 << 10 // bytes
	maxBody   = 64 << 10 // bytes after which the answer is good enough
	maxErr    = 200      // bytes of an error that quotes the answer
)

// askHTTP is the probe of kind "http": a GET by HTTP/1.1 over a new connection,
// to the URL's host and port but for the target's Host, which is the Host
// header, the server name in TLS and the name that the certificate must have.
// Redirects are not followed, proxies not used, compression not asked for.
//
// The steps of a request are taken here instead of leaving them to
// http.Transport: so each phase is timed where it happens, the step that fails
// names the failure, and no goroutine or connection outlives the probe.
func askHTTP(ctx context.Context, c *call) (site.Failure, error) {
	x := exchange{call: c}
	if err := x.prepare(ctx); err != nil {
		return site.FailureProtocol, err
	}
	conn, failure, err := c.connect(ctx, "tcp")
	if err != nil {
		return failure, err
	}
	defer conn.Close()
	if c.url.Scheme == "https" {
		secured, failure, err := c.secure(ctx, conn)
		if err != nil {
			return failure, err
		}
		conn = secured
	}
	return x.send(conn)
}

// exchange is one request and its answer.
type exchange struct {
	*call
	req *http.Request
}

// prepare builds the request. Its error leaves the URL out, see call.name.
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

// send sends the request and reads the answer as far as it matters.
func (x *exchange) send(conn net.Conn) (site.Failure, error) {
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
		return site.FailureProtocol, fmt.Errorf("reading the header: %w", x.quotable(err))
	}
	x.result.Status = head.StatusCode
	if !x.call.ask.Status.Has(head.StatusCode) {
		return site.FailureStatus, fmt.Errorf("status %d is not a good one", head.StatusCode)
	}

	// The body is not closed, as that would read an endless one to its end.
	limited.N = math.MaxInt64
	x.result.Bytes, err = io.Copy(io.Discard, io.LimitReader(head.Body, maxBody))
	if err != nil {
		return site.FailureProtocol, fmt.Errorf("reading the body after %d bytes: %w", x.result.Bytes, x.quotable(err))
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
	return site.FailureProtocol
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
