package foreign

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// gslbProbes are those of a site.
type gslbProbes struct {
	words []string // behind `probe`
	host  string
	own   bool // it is the operator's
}

func (p *gslbProbes) lines() (lines []string) {
	for _, words := range p.words {
		lines = append(lines, "probe "+words)
	}
	return lines
}

// gslbTimes is how often a record is checked, and how long is waited.
type gslbTimes struct{ every, timeout time.Duration }

// probes makes probes of the health checks of the backends, which have to be the same.
func (g *gslb) probes(r gslbRecord, all []backend) (*gslbProbes, bool) {
	t := g.times(r)
	var made *gslbProbes
	var unchecked place
	good := true
	for _, b := range all {
		checks := g.checksOf(r, b)
		if b.target != "" {
			if len(checks) > 0 {
				g.lost(b.here(), "record '%s': what is checked of a CDN is said by `ready`", r.name)
			}
			continue
		}
		if len(checks) == 0 {
			unchecked = b.here()
			continue
		}
		p, ok := g.probesOf(r, checks, t)
		good = good && ok
		if made == nil {
			made = p
		} else if ok && (!slices.Equal(p.words, made.words) || p.host != made.host) {
			g.lost(b.here(), "record '%s': its backends are checked in different ways: all addresses of a site have the same probes", r.name)
			good = false
		}
	}
	switch {
	case made != nil && good:
		if unchecked.line != 0 {
			g.lost(unchecked, "record '%s': this backend is probed, too: all addresses of a site have the same probes", r.name)
		}
		return made, true
	case g.o.Probe != "":
		return &gslbProbes{words: []string{g.o.Probe}, own: true}, true
	case made == nil:
		g.lost(r.at, "record '%s': nothing is checked of its backends, and a site needs a probe: say which with --probe", r.name)
	default:
		g.lost(r.at, "record '%s' was not taken for its health checks: say what is probed with --probe", r.name)
	}
	return nil, false
}

// times reads how often is checked.
func (g *gslb) times(r gslbRecord) gslbTimes {
	t := gslbTimes{g.duration(r.field, "scrape_interval", 10*time.Second), g.duration(r.field, "scrape_timeout", 5*time.Second)}
	if t.every < site.MinEvery {
		g.lost(r.at, "record '%s': scrape_interval %s is shorter than %s", r.name, t.every, site.MinEvery)
		t.every = site.MinEvery
	}
	if v, found := r.field("scrape_retries"); found && v.text() != "1" {
		g.lost(v.here(), "scrape_retries %s: a probe is tried once", printable(v.text()))
	}
	return t
}

// duration reads a time above zero.
func (g *gslb) duration(get func(string) (yamlValue, bool), key string, usual time.Duration) time.Duration {
	v, found := get(key)
	if !found {
		return usual
	}
	d, err := time.ParseDuration(v.text())
	if err != nil || d <= 0 {
		g.lost(v.here(), "%s '%s' is no time with a unit", key, printable(v.text()))
		return usual
	}
	return d
}

// checksOf returns the health checks of a backend.
func (g *gslb) checksOf(r gslbRecord, b backend) (checks []yamlValue) {
	g.counts(b.yamlValue)
	if healthy, _ := b.get("assume_healthy"); healthy.text() == "true" {
		return nil
	}
	list, _ := b.get("healthchecks")
	for _, v := range list.items() {
		if v.is(yaml.ScalarNode) {
			name := v
			var found bool
			if v, found = r.profiles.get(name.text()); !found {
				v = g.profiles[name.text()]
			}
			if v.node == nil {
				v = name // whoever reads it says that it is none
			}
		}
		g.counts(v)
		checks = append(checks, v)
	}
	return checks
}

// counts notes after how many checks a backend changes its state, where ours does
// after others.
func (g *gslb) counts(v yamlValue) {
	for _, c := range []struct {
		key  string
		ours int
	}{{"rise", ourUp}, {"fall", ourDown}} {
		if n, found := v.get(c.key); found && n.text() != strconv.Itoa(c.ours) && n.text() != "0" {
			g.lost(n.here(), "%s %s: here it is %d", c.key, printable(n.text()), c.ours)
		}
	}
}

// probesOf makes probes of the checks of one backend, one of a kind.
func (g *gslb) probesOf(r gslbRecord, checks []yamlValue, t gslbTimes) (*gslbProbes, bool) {
	made := &gslbProbes{}
	for _, c := range checks {
		words, host, ok := g.check(c, t)
		if !ok {
			return made, false
		}
		kind, _, _ := strings.Cut(words, " ")
		if slices.ContainsFunc(made.words, func(other string) bool { return strings.HasPrefix(other, kind+" ") }) {
			g.lost(c.here(), "record '%s': a site has one probe %s", r.name, kind)
			continue
		}
		made.words = append(made.words, words)
		made.host = cmp.Or(made.host, host)
	}
	return made, true
}

