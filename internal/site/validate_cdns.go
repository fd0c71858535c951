package site

import (
	"slices"

	"github.com/miekg/dns"
)

func (s *Site) checkCDNs() error {
	if len(s.CDNs) == 0 {
		return wrong("cdn", "site '%s' has no cdn", s.Name())
	}
	for i, c := range s.CDNs {
		same := func(other CDN) bool { return other.Name == c.Name }
		key := "cdn " + c.Name
		switch {
		case c.Name == "" || slices.ContainsFunc(s.CDNs[:i], same):
			return wrong("cdn", "cdn '%s' has no name of its own", c.Name)
		case !isName(c.Target):
			return wrong(key, "target '%s' of cdn '%s' is not a name in canonical form", c.Target, c.Name)
		case isAddress(c.Target):
			return wrong(key, "target '%s' of cdn '%s' is an address: a CNAME leads to a name", c.Target, c.Name)
		case slices.Contains(dns.SplitDomainName(c.Target), "*"):
			return wrong(key, "target '%s' of cdn '%s' is a wildcard: {name} and {label} of a wildcard site are no names", c.Target, c.Name)
		case s.Serves(c.Target):
			return wrong(key, "target '%s' of cdn '%s' leads back to the site", c.Target, c.Name)
		}
	}
	return checkWeights("cdn", s.CDNs, func(c CDN) (string, int, int) { return c.Name, c.Priority, c.Weight })
}

// checkWeights has all items of one priority carry a weight, or none.
func checkWeights[T any](property string, items []T, of func(T) (name string, priority, weight int)) error {
	for _, item := range items {
		name, priority, weight := of(item)
		if weight < 0 {
			return wrong(property, "weight %d of %s '%s' is negative", weight, property, name)
		}
		for _, other := range items {
			if o, p, w := of(other); p == priority && (w > 0) != (weight > 0) {
				return wrong(property, "%s '%s' and %s '%s' have the same priority: give a weight to both or to neither", property, name, property, o)
			}
		}
	}
	return nil
}
