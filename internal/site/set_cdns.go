package site

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/miekg/dns"
)

// AddCDN takes a watched CDN in, unless it clashes with what is there.
func (set *Set) AddCDN(c *WatchedCDN) *Clash {
	if clash := cmp.Or(set.checkNest(c), set.checkNames(c), set.checkAsks(c)); clash != nil {
		return clash
	}
	set.cdns[c.Name] = c
	if c.Zone != "" {
		set.zones[c.Zone] = c
	}
	for host := range c.asks() {
		set.asked[host] = append(set.asked[host], c)
	}
	return nil
}

// RemoveCDN gives back what a CDN has of the set.
func (set *Set) RemoveCDN(c *WatchedCDN) {
	if set.cdns[c.Name] != c {
		return
	}
	delete(set.cdns, c.Name)
	if c.Zone != "" {
		delete(set.zones, c.Zone)
	}
	for host := range c.asks() {
		set.asked[host] = slices.DeleteFunc(set.asked[host], func(other *WatchedCDN) bool { return other == c })
		if len(set.asked[host]) == 0 {
			delete(set.asked, host)
		}
	}
}

// checkNest keeps the dns zones of CDNs apart.
func (set *Set) checkNest(c *WatchedCDN) *Clash {
	if c.Zone == "" {
		return nil
	}
	for _, zone := range slices.Sorted(maps.Keys(set.zones)) {
		other := set.zones[zone]
		err := c.holds(other)
		if err == nil && other.holds(c) != nil {
			err = &PlaceError{c.Place, other.holds(c).Err} // the one that is there stays
		}
		if err != nil {
			return &Clash{Place: err.Place, Err: err.Err, CDNs: []*WatchedCDN{c, other}}
		}
	}
	return nil
}

// checkNames keeps the names of sites out of the dns zone of a CDN.
func (set *Set) checkNames(c *WatchedCDN) *Clash {
	if c.Zone == "" {
		return nil
	}
	var first *Site // by name, so that the error does not depend on luck
	for _, names := range []map[string]*Site{set.names.exact, set.aliases} {
		for name, s := range names {
			if dns.IsSubDomain(c.Zone, name) && (first == nil || s.Name() < first.Name()) {
				first = s
			}
		}
	}
	if first == nil {
		return nil
	}
	err := fmt.Errorf("%w, and the site is at %s", c.holdsName(first).Err, first.Place)
	return &Clash{Place: c.Place, Err: err, Sites: []*Site{first}, CDNs: []*WatchedCDN{c}}
}

// checkAsks has a CDN be asked at names that do not depend on decisions.
func (set *Set) checkAsks(c *WatchedCDN) *Clash {
	hosts := c.asks()
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		if s := set.names.of(host); s != nil {
			return &Clash{Place: c.Place, Err: c.asksSite(hosts[host], s).Err, Sites: []*Site{s}, CDNs: []*WatchedCDN{c}}
		}
	}
	return nil
}

// checkZones keeps the names of a site out of the dns zones of CDNs.
func (set *Set) checkZones(s *Site) *Clash {
	if len(set.zones) == 0 {
		return nil
	}
	for _, name := range s.zoneNames() {
		for i, end := 0, false; !end; i, end = dns.NextLabel(name, i) {
			if c := set.zones[name[i:]]; c != nil {
				return &Clash{Place: s.Place, Err: c.holdsName(s).Err, Sites: []*Site{s}, CDNs: []*WatchedCDN{c}}
			}
		}
	}
	return nil
}

// checkAsked has the names of a site be none that a CDN is asked at.
func (set *Set) checkAsked(s *Site) *Clash {
	for _, name := range s.Names {
		c, host := set.askedAt(name)
		if c != nil {
			return &Clash{Place: s.Place, Err: c.asksSite(c.asks()[host], s).Err, Sites: []*Site{s}, CDNs: []*WatchedCDN{c}}
		}
	}
	return nil
}

// askedAt returns a CDN that is asked at a name, or below it where it is a wildcard.
func (set *Set) askedAt(name string) (*WatchedCDN, string) {
	if cdns := set.asked[name]; cdns != nil {
		return cdns[0], name
	}
	if len(name) < 2 || name[:2] != "*." {
		return nil, ""
	}
	for _, host := range slices.Sorted(maps.Keys(set.asked)) {
		if host != name[2:] && dns.IsSubDomain(name[2:], host) {
			return set.asked[host][0], host
		}
	}
	return nil, ""
}

// zoneNames are the names of a site that are answered, that of its origin among
// them.
func (s *Site) zoneNames() []string {
	if alias := s.Alias(); alias != "" {
		return append([]string{alias}, s.Names...)
	}
	return s.Names
}

// asks returns the hosts that a CDN is asked at, as canonical names, each with the
// first source that asks it.
func (c *WatchedCDN) asks() map[string]Source {
	hosts := make(map[string]Source)
	for _, src := range slices.Concat(c.Watch.Probes, c.Watch.Feeds) {
		u, err := url.Parse(src.URL)
		if err != nil {
			continue // Validate has refused it
		}
		name, err := CanonicalName(u.Hostname())
		if _, known := hosts[name]; err == nil && !known {
			hosts[name] = src
		}
	}
	return hosts
}
