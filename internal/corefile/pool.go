package corefile

import (
	"net/netip"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// pool has sites share what their class says alike: there may be very many of
// them.
type pool struct {
	hosts      map[string][][]string
	origins    map[originKey][]site.Origin
	sources    map[site.Source][][]site.Source
	thresholds map[site.Threshold][][]site.Threshold
	cdns       map[site.CDN][][]site.CDN
	policies   map[policyKey]*site.Policy
}

// policyKey tells policies apart whose lists are shared already.
type policyKey struct {
	probes, feeds *site.Source
	thresholds    *site.Threshold
	lengths       [3]int
	rules         site.Rules
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
		hosts:      make(map[string][][]string),
		origins:    make(map[originKey][]site.Origin),
		sources:    make(map[site.Source][][]site.Source),
		cdns:       make(map[site.CDN][][]site.CDN),
		policies:   make(map[policyKey]*site.Policy),
		thresholds: make(map[site.Threshold][][]site.Threshold),
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
	p.sharePolicy(s)
}

// sharePolicy replaces the policy of s by an equal one of another site. What
// few sites have is left alone.
func (p *pool) sharePolicy(s *site.Site) {
	if s.HTTPS != nil || s.Hides != nil {
		return
	}
	key := policyKey{
		probes: first(s.Probes), feeds: first(s.Feeds), thresholds: first(s.Thresholds),
		lengths: [3]int{len(s.Probes), len(s.Feeds), len(s.Thresholds)}, rules: s.Rules,
	}
	if known := p.policies[key]; known != nil {
		s.Policy = known
		return
	}
	p.policies[key] = s.Policy
}

// first returns where a list begins; two lists that begin there, and are as
// long, are one.
func first[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
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
	if known := p.origins[key]; known != nil && (o.Name == "" || first(known[0].Addresses) == first(o.Addresses)) {
		return known // of one block: it may have been replaced by another of that name
	}
	p.origins[key] = origins
	return origins
}

// alike is how many lists that begin alike are remembered: enough for those of
// classes, and few to compare with.
const alike = 8

// shared returns the first list that was equal to this one.
func shared[T comparable](seen map[T][][]T, list []T) []T {
	if len(list) == 0 {
		return list
	}
	for _, known := range seen[list[0]] {
		if slices.Equal(known, list) {
			return known
		}
	}
	if known := seen[list[0]]; len(known) < alike {
		seen[list[0]] = append(known, list)
	}
	return list
}
