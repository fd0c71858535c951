package site

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Set is sites, and watched CDNs, that hold together: no name is two things, and
// nobody is sent round. It grows and shrinks by one site at a time, at a cost that
// does not depend on how many there are.
type Set struct {
	names   holders
	aliases map[string]*Site // by the name of the origin, of those with 'answer cname'
	hosts   holders          // of those with 'redirect', by the hosts that are redirected

	served  func(name string) bool // nil: nobody asks who leads where
	targets senders                // where CNAMEs lead, as far as it is served
	sent    senders                // where redirects lead

	cdns  map[string]*WatchedCDN
	zones map[string]*WatchedCDN   // by dns zone
	asked map[string][]*WatchedCDN // by the hosts that their probes and feeds ask
}

// NewSet returns an empty set. A name can be a site's only where it is served.
func NewSet(served func(name string) bool) *Set {
	return &Set{
		names: newHolders(), hosts: newHolders(), aliases: make(map[string]*Site), served: served, targets: make(senders), sent: make(senders),
		cdns: make(map[string]*WatchedCDN), zones: make(map[string]*WatchedCDN), asked: make(map[string][]*WatchedCDN),
	}
}

// Clash is why something cannot be in a set: what it does not go with.
type Clash struct {
	Place   string // of what is wrong
	Err     error
	Sites   []*Site       // that take part
	CDNs    []*WatchedCDN // that take part
	Targets []string      // names over which sites lead to each other
}

func clash(s *Site, with []*Site, format string, args ...any) *Clash {
	return &Clash{Place: s.Place, Err: fmt.Errorf(format, args...), Sites: append(with, s)}
}

// placed is the clash as an error; nil: there is none.
func (c *Clash) placed() error {
	if c == nil {
		return nil
	}
	return &PlaceError{c.Place, c.Err}
}

// Add takes a site in, unless it clashes with what is there.
func (set *Set) Add(s *Site) *Clash {
	for _, claim := range []func(*Site) *Clash{set.claimNames, set.claimAlias, set.claimHosts, set.checkRedirect, set.checkRedirected, set.checkZones, set.checkAsked} {
		if c := claim(s); c != nil {
			set.Remove(s)
			return c
		}
	}
	if set.served == nil {
		return nil
	}
	for _, l := range s.links() {
		if set.served(l.target) {
			set.targets.add(l.target, s)
		}
	}
	for _, host := range s.sends() {
		set.sent.add(host, s)
	}
	return nil
}

// Has reports whether a site is in the set.
func (set *Set) Has(s *Site) bool { return set.names.exact[s.Name()] == s }

// Remove gives back what a site has of the set.
func (set *Set) Remove(s *Site) {
	for _, name := range s.Names {
		set.names.remove(name, s)
		set.hosts.remove(name, s)
	}
	if alias := s.Alias(); set.aliases[alias] == s {
		delete(set.aliases, alias)
	}
	for _, host := range s.Redirected() {
		set.hosts.remove(dns.Fqdn(host), s)
	}
	for _, l := range s.links() {
		set.targets.remove(l.target, s)
	}
	for _, host := range s.sends() {
		set.sent.remove(host, s)
	}
}

// claimNames has every name be one site's.
func (set *Set) claimNames(s *Site) *Clash {
	for _, name := range s.Names {
		if other := set.names.exact[name]; other != nil {
			return clash(s, []*Site{other}, "site name '%s' is already defined at %s", name, other.Place)
		}
		if other := set.aliases[name]; other != nil {
			return clash(s, []*Site{other}, "site name '%s' is already that of 'answer cname' of the site '%s' at %s", name, other.Name(), other.Place)
		}
		set.names.add(name, s)
	}
	return nil
}

// claimAlias has every name of an origin stand for one site's addresses.
func (set *Set) claimAlias(s *Site) *Clash {
	alias := s.Alias()
	if alias == "" {
		return nil
	}
	other := set.names.exact[alias]
	if other == nil {
		other = set.aliases[alias]
	}
	if other != nil {
		return clash(s, []*Site{other}, "'%s' of 'answer cname' is already taken by the site '%s' at %s", alias, other.Name(), other.Place)
	}
	set.aliases[alias] = s
	return nil
}

