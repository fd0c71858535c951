package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// request is one request over HTTP. It is written here rather than by net/http,
// which would take a buffer and a map for each.
type request struct {
	method string
	url    *url.URL
	host   string
	fields []field
	http2  bool // is wanted
	keep   bool // the connection, for the next probe
	body   []byte
}

// field is one of the header.
type field struct{ name, value string }

// framing are the fields of the header that are not the operator's to set.
var framing = []string{"Host", "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Te", "Trailer"}

// request returns the request that is asked of the target: at url, which is the
// target's own or one at the same host, with more fields of the header.
func (c *call) request(method string, u *url.URL, more ...field) (*request, error) {
	r := &request{method: method, url: u, host: c.hostHeader(u), http2: c.ask.HTTP2, keep: c.ask.KeepAlive}
	if !isToken(method) {
		return nil, fmt.Errorf("%w: '%s' is not a method", errLocal, method)
	}
	if uri := u.RequestURI(); u.Host == "" || !strings.HasPrefix(uri, "/") || strings.ContainsFunc(uri, notVisible) {
		return nil, errors.New("reading the URL: not a valid one")
	}
	if !httpguts.ValidHostHeader(r.host) {
		return nil, fmt.Errorf("'%s' is not a host", r.host)
	}
	given, err := fields(c.ask.Headers)
	if err != nil {
		return nil, err
	}
	r.fields = append(given, more...)
	if c.userAgent != "" && !r.has("User-Agent") {
		r.fields = append(r.fields, field{"User-Agent", c.userAgent})
	}
	return r, nil
}

// hostHeader returns the target's Host, or where it has none that of the URL, as
// the header of that name has it (RFC 9110, section 7.2).
func (c *call) hostHeader(u *url.URL) string {
	host := c.target.Host
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		return "[" + host + "]"
	}
	if host != "" {
		return host
	}
	if defaultPort := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; defaultPort != "" {
		return strings.TrimSuffix(u.Host, defaultPort)
	}
	return u.Host
}

// isToken reports whether text may be a method or the name of a header (RFC
// 9110, section 5.6.2).
func isToken(text string) bool { return httpguts.ValidHeaderFieldName(text) }

// notVisible reports whether a character would break a request's first line.
func notVisible(r rune) bool { return r <= ' ' || r == 0x7f }

func (r *request) has(name string) bool {
	return slices.ContainsFunc(r.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
}

// fields reads lines of "Name: value", and what the values stand for; see
// secret. No error quotes a value.
func fields(lines string) ([]field, error) {
	var list []field
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if err := checkName(name); err != nil {
			return nil, err
		}
		value, err := secret(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("reading the header '%s': %w", name, err)
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("reading the header '%s': %w: its value has characters that may not be sent", name, errLocal)
		}
		list = append(list, field{name, value})
	}
	return list, nil
}

func checkName(name string) error {
	if !isToken(name) {
		return fmt.Errorf("%w: '%s' is not the name of a header", errLocal, name)
	}
	if slices.Contains(framing, http.CanonicalHeaderKey(name)) {
		return fmt.Errorf("%w: the header '%s' is not to be set", errLocal, name)
	}
	return nil
}

// appendTo writes the request for HTTP/1.1 (RFC 9112).
func (r *request) appendTo(b []byte) []byte {
	b = append(b, r.method...)
	b = append(b, ' ')
	b = append(b, r.url.RequestURI()...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = field{"Host", r.host}.appendTo(b)
	for _, f := range r.fields {
		b = f.appendTo(b)
	}
	if slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, r.method) {
		b = field{"Content-Length", strconv.Itoa(len(r.body))}.appendTo(b)
	}
	if !r.keep {
		b = field{"Connection", "close"}.appendTo(b)
	}
	b = append(b, "\r\n"...)
	return append(b, r.body...)
}

func (f field) appendTo(b []byte) []byte {
	b = append(b, f.name...)
	b = append(b, ": "...)
	b = append(b, f.value...)
	return append(b, "\r\n"...)
}

// standard returns the request as net/http knows it.
func (r *request) standard(ctx context.Context) *http.Request {
	req := &http.Request{Method: r.method, URL: r.url, Host: r.host, Header: make(http.Header)}
	for _, f := range r.fields {
		req.Header.Add(f.name, f.value)
	}
	if r.body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
	}
	return req.WithContext(ctx)
}

// checkRequest reports what of an Ask cannot be sent.
func checkRequest(ask site.Ask) error {
	if ask.Method != "" && !isToken(ask.Method) {
		return fmt.Errorf("'%s' is not a method", ask.Method)
	}
	for line := range strings.Lines(ask.Headers) {
		name, _, found := strings.Cut(line, ":")
		if !found {
			return fmt.Errorf("the header '%s' has no value", strings.TrimSpace(name))
		}
		if err := checkName(name); err != nil {
			return err
		}
	}
	return nil
}
