package redirect

import (
	"net/http"
	"strings"
)

// split returns the path and query of a request as they go into a Location, or
// "*" of a request for the server as a whole, and the host that is asked; false:
// it is neither.
func (r *request) split() (target, host string, valid bool) {
	switch {
	case r.target == "*":
		return r.target, r.host, r.method == http.MethodOptions
	case strings.HasPrefix(r.target, "/"):
		return safe(r.target), r.host, true
	case !absolute(r.target):
		return "", r.host, false
	}
	_, rest, _ := strings.Cut(r.target, "://") // as proxies are asked; Host does not count then
	i := strings.IndexAny(rest+"/", "/?")
	host, target = rest[:i], rest[i:]
	if target == "" {
		target = "/"
	}
	return safe(target), host, !strings.ContainsRune(host, '@')
}

// absolute reports whether a target is a URL.
func absolute(target string) bool {
	scheme, _, found := strings.Cut(target, "://")
	return found && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
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
