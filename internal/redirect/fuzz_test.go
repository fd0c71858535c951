package redirect_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// FuzzLocation sends what may come over the wire, as far as net/http takes it
// for a request: wherever it leads, it is a host that the site names, over the
// scheme of the listener, and the path and query are those that were sent.
func FuzzLocation(f *testing.F) {
	for _, seed := range []struct{ line, host, more string }{
		{"GET / HTTP/1.1", www, ""}, {"GET //evil.example/ HTTP/1.1", www, ""}, {`GET /\evil.example HTTP/1.1`, www, ""},
		{"GET http://evil.example/ HTTP/1.1", www, ""}, {"GET http://www.example.org@evil.example/ HTTP/1.1", www, ""},
		{"GET /%0d%0aSet-Cookie:a HTTP/1.1", www, ""}, {"CONNECT evil.example:443 HTTP/1.1", "evil.example:443", ""},
		{"OPTIONS * HTTP/1.1", www, ""}, {"GET / HTTP/1.1", www + "\r\nHost: evil.example", ""},
		{"GET /a?b#c HTTP/1.0", "WWW.example.org.:80", "X-Forwarded-Host: evil.example"},
		{"GET http://www.example.org?x HTTP/1.1", www, "CDN-Loop: big"}, {"GET /\xff HTTP/1.1", "a.wild.example.org", ""},
		{"GET HTTP://www.example.org//a HTTP/1.1", www, ""}, {"GET //www.example.org/ HTTP/1.1", "@evil.example", ""},
	} {
		f.Add(seed.line, seed.host, seed.more, false)
	}
	known := []string{atOrigin, atCDN, atOwn}
	b := newBed(redirected(nil, www+"."), redirected(func(s *site.Site) { s.Hosts = []string{"wild.example.org"} }, "*.wild.example.org."))
	f.Fuzz(func(t *testing.T, line, host, more string, diverted bool) {
		share := 0.0
		if diverted {
			share = 0.5
		}
		b.decide(www+".", share)
		text := line + "\r\nHost: " + host + "\r\n" + more + "\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		r.RemoteAddr = "192.0.2.1:4711"
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		location := w.Header().Get("Location")
		if (w.Code == http.StatusFound) != (location != "") {
			t.Fatalf("%q: %d leads to %q", text, w.Code, location)
		}
		if location == "" {
			return
		}
		u, err := url.Parse(location)
		if err != nil && !strings.Contains(err.Error(), "invalid URL escape") {
			t.Fatalf("%q leads to %q: %v", text, location, err)
		}
		rest, http := strings.CutPrefix(location, "http://")
		i := strings.IndexByte(rest, '/')
		if !http || i < 0 || !slices.Contains(known, rest[:i]) || err == nil && (u.Host != rest[:i] || u.User != nil) {
			t.Fatalf("%q leads to %q", text, location)
		}
		if path := rest[i:]; strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' || c == '#' }) {
			t.Fatalf("%q leads to %q, whose path is not safe", text, location)
		}
		if sent := plain(r.RequestURI); sent != "" && rest[i:] != sent {
			t.Fatalf("%q leads to %q, and not byte for byte to %q", text, location, sent)
		}
	})
}

// plain returns a path and query in which nothing has to be changed; empty: it is
// none.
func plain(raw string) string {
	ordinary := func(c rune) bool { return c > ' ' && c < 0x7f && !strings.ContainsRune(`"<>\#`, c) }
	if !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") || strings.ContainsFunc(raw, func(c rune) bool { return !ordinary(c) }) {
		return ""
	}
	return raw
}
