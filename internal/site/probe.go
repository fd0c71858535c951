package site

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
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
	Kind    string // such as "http"; see ProbeKinds and FeedKinds
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
	Host    string // Host header and server name in TLS; empty: the URL's
	Timeout time.Duration
	Ask     Asking
	Public  bool // only addresses of the public Internet may be connected to
}

// Fingerprint tells targets apart in every process alike: two that ask the same have
// the same one, whichever server they are of.
func (t Target) Fingerprint() uint64 {
	ask := t.Ask.Value()
	var codes statusCodes
	if ask.Status != (StatusSet{}) {
		codes, ask.Status = ask.Status.codes.Value(), StatusSet{} // which would be a place in memory
	}
	text := fmt.Sprintf("%q %q %q %d %t %x %+v", t.Kind, t.URL, t.Host, t.Timeout, t.Public, codes, ask)
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(sum[:8])
}

// perAddress reports whether each address of an origin is asked by itself.
func (s Source) perAddress() bool { return strings.Contains(s.URL, "{origin}") }

// target returns what is asked: an address in place of {origin}.
func (s Source) target(addr netip.Addr, host string, public bool) Target {
	text := s.URL
	if addr.IsValid() {
		text = strings.ReplaceAll(text, "{origin}", bracketed(addr))
	}
	k := kinds[s.Kind]
	if !k.named {
		host = ""
	}
	return Target{Kind: s.Kind, URL: canonicalURL(text, k.port), Host: host, Timeout: s.Timeout, Ask: unique.Make(s.Ask), Public: public}
}

// canonicalURL writes a URL in the one form that equal probes share (RFC 3986,
// section 6.2): scheme and host in lower case, the port written out, "/" for
// an empty path of HTTP.
func canonicalURL(text, defaultPort string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme == "push" {
		return text // Validate refuses it, or it is a file's, or what a host calls itself
	}
	port := u.Port()
	if port == "" {
		port = cmp.Or(map[string]string{"http": "80", "https": "443"}[u.Scheme], defaultPort)
	}
	u.Host = strings.ToLower(u.Host)
	if port != "" {
		u.Host = net.JoinHostPort(strings.ToLower(u.Hostname()), port)
	}
	if u.Path == "" && strings.HasPrefix(u.Scheme, "http") {
		u.Path = "/"
	}
	return WriteURL(u)
}

// bracketed writes an address as a URL wants it (RFC 3986, section 3.2.2).
func bracketed(addr netip.Addr) string {
	if addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return addr.String()
}

// checkURL accepts absolute URLs of a kind's schemes, whose host is a name, an
// address, {origin} or {target}.
func (k kind) checkURL(raw string) error {
	u, err := url.Parse(withAddress(raw))
	text, form := k.written(raw), k.form()
	var bad *url.Error
	switch {
	case errors.As(err, &bad):
		return fmt.Errorf("'%s' is not %s: %w", text, form, bad.Err)
	case !slices.Contains(k.schemes, u.Scheme):
		return fmt.Errorf("'%s' is not %s", text, form)
	case u.Scheme == "file":
		return checkFile(text, u)
	case u.Scheme == "redirector":
		return nil // it names the site, see Counted
	case u.Scheme == "push":
		return CheckPusher(k.written(raw))
	case u.Hostname() == "":
		return fmt.Errorf("'%s' is not %s: it has no host", text, form)
	case u.User != nil || u.Fragment != "":
		return fmt.Errorf("'%s' is not %s without user and fragment", text, form)
	}
	return k.checkPort(text, u)
}

// overHTTP reports whether the kind is asked over HTTP.
func (k kind) overHTTP() bool { return slices.Contains(k.schemes, "http") }

// written is a URL as people wrote it: most kinds have a scheme of their own.
func (k kind) written(raw string) string {
	if k.overHTTP() {
		return raw
	}
	return strings.TrimPrefix(raw, k.schemes[0]+"://")
}

// form is what people should have written.
func (k kind) form() string {
	switch k.schemes[0] {
	case "http":
		return "an http:// or https:// URL"
	case "file":
		return "the absolute path of a file"
	case "icmp":
		return "a host"
	case "push":
		return "the name of a host that pushes"
	}
	return "a host and port"
}

// checkFile accepts the absolute path of a file on this machine; what a
// placeholder brought in does not lead out of the folder.
func checkFile(text string, u *url.URL) error {
	if u.Host != "" || !path.IsAbs(u.Path) || path.Clean(u.Path) != u.Path || strings.Contains(text, "{origin}") {
		return fmt.Errorf("'%s' is not the absolute path of a file", text)
	}
	return nil
}

// checkPort accepts a port where there is one, and none where it has a default.
func (k kind) checkPort(text string, u *url.URL) error {
	switch port := u.Port(); {
	case u.Scheme == "icmp" && (port != "" || u.Path != ""):
		return fmt.Errorf("'%s' is not a host: ICMP has no ports", text)
	case !k.overHTTP() && (u.Path != "" || u.RawQuery != ""):
		return fmt.Errorf("'%s' is not %s", text, k.form())
	case port == "":
		if k.overHTTP() || k.port != "" || u.Scheme == "icmp" {
			return nil
		}
		return fmt.Errorf("'%s' has no port: write HOST:PORT", text)
	default:
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("port '%s' in '%s' is not from 1 to 65535", port, text)
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

// Shown is the target's URL as people may see it: its query may hold a secret,
// and stays out.
func (t Target) Shown() string {
	u, err := url.Parse(t.URL)
	if err != nil {
		return t.Kind
	}
	return WriteURL(&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath})
}