// claimHosts has the redirector know each host for one site.
func (set *Set) claimHosts(s *Site) *Clash {
	for _, host := range s.Redirected() {
		if other := set.hosts.exact[dns.Fqdn(host)]; other != nil && other != s {
			return clash(s, []*Site{other}, "host '%s' is redirected for the site '%s' at %s already", host, other.Name(), other.Place)
		}
		set.hosts.add(dns.Fqdn(host), s)
	}
	for _, name := range s.Names {
		if s.Redirect != nil {
			set.hosts.add(name, s)
		}
	}
	return nil
}

// checkRedirect refuses to send visitors from redirect to redirect.
func (set *Set) checkRedirect(s *Site) *Clash {
	for _, name := range s.sends() {
		if other := set.hosts.of(name); other != nil {
			return clash(s, []*Site{other}, "'%s' of 'redirect' is a host of the site '%s' at %s, which is redirected, too: visitors would go round", strings.TrimSuffix(name, "."), other.Name(), other.Place)
		}
	}
	return nil
}

// checkRedirected is checkRedirect from the other end: a site that comes to be
// redirected must not be where others send their visitors.
func (set *Set) checkRedirected(s *Site) *Clash {
	if s.Redirect == nil {
		return nil
	}
	hosts := slices.Clone(s.Names)
	for _, host := range s.Redirected() {
		hosts = append(hosts, dns.Fqdn(host))
	}
	for _, other := range set.sent.to(hosts) {
		return clash(s, []*Site{other}, "the site is redirected, and 'redirect' of the site '%s' at %s leads to it: visitors would go round", other.Name(), other.Place)
	}
	return nil
}

// sends returns where the redirector sends the site's visitors, as absolute names.
func (s *Site) sends() []string {
	if s.Redirect == nil {
		return nil
	}
	names := []string{dns.Fqdn(s.Redirect.Host)}
	for _, c := range s.CDNs {
		names = append(names, dns.Fqdn(s.HostAt(c)))
	}
	return names
}

// holders are sites by the names that they have, of which some are wildcards.
type holders struct{ exact, wild map[string]*Site }

func newHolders() holders { return holders{make(map[string]*Site), make(map[string]*Site)} }

func (h holders) add(name string, s *Site) {
	h.exact[name] = s
	if above, wild := strings.CutPrefix(name, "*."); wild {
		h.wild[above] = s
	}
}

// remove takes a name from a site, if it has it.
func (h holders) remove(name string, s *Site) {
	if h.exact[name] != s {
		return
	}
	delete(h.exact, name)
	if above, wild := strings.CutPrefix(name, "*."); wild {
		delete(h.wild, above)
	}
}

// of returns the site that answers for a name, or nil: the one that has it, or
// that of the wildcard nearest above.
func (h holders) of(name string) *Site {
	if s := h.exact[name]; s != nil || len(h.wild) == 0 {
		return s
	}
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		if s := h.wild[name[i:]]; s != nil {
			return s
		}
	}
	return nil
}

// senders are sites by the names that they send their visitors to.
type senders map[string][]*Site

// add adds a site; those of one site are added one after the other.
func (m senders) add(name string, s *Site) {
	if list := m[name]; len(list) == 0 || list[len(list)-1] != s {
		m[name] = append(list, s)
	}
}

func (m senders) remove(name string, s *Site) {
	list := m[name]
	i, last := slices.Index(list, s), len(list)-1
	switch {
	case i < 0:
	case last == 0:
		delete(m, name)
	default:
		list[i], list[last] = list[last], nil
		m[name] = list[:last]
	}
}

// to returns the sites that send their visitors to one of the names, or to one
// below those that are wildcards.
func (m senders) to(names []string) []*Site {
	var all []*Site
	for _, name := range names {
		all = append(all, m[name]...)
		if above, wild := strings.CutPrefix(name, "*."); wild {
			all = append(all, m.below(above)...)
		}
	}
	return all
}

func (m senders) below(above string) []*Site {
	var all []*Site
	for name, sites := range m {
		if strings.HasSuffix(name, "."+above) && dns.IsSubDomain(above, name) {
			all = append(all, sites...)
		}
	}
	return all
}
