package site

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unique"
)

// Limits and defaults of a probe's times.
const (
	DefaultEvery = 10 * time.Second
	MinEvery     = time.Second
)

// Source is a probe or a feed of a site: where samples come from.
type Source struct {
	Kind    string // such as "http"; see Kinds
	URL     string // where; may hold {origin}: each address in turn
	Every   time.Duration
	Timeout time.Duration // for the whole of it
	Ask     Ask
}

// Target is one thing to probe, or one feed to read. Equal targets are the same
// question, whichever sites put it; the period is not part of it.
type Target struct {
	Kind    string
	URL     string
	Host    string // Host header and server name in TLS
	Timeout time.Duration
	Ask     Asking
	Public  bool // only addresses of the public Internet may be connected to
}

// paths expands {origin}; a URL without it speaks for the origin as a whole.
func (p Source) paths(s *Site) []Path {
	if !strings.Contains(p.URL, "{origin}") {
		return []Path{p.path(s, p.URL, netip.Addr{})}
	}
	paths := make([]Path, 0, len(s.Origin.Addresses))
	for _, addr := range s.Origin.Addresses {
		paths = append(paths, p.path(s, strings.ReplaceAll(p.URL, "{origin}", bracketed(addr)), addr))
	}
	return paths
}

func (p Source) path(s *Site, text string, addr netip.Addr) Path {
	return Path{
		Target: Target{
			Kind: p.Kind, URL: canonicalURL(text), Host: s.Hosts[0],
			Timeout: p.Timeout, Ask: unique.Make(p.Ask),
		},
		Address: addr,
		Every:   p.Every,
	}
}

// canonicalURL writes a URL in the one form that equal probes share (RFC 3986,
// section 6.2): scheme and host in lower case, the port written out, "/" for
// an empty path.
func canonicalURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text // Validate refuses it
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	u.Host = net.JoinHostPort(strings.ToLower(u.Hostname()), port)
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}

// bracketed writes an address as a URL wants it (RFC 3986, section 3.2.2).
func bracketed(addr netip.Addr) string {
	if addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return addr.String()
}

// checkURL accepts absolute http and https URLs whose host is a name, an
// address or {origin}. An address of IPv6 in its place finds where {origin} is
// only a part of the host.
func checkURL(raw string) error {
	u, err := url.Parse(strings.ReplaceAll(raw, "{origin}", "[2001:db8::1]"))
	var bad *url.Error
	if errors.As(err, &bad) {
		return fmt.Errorf("'%s' is not a URL: %w", raw, bad.Err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return fmt.Errorf("'%s' is not an http:// or https:// URL", raw)
	}
	if u.User != nil || u.Fragment != "" {
		return fmt.Errorf("'%s': a probe's URL has no user and no fragment", raw)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("'%s' has no valid port", raw)
		}
	}
	return nil
}

// StatusSet is a set of HTTP status codes, 100 to 599. It is comparable, and
// small: there may be very many of the same.
type StatusSet struct{ codes unique.Handle[statusCodes] }

type statusCodes [8]uint64

const firstStatus, lastStatus = 100, 599

// DefaultStatus is 200-399: redirects are not followed, and one is a sign of life.
func DefaultStatus() StatusSet {
	var codes statusCodes
	codes.add(200, 399)
	return StatusSet{unique.Make(codes)}
}

// ParseStatus reads codes and ranges of codes, such as "200-299,304".
func ParseStatus(text string) (StatusSet, error) {
	var codes statusCodes
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < firstStatus || to > lastStatus || from > to {
			return StatusSet{}, fmt.Errorf("'%s' is not a list of status codes such as 200-299,304", text)
		}
		codes.add(from, to)
	}
	return StatusSet{unique.Make(codes)}, nil
}

func (c *statusCodes) add(from, to int) {
	for code := from; code <= to; code++ {
		c[(code-firstStatus)/64] |= 1 << ((code - firstStatus) % 64)
	}
}

// Has reports whether code is in the set.
func (s StatusSet) Has(code int) bool {
	if code < firstStatus || code > lastStatus || s == (StatusSet{}) {
		return false
	}
	codes := s.codes.Value()
	return codes[(code-firstStatus)/64]&(1<<((code-firstStatus)%64)) != 0
}
