package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// protocolHTTP2 is the name of HTTP/2 over TLS (RFC 9113, section 3.2).
const protocolHTTP2 = "h2"

// maxUnread is how much of an answer over HTTP/2 a server may send ahead of what
// we read of it, in bytes.
const maxUnread = 256 << 10

// http2Link makes links speak HTTP/2 (RFC 9113).
type http2Link struct{ transport *http.Transport }

// handed is the key of the connection that a transport is to use.
type handed struct{}

// newHTTP2Link returns one that asks for no compression and holds the bounds of
// HTTP/1.1.
func newHTTP2Link() *http2Link {
	hand := func(ctx context.Context, _, _ string) (net.Conn, error) { return ctx.Value(handed{}).(net.Conn), nil }
	t := &http.Transport{
		DialContext:            hand,
		DialTLSContext:         hand,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: maxUnread, MaxReceiveBufferPerConnection: maxUnread},
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(true)
	return &http2Link{t}
}

// over begins HTTP/2 on a connection whose server is known to speak it.
func (h *http2Link) over(ctx context.Context, l *link, u *url.URL) (site.Failure, error) {
	conn, err := h.transport.NewClientConn(context.WithValue(ctx, handed{}, l.stream), u.Scheme, u.Host)
	if err != nil {
		return unanswered(err), fmt.Errorf("beginning HTTP/2: %w", err)
	}
	l.http2 = conn
	return "", nil
}

// doHTTP2 is doHTTP1 for HTTP/2.
func (x *exchange) doHTTP2(ctx context.Context) (site.Failure, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the stream where the body was not read to its end
	defer cancel()
	head, err := x.roundTrip(ctx)
	if err != nil && x.conn.reset.Load() {
		return site.FailureConnect, errors.New("waiting for the answer: the connection was reset")
	}
	if err != nil {
		return unanswered(err), fmt.Errorf("waiting for the answer: %w", unquoted(err))
	}
	defer x.lap(&x.result.Phases.Transfer)
	return x.judge(head)
}

// roundTrip sends the request and waits until the answer's header is there.
func (x *exchange) roundTrip(ctx context.Context) (*http.Response, error) {
	defer x.lap(&x.result.Phases.FirstByte)
	return x.link.http2.RoundTrip(x.req.standard(ctx))
}
