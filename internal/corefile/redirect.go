package corefile

import (
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// setRedirect reads: redirect HOST [cdn NAME HOST]... [status 302|307]
// [dns follow|own ADDRESS...]. Hosts may hold placeholders.
func setRedirect(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	if err := refuseOrigin("host", args[0]); err != nil {
		return err
	}
	r := &site.Redirect{Host: args[0], Status: 302}
	s.Redirect = r
	rest, err := takeDNS(n, r, args[1:])
	if err != nil {
		return err
	}
	if rest, err = takeHosts(n, r, rest); err != nil {
		return err
	}
	return readOptions(n, rest, option{"status", into(&r.Status, whole)}, option{word: "cdn"}, option{word: "dns"})
}

// takeDNS takes what DNS says meanwhile off the end of the words.
func takeDNS(n node, r *site.Redirect, words []string) (rest []string, err error) {
	i := slices.Index(words, "dns")
	switch {
	case i < 0:
		return words, nil
	case i+1 == len(words):
		return nil, n.argError()
	}
	rest, how, addrs := words[:i], words[i+1], words[i+2:]
	switch {
	case how == "follow" && len(addrs) == 0:
		return rest, nil
	case how == "follow", how == "own" && len(addrs) == 0:
		return nil, n.argError()
	case how != "own":
		return nil, unknown("answer", how, "follow", "own")
	}
	n.words = append([]string{"dns own"}, addrs...)
	r.Own, err = list(n, site.ParseAddress)
	return rest, err
}

// takeHosts takes all "cdn NAME HOST" off the words.
func takeHosts(n node, r *site.Redirect, words []string) (rest []string, err error) {
	for len(words) > 0 {
		if words[0] != "cdn" {
			rest, words = append(rest, words[0]), words[1:]
			continue
		}
		if len(words) < 3 {
			return nil, n.argError()
		}
		if err := refuseOrigin("host", words[2]); err != nil {
			return nil, err
		}
		r.CDNs, words = append(r.CDNs, site.HostOf{CDN: words[1], Host: words[2]}), words[3:]
	}
	return rest, nil
}

// expandRedirect replaces the placeholders in the hosts.
func expandRedirect(s *site.Site) (err error) {
	if s.Redirect == nil {
		return nil
	}
	if s.Redirect.Host, err = expandHost(s, s.Redirect.Host); err != nil {
		return err
	}
	for i := range s.Redirect.CDNs {
		if s.Redirect.CDNs[i].Host, err = expandHost(s, s.Redirect.CDNs[i].Host); err != nil {
			return err
		}
	}
	return nil
}

func expandHost(s *site.Site, text string) (string, error) {
	host, err := s.Expand(text)
	if err != nil {
		return "", err
	}
	return site.CanonicalHost(host)
}

// fillRedirect gives a class what its sites may add: a redirect that a feed
// needs, and the CDNs that it names.
func fillRedirect(s *site.Site) {
	counts := func(f site.Source) bool { return f.Kind == "redirector" }
	if s.Redirect == nil && slices.ContainsFunc(s.Feeds, counts) {
		s.Redirect = &site.Redirect{Host: "origin.invalid", Status: 302}
	}
	if s.Redirect != nil {
		missing := func(h site.HostOf) bool {
			return !slices.ContainsFunc(s.CDNs, func(c site.CDN) bool { return c.Name == h.CDN })
		}
		s.Redirect.CDNs = slices.DeleteFunc(s.Redirect.CDNs, missing)
	}
}

// setCounted has a feed count what the redirector is asked for the site.
func setCounted(src *site.Source, _ []string) error {
	src.URL = site.CountedURL
	return nil
}
