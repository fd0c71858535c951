package onboard

import (
	"errors"
	"fmt"
	"strings"
)

// writeVarnish writes the part of a VCL that serves a site. Varnish runs the subroutines
// of all parts one after the other, so each asks first whether the request is its own.
// The free Varnish speaks no TLS to origins: a site that is probed over it is refused,
// rather than asked for in the clear.
func writeVarnish(r Request) (string, error) {
	from, err := upstreamOf(r.Site)
	if err != nil {
		return "", err
	}
	if from.scheme != "http" {
		return "", errors.New("its probe asks the origin over https, and Varnish speaks http to origins")
	}
	hosts, err := hostsOf(r)
	if err != nil {
		return "", err
	}
	id := "cdnredirect_" + idOf(r)
	ours := fmt.Sprintf(`req.http.host ~ "(?i)^(%s)(:[0-9]+)?$"`, alternatives(hosts))
	var b strings.Builder
	line := func(depth int, format string, args ...any) {
		fmt.Fprintf(&b, strings.Repeat("    ", depth)+format+"\n", args...)
	}
	line(0, "# site %s: written by cdnredirect, which replaces and removes it", r.name())
	line(0, "vcl 4.1;")
	line(0, "import directors;")
	groups := map[bool][]int{}
	for i, s := range from.servers {
		line(0, "backend %s_%d {", id, i)
		line(1, ".host = \"%s\";", s.addr)
		line(1, ".port = \"%d\";", from.port)
		line(0, "}")
		groups[s.backup] = append(groups[s.backup], i)
	}
	line(0, "sub vcl_init {")
	for _, backup := range []bool{false, true} {
		if len(groups[backup]) == 0 {
			continue
		}
		name := id + map[bool]string{true: "_backup"}[backup]
		line(1, "new %s = directors.random();", name)
		for _, i := range groups[backup] {
			line(1, "%s.add_backend(%s_%d, %d.0);", name, id, i, from.servers[i].weight)
		}
	}
	line(0, "}")
	line(0, "sub vcl_recv {")
	line(1, "if (%s) {", ours)
	line(2, "set req.backend_hint = %s.backend();", id)
	line(2, "if (req.http.CDN-Loop ~ \"(?i)%s\") {", cameRound)
	line(3, "return (synth(508));")
	line(2, "}")
	line(2, "if (req.http.CDN-Loop) {")
	line(3, "set req.http.CDN-Loop = req.http.CDN-Loop + \", cdnredirect\";")
	line(2, "} else {")
	line(3, "set req.http.CDN-Loop = \"cdnredirect\";")
	line(2, "}")
	line(2, "if (req.url ~ \"^%s\") {", strings.ReplaceAll(challenges, ".", "[.]"))
	line(3, "return (pass);")
	line(2, "}")
	line(1, "}")
	line(0, "}")
	line(0, "sub vcl_backend_error {")
	line(1, "if (be%s && bereq.retries < %d) {", ours, max(1, len(from.servers)-1))
	line(2, "return (retry);")
	line(1, "}")
	line(0, "}")
	line(0, "sub vcl_backend_fetch {")
	line(1, "if (be%s && bereq.retries > 0) {", ours)
	line(2, "set bereq.backend = %s.backend();", id+map[bool]string{true: "_backup"}[len(groups[true]) > 0])
	line(1, "}")
	line(0, "}")
	return b.String(), nil
}