// check makes a probe of a health check.
func (g *gslb) check(c yamlValue, t gslbTimes) (words, host string, ok bool) {
	kind, _ := c.get("type")
	p, _ := c.get("params")
	switch strings.ToLower(kind.text()) {
	case "http":
		words, host, ok = g.http(p)
	case "tcp":
		g.strangers(p, []string{"port", "timeout"})
		words, ok = fmt.Sprintf("tcp {origin}:%d", g.port(p, 80)), true
	case "icmp":
		g.strangers(p, []string{"timeout", "count"})
		if n, found := p.get("count"); found && n.text() != "1" {
			g.lost(n.here(), "count %s: a probe is one echo", printable(n.text()))
		}
		words, ok = "icmp {origin}", true
	case "grpc":
		words, ok = g.grpc(p)
	case "":
		g.lost(c.here(), "health check '%s' is not defined", printable(c.text()))
		return "", "", false
	default:
		g.lost(c.here(), "health check '%s' is not taken", printable(kind.text()))
		return "", "", false
	}
	timeout := min(g.duration(p.get, "timeout", 5*time.Second), t.timeout)
	words += fmt.Sprintf(" every %s", t.every)
	if timeout >= t.every {
		g.lost(c.here(), "timeout %s is not below the period %s", timeout, t.every)
		return words, host, ok
	}
	return words + fmt.Sprintf(" timeout %s", timeout), host, ok
}

func (g *gslb) port(p yamlValue, usual int) int {
	if n := g.whole(p, "port", usual); n >= 1 && n <= 65535 {
		return n
	}
	g.lost(p.here(), "the port is not from 1 to 65535")
	return usual
}

// grpc makes a probe of the health service.
func (g *gslb) grpc(p yamlValue) (string, bool) {
	g.strangers(p, []string{"port", "timeout", "service", "enable_tls", "skip_tls_verify", "host"})
	words := fmt.Sprintf("grpc {origin}:%d", g.port(p, 443))
	if service, _ := p.get("service"); service.text() != "" {
		quoted, err := word(service.text())
		if err != nil {
			g.lost(service.here(), "service: %v", err)
			return "", false
		}
		words += " service " + quoted
	}
	tls, _ := p.get("enable_tls")
	skip, _ := p.get("skip_tls_verify")
	if tls.text() == "true" {
		words += " tls on"
		if skip.text() == "true" {
			words += " tls_verify off"
		}
	}
	return words, true
}

// http makes a probe of a request.
func (g *gslb) http(p yamlValue) (words, host string, ok bool) {
	g.strangers(p, []string{"port", "timeout", "enable_tls", "uri", "method", "host", "headers", "expected_code", "expected_body", "skip_tls_verify"})
	scheme := "https"
	if tls, _ := p.get("enable_tls"); tls.text() == "false" {
		scheme = "http"
	}
	uri := "/"
	if v, found := p.get("uri"); found {
		uri = v.text()
	}
	if !strings.HasPrefix(uri, "/") || strings.ContainsAny(uri, "{}# ") {
		g.lost(p.here(), "uri '%s' cannot be the path of a probe", printable(uri))
		return "", "", false
	}
	url, err := word(fmt.Sprintf("%s://{origin}:%d%s", scheme, g.port(p, 443), uri))
	if err != nil {
		g.lost(p.here(), "uri: %v", err)
		return "", "", false
	}
	code := g.whole(p, "expected_code", 200)
	if code < 100 || code > 599 {
		g.lost(p.here(), "expected_code %d is no status that a probe knows, from 100 to 599", code)
		return "", "", false
	}
	words = fmt.Sprintf("http %s status %d", url, code)
	more, ok := g.httpOptions(p)
	if skip, _ := p.get("skip_tls_verify"); skip.text() == "true" && scheme == "https" {
		more += " tls_verify off"
	}
	if v, found := p.get("host"); found && ok {
		if host, err = site.CanonicalHost(v.text()); err != nil {
			g.lost(v.here(), "host '%s' is not a host name without a port", printable(v.text()))
			return "", "", false
		}
	}
	return words + more, host, ok
}

// ownHeaders are those that a probe sets itself, or `host` does.
var ownHeaders = []string{"host", "user-agent", "connection", "content-length", "transfer-encoding", "range", "accept-encoding"}

// httpOptions writes the rest of what a request may say.
func (g *gslb) httpOptions(p yamlValue) (words string, ok bool) {
	if v, _ := p.get("method"); v.text() != "" && v.text() != "GET" {
		if !slices.Contains([]string{"HEAD", "OPTIONS", "POST"}, v.text()) {
			g.lost(v.here(), "method '%s' is none that a probe knows", printable(v.text()))
			return "", false
		}
		words += " method " + v.text()
	}
	if v, _ := p.get("expected_body"); v.text() != "" {
		pattern, err := word(v.text())
		if _, bad := regexp.Compile(v.text()); err != nil || bad != nil || len(v.text()) > 1024 || strings.HasSuffix(words, "HEAD") {
			g.lost(v.here(), "expected_body '%s' is no pattern that a probe can look for", printable(v.text()))
			return "", false
		}
		words += " match " + pattern
	}
	headers, _ := p.get("headers")
	for _, key := range headers.keys() {
		v, _ := headers.get(key.text())
		value, err := word(v.text())
		name, bad := word(key.text())
		if err != nil || bad != nil || strings.ContainsAny(name, "\" ()<>@,;:\\/[]?={}") || slices.Contains(ownHeaders, strings.ToLower(name)) {
			g.lost(key.here(), "header '%s' is not taken", printable(key.text()))
			continue
		}
		words += " header " + name + " " + value
	}
	return words, true
}

// hostLines names the host that is asked for.
func (g *gslb) hostLines(r gslbRecord, p *gslbProbes) ([]string, bool) {
	if p.host != "" {
		return []string{"host " + p.host}, true
	}
	host := strings.TrimPrefix(r.name, "*.")
	if _, err := site.CanonicalHost(host); err != nil {
		g.lost(r.at, "'%s' is not a name that a web server has: give its health check a host", r.name)
		return nil, false
	}
	if host != r.name {
		return []string{"host " + host}, true
	}
	return nil, true
}
