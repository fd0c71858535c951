package corefile

import (
	"net/netip"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// pool has sites share what their class says alike: there may be very many of
// them.
type pool struct {
	hosts      map[string][]string
	addresses  map[netip.Addr][]netip.Addr
	probes     map[site.Source][]site.Source
	thresholds map[site.Threshold][]site.Threshold
}

func newPool() *pool {
	return &pool{
		hosts:      make(map[string][]string),
		addresses:  make(map[netip.Addr][]netip.Addr),
		probes:     make(map[site.Source][]site.Source),
		thresholds: make(map[site.Threshold][]site.Threshold),
	}
}

// share replaces lists of s by equal ones of other sites.
func (p *pool) share(s *site.Site) {
	s.Hosts = shared(p.hosts, s.Hosts)
	s.Origin.Addresses = shared(p.addresses, s.Origin.Addresses)
	s.Probes = shared(p.probes, s.Probes)
	s.Thresholds = shared(p.thresholds, s.Thresholds)
}

// shared returns the first list that was equal to this one. Most have one item.
func shared[T comparable](first map[T][]T, list []T) []T {
	if len(list) != 1 {
		return list
	}
	if known := first[list[0]]; known != nil {
		return known
	}
	first[list[0]] = list
	return list
}
