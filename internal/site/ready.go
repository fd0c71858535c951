package site

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Ready says what must hold of a CDN before a site's visitors are sent there.
type Ready struct {
	Level  ReadyLevel
	Check  Source // of ReadyTLS and ReadyProbe what is asked, with {target} for an address of the CDN; its period is that of all levels
	Warmup string // URLs with {target}, with a space between two, that are fetched first; empty: none
}

// ReadyLevel is how much must hold. Each level asks what the one before asks, too.
type ReadyLevel string

// The levels.
const (
	ReadyNone    ReadyLevel = "none"    // nothing is asked
	ReadyResolve ReadyLevel = "resolve" // the target has an address, and does not lead back to the site
	ReadyTLS     ReadyLevel = "tls"     // it has a certificate for the site's host
	ReadyProbe   ReadyLevel = "probe"   // it answers a request for the site
)

// ReadyLevels lists them, from nothing to all.
func ReadyLevels() []ReadyLevel {
	return []ReadyLevel{ReadyNone, ReadyResolve, ReadyTLS, ReadyProbe}
}

// Checked reports whether CDNs are checked for the site. One whose level nobody has
// named is not: see FinishReady.
func (r Ready) Checked() bool { return r.Level != "" && r.Level != ReadyNone }

// Asks reports whether more is asked than DNS.
func (r Ready) Asks() bool { return r.Level == ReadyTLS || r.Level == ReadyProbe }

// maxWarmup is how many URLs may be fetched for a site: each of them has the CDN
// ask an origin that has enough to do.
const maxWarmup = 20

// WarmupURLs returns the URLs one by one.
func (r Ready) WarmupURLs() []string { return strings.Fields(r.Warmup) }

// FinishReady completes what is asked of CDNs, once all probes of the site are
// known: without a word of the operator's, what its first probe over HTTP asks of
// the origin, over TLS, but without headers, which may hold a secret.
func (s *Site) FinishReady() {
	r := &s.Ready
	if r.Level == "" {
		r.Level = ReadyProbe
	}
	c := &r.Check
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Timeout == 0 {
		c.Timeout = c.Every / 2
	}
	if c.URL != "" {
		return
	}
	switch r.Level {
	case ReadyTLS:
		c.Kind, c.URL = "tls", "tls://{target}:443"
	case ReadyProbe:
		s.askLikeProbe(c)
	}
}

// askLikeProbe has a check ask a CDN for what a probe asks an origin for. What makes
// the answer good is the operator's word, if there is one.
func (s *Site) askLikeProbe(c *Source) {
	path := "/"
	ofOrigin := func(p Source) bool { return p.Kind == "http" && asksAt(p.URL, "{origin}") }
	if i := slices.IndexFunc(s.Probes, ofOrigin); i >= 0 {
		path = pathOf(s.Probes[i].URL)
		if ask := s.Probes[i].Ask; c.Ask == (Ask{}) {
			c.Ask = Ask{Method: ask.Method, Status: ask.Status, Body: ask.Body, Pattern: ask.Pattern, Condition: ask.Condition}
		}
	}
	if c.Ask.Status == (StatusSet{}) {
		c.Ask.Status = DefaultStatus()
	}
	c.Kind, c.URL = "http", "https://{target}"+path
}

// asksAt reports whether the host of a URL is a placeholder, which stands nowhere
// else.
func asksAt(raw, placeholder string) bool {
	_, rest, _ := strings.Cut(raw, "://")
	tail, found := strings.CutPrefix(rest, placeholder)
	return found && (tail == "" || strings.ContainsAny(tail[:1], ":/?")) && !strings.Contains(tail, "{")
}

// pathOf returns the path of a URL that holds a placeholder for its host.
func pathOf(raw string) string {
	u, err := url.Parse(withAddress(raw))
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.EscapedPath()
}

// withAddress has an address stand for {origin} or {target}, where a URL is read
// before it is known. One of IPv6 finds where that is only a part of the host.
func withAddress(raw string) string { return someAddress.Replace(raw) }

var someAddress = strings.NewReplacer("{origin}", "[2001:db8::1]", "{target}", "[2001:db8::1]")

// Led returns by which name visitors are led to a CDN, and what host they ask for
// there: those who are redirected and never follow DNS come as they were told to.
func (s *Site) Led(c CDN) (name, host string) {
	if s.Own() == nil {
		return c.Target, s.Hosts[0]
	}
	host = s.HostAt(c)
	return dns.CanonicalName(host), host
}

// CheckOf returns what is asked of a CDN at one of its addresses, on the public Internet
// only if it is to be so.
func (s *Site) CheckOf(c CDN, addr netip.Addr, public bool) Target {
	return s.ask(s.Ready.Check, c, addr, public)
}

// WarmupOf returns a URL of the warm-up that is fetched at an address of a CDN, within
// a time.
func (s *Site) WarmupOf(text string, timeout time.Duration, c CDN, addr netip.Addr, public bool) Target {
	return s.ask(Source{Kind: "http", URL: text, Timeout: timeout, Ask: Ask{Status: DefaultStatus()}}, c, addr, public)
}

func (s *Site) ask(src Source, c CDN, addr netip.Addr, public bool) Target {
	_, host := s.Led(c)
	src.URL = strings.ReplaceAll(src.URL, "{target}", bracketed(addr))
	src.Ask.Fresh = true // each is a visit of its own
	return src.target(netip.Addr{}, host, public)
}

// checkReady checks what is asked of CDNs.
func (s *Site) checkReady() error {
	r := s.Ready
	if !r.Checked() {
		if r.Warmup != "" {
			return wrong("warmup", "warmup needs 'ready resolve', 'ready tls' or 'ready probe': with 'ready none' nothing is asked of a CDN before the first visitor")
		}
		return nil
	}
	if r.Check.Every < MinEvery {
		return wrong("ready", "period %s is shorter than %s", r.Check.Every, MinEvery)
	}
	if r.Asks() {
		if err := s.checkAsked("ready", r.Check); err != nil {
			return err
		}
	}
	urls := r.WarmupURLs()
	if len(urls) > maxWarmup {
		return wrong("warmup", "%d URLs are more than %d: each of them has the CDN ask the origin", len(urls), maxWarmup)
	}
	for _, text := range urls {
		if err := s.checkAsked("warmup", Source{Kind: "http", URL: text, Every: time.Minute, Timeout: time.Second, Ask: Ask{Status: DefaultStatus()}}); err != nil {
			return err
		}
	}
	return nil
}

// checkAsked checks one question to a CDN.
func (s *Site) checkAsked(property string, src Source) error {
	if _, err := url.Parse(withAddress(src.URL)); err == nil && !asksAt(src.URL, "{target}") {
		return wrong(property, "'%s' does not ask the CDN: write {target} for its host", kinds[src.Kind].written(src.URL))
	}
	if err := checkSource("probe", src); err != nil {
		return &PropertyError{property, fmt.Errorf("asking the CDN: %w", err)}
	}
	return nil
}
