package site

import (
	"net/http"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// checkRedirect checks where visitors are sent: never back.
func (s *Site) checkRedirect() error {
	if s.Redirect == nil {
		return s.checkRedirectorFeed()
	}
	r := s.Redirect
	if r.Status != http.StatusFound && r.Status != http.StatusTemporaryRedirect {
		return wrong("redirect", "status %d is neither 302 nor 307", r.Status)
	}
	if err := s.checkRedirectHost(r.Host); err != nil {
		return err
	}
	for i, h := range r.CDNs {
		same := func(other HostOf) bool { return other.CDN == h.CDN }
		switch {
		case slices.ContainsFunc(r.CDNs[:i], same):
			return wrong("redirect", "cdn '%s' is repeated in 'redirect'", h.CDN)
		case !slices.ContainsFunc(s.CDNs, func(c CDN) bool { return c.Name == h.CDN }):
			return wrong("redirect", "cdn '%s' of 'redirect' is none of the site's", h.CDN)
		}
	}
	for _, c := range s.CDNs {
		host := s.HostAt(c)
		if err := s.checkRedirectHost(host); err != nil {
			return err
		}
		if host == r.Host {
			return wrong("redirect", "'%s' is the host at cdn '%s', too: visitors would go there in either state", host, c.Name)
		}
	}
	return s.checkOwn()
}

// checkRedirectorFeed refuses to count requests that nobody answers.
func (s *Site) checkRedirectorFeed() error {
	for _, f := range s.Feeds {
		if f.Kind == "redirector" {
			return wrong(f.Key(), "the redirector counts no requests for site '%s', which has no 'redirect'", s.Name())
		}
	}
	return nil
}

// checkRedirectHost accepts a name that a web server can have and that the
// redirector does not answer for.
func (s *Site) checkRedirectHost(host string) error {
	canonical, err := CanonicalHost(host)
	switch {
	case err != nil || canonical != host || isAddress(host):
		return wrong("redirect", "'%s' is not a host that visitors can be sent to", host)
	case s.Serves(dns.Fqdn(host)) || slices.Contains(s.Hosts, host):
		return wrong("redirect", "'%s' is a name of the site itself: visitors would be sent back", host)
	}
	return nil
}

// checkOwn checks the redirector's own addresses, and that the site has nothing
// to say of answers that are never given.
func (s *Site) checkOwn() error {
	own := s.Redirect.Own
	if len(own) == 0 {
		return nil
	}
	if i := slices.IndexFunc(own, func(a netip.Addr) bool { return !Reachable(a) }); i >= 0 {
		return wrong("redirect", "'%s' is not an address that visitors can reach", own[i])
	}
	const noMeaning = "%s has no meaning with 'redirect ... dns own': the site's name always has the redirector's addresses"
	switch {
	case s.Answer.Form != FormSwitch:
		return wrong("answer", noMeaning, "answer")
	case s.HTTPS != nil:
		return wrong("https", noMeaning, "https")
	case len(s.Hides) > 0:
		return wrong("hides", noMeaning, "hides")
	}
	return nil
}
