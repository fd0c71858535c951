package redirect

import (
	"net/http"
	"strings"
)

// targetOf returns the path and query of a request as they go into a Location,
// or "*" of a request for the server as a whole; false: it is neither.
func targetOf(r *http.Request) (target string, valid bool) {
	raw := r.RequestURI
	switch {
	case raw == "*":
		return raw, r.Method == http.MethodOptions
	case strings.HasPrefix(raw, "/"):
		return safe(raw), true
	case r.URL.Host == "" || r.URL.User != nil || r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return "", false
	}
	_, rest, _ := strings.Cut(raw, "://") // the absolute form, as proxies are asked
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		return "/", true
	}
	return safe(rest[i:]), true
}

// safe returns a path and query with exactly one slash in front, and with the
// octets percent-encoded that no URL may have. Those are also the ones that
// browsers take for something else: a backslash for a slash, a # for the end.
func safe(raw string) string {
	if raw[0] == '/' && (len(raw) == 1 || raw[1] != '/') && !strings.ContainsFunc(raw, unsafe) {
		return raw
	}
	var b strings.Builder
	b.WriteByte('/')
	for _, c := range []byte(strings.TrimLeft(raw, "/")) {
		if unsafe(rune(c)) {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

const hex = "0123456789ABCDEF"

// unsafe reports whether an octet has no place in a URL (RFC 3986, appendix A),
// or ends it. Brackets and the like are left, as all who follow redirects do.
func unsafe(c rune) bool {
	return c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '#'
}

// hostOf returns the name in a Host header as the table knows it: without port
// and final dot, and in lower case.
func hostOf(header string) string {
	host := header
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
