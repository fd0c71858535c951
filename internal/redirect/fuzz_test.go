package redirect_test

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// FuzzLocation sends what may come over the wire, to the server of HTTP/1 and,
// as far as net/http takes it for a request, to the handler of HTTP/2: wherever
// it leads, it is a host that the site names, over the scheme of the listener,
// and the path and query are those that were sent.
func FuzzLocation(f *testing.F) {
	for _, seed := range []struct{ line, host, more string }{
		{"GET / HTTP/1.1", www, ""}, {"GET //evil.example/ HTTP/1.1", www, ""}, {`GET /\evil.example HTTP/1.1`, www, ""},
		{"GET http://evil.example/ HTTP/1.1", www, ""}, {"GET http://www.example.org@evil.example/ HTTP/1.1", www, ""},
		{"GET /%0d%0aSet-Cookie:a HTTP/1.1", www, ""}, {"CONNECT evil.example:443 HTTP/1.1", "evil.example:443", ""},
		{"OPTIONS * HTTP/1.1", www, ""}, {"GET / HTTP/1.1", www + "\r\nHost: evil.example", ""},
		{"GET /a?b#c HTTP/1.0", "WWW.example.org.:80", "X-Forwarded-Host: evil.example"},
		{"GET http://www.example.org?x HTTP/1.1", www, "CDN-Loop: big"}, {"GET /\xff HTTP/1.1", "a.wild.example.org", ""},
		{"GET /a?b HTTP/1.1", www, "CDN-Loop:\r\nCDN-Loop: cdnredirect"}, {"POST /a HTTP/1.1", www, "Content-Length: 2\r\n\r\nab"},
		{"POST /a HTTP/1.1", www, "Transfer-Encoding: chunked\r\nContent-Length: 1"},
		{"GET HTTP://www.example.org//a HTTP/1.1", www, ""}, {"GET //www.example.org/ HTTP/1.1", "@evil.example", ""},
	} {
		f.Add(seed.line, seed.host, seed.more, false)
	}
	b := newBed(redirected(nil, www+"."), redirected(func(s *site.Site) { s.Hosts = []string{"wild.example.org"} }, "*.wild.example.org."))
	f.Fuzz(func(t *testing.T, line, host, more string, diverted bool) {
		share := 0.0
		if diverted {
			share = 0.5
		}
		b.decide(www+".", share)
		text := line + "\r\nHost: " + host + "\r\n" + more + "\r\nConnection: close\r\n\r\n"
		var log journal
		wire := &octets{in: strings.NewReader(text)}
		redirect.ServeFast(b.Handler, wire, &log)
		answers := bufio.NewReader(&wire.out)
		_, rest, _ := strings.Cut(line, " ")
		sent, _, _ := strings.Cut(rest, " ")
		for first := true; ; first = false {
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				break
			}
			location := resp.Header.Get("Location")
			checkLocation(t, text, resp.StatusCode, location)
			if first && location != "" && !strings.HasSuffix(location, plain(sent)) {
				t.Fatalf("%q leads to %q, and not byte for byte to %q", text, location, sent)
			}
		}
		if log.String() != "" {
			t.Fatalf("%q is complained of: %s", text, log.String())
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		r.RemoteAddr = "192.0.2.1:4711"
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		location := w.Header().Get("Location")
		checkLocation(t, text, w.Code, location)
		if sent := plain(r.RequestURI); location != "" && sent != "" && !strings.HasSuffix(location, sent) {
			t.Fatalf("%q leads to %q, and not byte for byte to %q", text, location, sent)
		}
	})
}

// checkLocation fails the test where a redirect leads elsewhere than it may.
func checkLocation(t *testing.T, text string, code int, location string) {
	t.Helper()
	if (code == http.StatusFound) != (location != "") {
		t.Fatalf("%q: %d leads to %q", text, code, location)
	}
	if location == "" {
		return
	}
	u, err := url.Parse(location)
	if err != nil && !strings.Contains(err.Error(), "invalid URL escape") {
		t.Fatalf("%q leads to %q: %v", text, location, err)
	}
	rest, plain := strings.CutPrefix(location, "http://")
	i := strings.IndexByte(rest, '/')
	if !plain || i < 0 || !slices.Contains([]string{atOrigin, atCDN, atOwn}, rest[:i]) || err == nil && (u.Host != rest[:i] || u.User != nil) {
		t.Fatalf("%q leads to %q", text, location)
	}
	bad := func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' || c == '#' }
	if path := rest[i:]; strings.HasPrefix(path, "//") || strings.ContainsFunc(path, bad) {
		t.Fatalf("%q leads to %q, whose path is not safe", text, location)
	}
}

// octets is a connection over which a text comes, and then no more.
type octets struct {
	net.Conn
	in  *strings.Reader
	out bytes.Buffer
}

func (o *octets) Read(p []byte) (int, error)       { return o.in.Read(p) }
func (o *octets) Write(p []byte) (int, error)      { return o.out.Write(p) }
func (o *octets) Close() error                     { return nil }
func (o *octets) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (o *octets) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711} }
func (o *octets) SetDeadline(time.Time) error      { return nil }
func (o *octets) SetReadDeadline(time.Time) error  { return nil }
func (o *octets) SetWriteDeadline(time.Time) error { return nil }

// plain returns a path and query in which nothing has to be changed; empty: it is
// none.
func plain(raw string) string {
	ordinary := func(c rune) bool { return c > ' ' && c < 0x7f && !strings.ContainsRune(`"<>\#`, c) }
	if !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") || strings.ContainsFunc(raw, func(c rune) bool { return !ordinary(c) }) {
		return ""
	}
	return raw
}
