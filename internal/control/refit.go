package control

import (
	"net/netip"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// refit returns a decision of another moment as a site can still answer it: without
// the CDNs, origins and addresses that it no longer has. Where no address is left
// it has those of instead.
func refit(s *site.Site, d site.Decision, instead *site.Decision) site.Decision {
	d.CDNs = present(s, d.CDNs, func(int) bool { return true })
	d.Origins, d.Addresses = stillServed(s, d)
	if len(d.Addresses) == 0 {
		d.Origins, d.Addresses = instead.Origins, instead.Addresses
	}
	return d
}

// present returns those of some CDNs that the site has by name and that are fit, as
// they are now, with the weights that they had.
func present(s *site.Site, cdns []site.CDN, fit func(int) bool) []site.CDN {
	var left []site.CDN
	for _, c := range cdns {
		i := slices.IndexFunc(s.CDNs, func(own site.CDN) bool { return own.Name == c.Name })
		if i < 0 || !fit(i) {
			continue
		}
		own := s.CDNs[i]
		own.Weight = c.Weight
		left = append(left, own)
	}
	return left
}

// stillServed returns what a decision says of origins, as far as the site has them.
func stillServed(s *site.Site, d site.Decision) (origins []site.Served, addresses []netip.Addr) {
	if d.Origins == nil {
		if first := s.Origins[0]; first.Name == "" {
			addresses = both(d.Addresses, first.Addresses)
		}
		return nil, addresses
	}
	for _, o := range d.Origins {
		i := slices.IndexFunc(s.Origins, func(own site.Origin) bool { return own.Name == o.Name })
		if i < 0 {
			continue
		}
		if o.Addresses = both(o.Addresses, s.Origins[i].Addresses); len(o.Addresses) > 0 {
			origins = append(origins, o)
		}
	}
	if len(origins) == 1 {
		origins[0].Weight = 0
	}
	return origins, addressesOf(origins)
}

// both returns the addresses of a that b has as well.
func both(a, b []netip.Addr) []netip.Addr {
	var left []netip.Addr
	for _, addr := range a {
		if slices.Contains(b, addr) {
			left = append(left, addr)
		}
	}
	return left
}
