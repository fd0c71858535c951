package corefile

import (
	"net/netip"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// pool has sites share what their class says alike: there may be very many of
// them.
type pool struct {
	hosts      map[string][]string
	origins    map[originKey][]site.Origin
	sources    map[site.Source][]site.Source
	thresholds map[site.Threshold][]site.Threshold
	cdns       map[site.CDN][]site.CDN
	policies   map[site.Policy]*site.Policy
}

// originKey tells the only origins of sites apart, where that is simple.
type originKey struct {
	name             string
	address          netip.Addr
	next             bool
	priority, weight int
}

func newPool() *pool {
	return &pool{
		hosts:      make(map[string][]string),
		origins:    make(map[originKey][]site.Origin),
		sources:    make(map[site.Source][]site.Source),
		cdns:       make(map[site.CDN][]site.CDN),
		policies:   make(map[site.Policy]*site.Policy),
		thresholds: make(map[site.Threshold][]site.Threshold),
	}
}

// share replaces lists of s by equal ones of other sites.
func (p *pool) share(s *site.Site) {
	s.Hosts = shared(p.hosts, s.Hosts)
	s.Origins = p.sharedOrigins(s.Origins)
	s.Probes = shared(p.sources, s.Probes)
	s.Feeds = shared(p.sources, s.Feeds)
	s.Thresholds = shared(p.thresholds, s.Thresholds)
	s.CDNs = shared(p.cdns, s.CDNs)
	if known := p.policies[*s.Policy]; known != nil {
		s.Policy = known
	}
	p.policies[*s.Policy] = s.Policy
}

func (p *pool) sharedOrigins(origins []site.Origin) []site.Origin {
	if len(origins) != 1 || origins[0].Name == "" && len(origins[0].Addresses) != 1 {
		return origins
	}
	o := origins[0]
	key := originKey{name: o.Name, next: o.Next, priority: o.Priority, weight: o.Weight}
	if o.Name == "" {
		key.address = o.Addresses[0]
	}
	if known := p.origins[key]; known != nil {
		return known
	}
	p.origins[key] = origins
	return origins
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
