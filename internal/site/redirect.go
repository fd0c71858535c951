package site

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Redirect says where the redirector sends a site's visitors, and what DNS says
// meanwhile.
type Redirect struct {
	Host   string       // while the origin serves them; as CanonicalHost writes it
	CDNs   []HostOf     // those CDNs where it is not the target
	Status int          // 302 or 307
	Own    []netip.Addr // the redirector's, which DNS answers with on either side; nil: the usual answers
}

// HostOf is the host of one of the site's CDNs.
type HostOf struct{ CDN, Host string }

// Redirector is where HTTP is answered, and how. The addresses of one share
// everything else.
type Redirector struct {
	Addresses    []netip.AddrPort
	Certificates []KeyPair      // TLS is spoken with these
	ACME         ACME           // or with those that it gets
	Trust        []netip.Prefix // proxies whose X-Forwarded-* are believed
	Explain      []netip.Prefix // of operators, who are told why
	Connections  int            // at each address
}

// DefaultConnections is how many connections each address of a redirector holds.
const DefaultConnections = 10000

// Secure reports whether TLS is spoken.
func (r Redirector) Secure() bool { return len(r.Certificates) > 0 || r.ACME.Dir != "" }

// KeyPair names the files of a certificate and of its key.
type KeyPair struct{ Cert, Key string }

// ACME says how certificates are got (RFC 8555).
type ACME struct {
	Dir   string // where they are kept; empty: none are got
	Email string
	CA    string // URL of its directory; empty: Let's Encrypt
	Root  string // file of the certificates that the CA is known by; empty: the system's
}

// Own returns the addresses that DNS always answers with; nil: the usual answers.
func (s *Site) Own() []netip.Addr {
	if s.Redirect == nil {
		return nil
	}
	return s.Redirect.Own
}

// HostAt returns the host that visitors are sent to while a CDN serves them.
func (s *Site) HostAt(c CDN) string {
	if i := slices.IndexFunc(s.Redirect.CDNs, func(h HostOf) bool { return h.CDN == c.Name }); i >= 0 {
		return s.Redirect.CDNs[i].Host
	}
	return strings.TrimSuffix(c.Target, ".")
}

// Redirected returns the hosts that the redirector answers for, without the
// wildcards; none, if the site is not redirected.
func (s *Site) Redirected() []string {
	if s.Redirect == nil {
		return nil
	}
	hosts := slices.Clone(s.Hosts)
	for _, name := range s.Names {
		host, err := CanonicalHost(name)
		if err == nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// counted is where the feed of the redirector reads: the site's name behind it.
const counted = "redirector:///"

// CountedURL is the URL of the feed of the redirector.
const CountedURL = counted + "{name}"

// Counted returns the name of the site whose requests a target counts.
func (t Target) Counted() string { return dns.Fqdn(strings.TrimPrefix(t.URL, counted)) }
