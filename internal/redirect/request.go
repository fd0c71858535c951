package redirect

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// request is what of a request matters, whichever server has read it.
type request struct {
	method string
	target string // as it was sent
	host   string // of the Host header, or :authority
	peer   netip.Addr
	secure bool // it came by TLS
	lines  headers
}

// headers returns the lines of a header.
type headers interface{ of(name string) []string }

type plainHeaders http.Header

func (h plainHeaders) of(name string) []string { return h[name] }

// fromHTTP returns a request that net/http has read.
func fromHTTP(r *http.Request) request {
	q := request{method: r.Method, target: r.RequestURI, host: r.Host, secure: r.TLS != nil, lines: plainHeaders(r.Header)}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		q.peer = peer.Addr().Unmap()
	}
	return q
}

type fastHeaders struct{ *fasthttp.RequestHeader }

func (h fastHeaders) of(name string) []string {
	var lines []string
	for _, line := range h.PeekAll(name) {
		lines = append(lines, string(line))
	}
	return lines
}

// fromFast returns a request that fasthttp has read.
func fromFast(c *fasthttp.RequestCtx) request {
	h := &c.Request.Header
	q := request{method: string(h.Method()), target: string(h.RequestURI()), host: string(h.Host()), secure: c.IsTLS(), lines: fastHeaders{h}}
	if peer, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		q.peer = peer.AddrPort().Addr().Unmap()
	}
	return q
}
