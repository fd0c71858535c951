package onboard

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// upstream is where a CDN of our own gets a site's content.
type upstream struct {
	scheme         string // of HTTP
	port           uint16
	anyCertificate bool // that of the origin is not looked at
	thirdParty     bool // the first origin is somebody else's
	servers        []server
}

// server is an address of an origin.
type server struct {
	addr   netip.Addr
	weight int  // at least 1
	backup bool // while no other is there
}

// upstreamOf returns the addresses of a site's origins, with the scheme and the port that
// its first probe over HTTP asks them by: what is probed is what is served.
func upstreamOf(s *site.Site) (upstream, error) {
	u := upstream{scheme: "http", port: 80, thirdParty: s.Origins[0].ThirdParty}
	for _, p := range s.Probes {
		if found, ok := asked(p); ok {
			u.scheme, u.port, u.anyCertificate = found.scheme, found.port, p.Ask.SkipVerify
			break
		}
	}
	first := 0 // of those that come first
	for i, o := range s.Origins {
		if o.Priority < s.Origins[first].Priority {
			first = i
		}
	}
	for i, o := range s.Origins {
		if o.Next {
			return u, errors.New("'origin next' has no addresses of its own: a CDN that is to be set up needs them")
		}
		backup := o.Priority != s.Origins[first].Priority || o.Weight == 0 && i != first
		for _, addr := range o.Addresses {
			u.servers = append(u.servers, server{addr, max(1, o.Weight), backup})
		}
	}
	if len(u.servers) == 0 {
		return u, fmt.Errorf("site '%s' has no origin with an address", strings.TrimSuffix(s.Name(), "."))
	}
	return u, nil
}

// asked is how a probe asks origins; false: not over HTTP.
func asked(p site.Source) (u upstream, ok bool) {
	parsed, err := url.Parse(strings.ReplaceAll(p.URL, "{origin}", "origin"))
	if err != nil || p.Kind != "http" || parsed.Hostname() != "origin" {
		return u, false
	}
	port := cmp.Or(parsed.Port(), map[string]string{"http": "80", "https": "443"}[parsed.Scheme])
	number, err := strconv.ParseUint(port, 10, 16)
	return upstream{scheme: parsed.Scheme, port: uint16(number)}, err == nil
}

// url is where the first of the servers is asked.
func (u upstream) url() string {
	return u.scheme + "://" + net.JoinHostPort(u.servers[0].addr.String(), strconv.Itoa(int(u.port)))
}

// urls are all of them.
func (u upstream) urls() (urls []string) {
	for _, s := range u.servers {
		one := u
		one.servers = []server{s}
		urls = append(urls, one.url())
	}
	return urls
}
