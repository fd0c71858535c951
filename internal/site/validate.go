package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// PropertyError says which property of a site is wrong.
type PropertyError struct {
	Property string // as the Corefile calls it; empty: the site as a whole
	Err      error
}

func (e *PropertyError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *PropertyError) Unwrap() error { return e.Err }

func wrong(property, format string, args ...any) error {
	return &PropertyError{property, fmt.Errorf(format, args...)}
}

// Validate checks one site by itself; every error is a *PropertyError.
func (s *Site) Validate() error {
	checks := []func() error{
		s.checkNames, s.checkHosts, s.checkOrigins, s.checkCDNs, s.checkServices, s.checkSources, s.checkThresholds, s.checkTTL, s.checkTimes,
		s.checkDivert, s.checkAnswer, s.checkReady, s.checkRedirect,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) checkNames() error {
	if len(s.Names) == 0 {
		return wrong("", "a site has no name")
	}
	for i, name := range s.Names {
		switch {
		case !isName(name):
			return wrong("", "site name '%s' is not a name in canonical form", name)
		case name == s.Zone && s.Answer.Form != FormAddress && s.Own() == nil:
			return wrong("", "site name '%s' is the apex of its zone, where a CNAME cannot stand (RFC 1034, section 3.6.2): write 'answer address'", name)
		case !dns.IsSubDomain(s.Zone, name):
			return wrong("", "site name '%s' is outside the zone '%s'", name, s.Zone)
		case slices.Contains(s.Names[:i], name):
			return wrong("", "site name '%s' is repeated", name)
		}
	}
	return nil
}

// isName reports whether name is canonical and below the root.
func isName(name string) bool {
	canonical, err := CanonicalName(name)
	return err == nil && canonical == name && name != "."
}

// isAddress reports whether a name is an IPv4 address that was written for one.
func isAddress(name string) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(name, "."))
	return err == nil
}

// checkHosts refuses names that no web server can know, which a DNS name may
// well be.
func (s *Site) checkHosts() error {
	if len(s.Hosts) == 0 {
		return wrong("host", "site '%s' has no host", s.Name())
	}
	for _, host := range s.Hosts {
		if canonical, err := CanonicalHost(host); err != nil || canonical != host {
			return wrong("host", "'%s' is not a host name: name the web server's own with 'host NAME'", host)
		}
	}
	return nil
}

func (s *Site) checkTTL() error {
	for _, ttl := range []time.Duration{s.TTL.Full, s.TTL.Diverted, s.TTL.Min} {
		if ttl < 0 || ttl > MaxTTL || ttl%time.Second != 0 {
			return wrong("ttl", "ttl %s is not a number of whole seconds from 0s to %s", ttl, MaxTTL)
		}
	}
	if s.TTL.Min > s.TTL.Full || s.TTL.Min > s.TTL.Diverted {
		return wrong("ttl", "min %s is above the ttl it stands in for", s.TTL.Min)
	}
	return nil
}

// maxFailbackDelay is a year: damping multiplies it, and must not overflow.
const maxFailbackDelay = 365 * 24 * time.Hour

func (s *Site) checkTimes() error {
	d := s.Damping
	switch {
	case s.Enter < 1:
		return wrong("enter", "enter %d is not at least 1", s.Enter)
	case s.FailbackDelay < 0 || s.FailbackDelay > maxFailbackDelay:
		return wrong("failback_delay", "failback_delay %s is not from 0s to %s", s.FailbackDelay, maxFailbackDelay)
	case d.HalfLife < 0 || d.Max < 0:
		return wrong("damping", "half_life %s or max %s is negative", d.HalfLife, d.Max)
	case !d.Off && !(d.Reuse > 0 && d.Reuse < d.Suppress):
		return wrong("damping", "reuse %g is not above zero and below suppress %g", d.Reuse, d.Suppress)
	}
	if err := s.NoData.check(false); err != nil {
		return &PropertyError{"no_data", err}
	}
	return nil
}

// checkDivert refuses a share where resolvers would see addresses and a CNAME
// at one name: one that caches both follows one of them for every type.
func (s *Site) checkDivert() error {
	d := s.Divert
	switch {
	case !slices.Contains([]DivertMode{DivertAll, DivertFixed, DivertNone}, d.Mode):
		return wrong("divert", "divert '%s' is neither all nor fixed nor none", d.Mode)
	case d.Mode == DivertFixed && !(d.Share >= 0 && d.Share <= 1):
		return wrong("divert", "share %s is not from 0%% to 100%%", formatShare(d.Share))
	case d.Partial() && !s.MayShare():
		return wrong("divert", "a share of the clients needs 'answer cname HOST' or 'answer address': resolvers that several clients share would mix addresses and CNAME; 'answer switch keyed' accepts that")
	}
	return nil
}

func (s *Site) checkAnswer() error {
	switch a := s.Answer; {
	case !slices.Contains([]AnswerForm{FormSwitch, FormCNAME, FormAddress}, a.Form):
		return wrong("answer", "answer '%s' is neither switch nor cname nor address", a.Form)
	case a.Form == FormAddress && len(s.Hides) > 0:
		return wrong("hides", "hides has no meaning with 'answer address', which hides nothing")
	case a.Form == FormCNAME:
		return s.checkHost()
	}
	return nil
}

// checkHost checks the name of the origin.
func (s *Site) checkHost() error {
	switch host := s.Answer.Host; {
	case !isName(host) || slices.Contains(dns.SplitDomainName(host), "*") || isAddress(host):
		return wrong("answer", "'%s' is not a name that the origin can have", host)
	case slices.ContainsFunc(s.CDNs, func(c CDN) bool { return c.Target == host }):
		return wrong("answer", "'%s' is the target of a cdn, too: visitors would go there in either state", host)
	case s.Serves(host):
		return wrong("answer", "'%s' is a name of the site itself: the origin needs one of its own", host)
	case host == s.Zone:
		return wrong("answer", "'%s' is the apex of the zone: the origin needs a name below it", host)
	case s.Alias() == "" && s.HTTPS != nil:
		return wrong("https", "'%s' is outside the zone '%s': its HTTPS record is not ours to give", host, s.Zone)
	}
	return nil
}

// ParseAddress reads an address of an origin; it must be written plainly.
func ParseAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("'%s' is not an IPv4 or IPv6 address", text)
	}
	return addr, nil
}
