package onboard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// idOf names what belongs to a site where names may not be used.
func idOf(r Request) string {
	sum := sha256.Sum256([]byte(r.name()))
	return hex.EncodeToString(sum[:8])
}

// writeNginx writes the server block of a site, for the http block. What it listens at,
// and which certificates it has, the operator's file cdnredirect_server.conf says; whom
// origins have their certificates of, cdnredirect_trusted.pem; the cache is the
// operator's "cdnredirect". Everything in it is a word of letters and
// digits, an address or a number: nothing needs quotes.
func writeNginx(r Request) (string, error) {
	from, err := upstreamOf(r.Site)
	if err != nil {
		return "", err
	}
	hosts, err := hostsOf(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(depth int, format string, args ...any) {
		fmt.Fprintf(&b, strings.Repeat("    ", depth)+format+"\n", args...)
	}
	line(0, "# site %s: written by cdnredirect, which replaces and removes it", r.name())
	line(0, "upstream cdnredirect_%s {", idOf(r))
	for _, s := range from.servers {
		line(1, "server %s weight=%d%s;", net.JoinHostPort(s.addr.String(), strconv.Itoa(int(from.port))), s.weight, map[bool]string{true: " backup"}[s.backup])
	}
	line(1, "keepalive 16;")
	line(0, "}")
	line(0, "server {")
	line(1, "include cdnredirect_server.conf;")
	line(1, "server_name %s;", strings.Join(hosts, " "))
	line(1, "if ($host !~ ^(%s)$) {", alternatives(hosts))
	line(2, "return 421;") // it is the first server block, and stands for all others
	line(1, "}")
	line(1, "if ($http_cdn_loop ~* \"%s\") {", cameRound)
	line(2, "return 508;")
	line(1, "}")
	line(1, "set $cdnredirect_loop cdnredirect;")
	line(1, "if ($http_cdn_loop) {")
	line(2, "set $cdnredirect_loop \"$http_cdn_loop, cdnredirect\";")
	line(1, "}")
	line(1, "proxy_http_version 1.1;")
	for _, header := range []string{
		"Host $host", `Connection ""`, "CDN-Loop $cdnredirect_loop", "X-Forwarded-For $proxy_add_x_forwarded_for", "X-Forwarded-Proto $scheme",
	} {
		line(1, "proxy_set_header %s;", header)
	}
	if from.scheme == "https" {
		for _, directive := range tlsOf(from) {
			line(1, "%s;", directive)
		}
	}
	line(1, "location / {")
	line(2, "proxy_cache cdnredirect;")
	line(2, "proxy_cache_key $scheme$host$request_uri;")
	line(2, "proxy_cache_lock on;")
	line(2, "proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;")
	line(2, "proxy_pass %s://cdnredirect_%s;", from.scheme, idOf(r))
	line(1, "}")
	line(1, "location ^~ %s {", challenges)
	line(2, "proxy_pass %s://cdnredirect_%s;", from.scheme, idOf(r))
	line(1, "}")
	line(0, "}")
	return b.String(), nil
}

// tlsOf is how the origin is asked over TLS: it shows a certificate of the host that the
// visitor asks for, as it has to without a CDN, unless its probe looks at none.
func tlsOf(from upstream) []string {
	directives := []string{"proxy_ssl_server_name on", "proxy_ssl_name $host"}
	if from.anyCertificate {
		return directives
	}
	return append(directives, "proxy_ssl_verify on", "proxy_ssl_verify_depth 5", "proxy_ssl_trusted_certificate cdnredirect_trusted.pem")
}

// cameRound matches the CDN-Loop of a request that has been at a node before: its origin
// leads back to the nodes, and would be asked without end (RFC 8586, section 2).
const cameRound = `(^|[ \t,])cdnredirect([ \t,;]|$)`

// alternatives is a regular expression of just these hosts.
func alternatives(hosts []string) string {
	quoted := make([]string, len(hosts))
	for i, host := range hosts {
		quoted[i] = regexp.QuoteMeta(host)
	}
	return strings.Join(quoted, "|")
}
