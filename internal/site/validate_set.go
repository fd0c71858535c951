package site

import (
	"cmp"
	"fmt"

	"github.com/miekg/dns"
)

// PlaceError says which site of a set is wrong.
type PlaceError struct {
	Place string // see Site.Place
	Err   error
}

func (e *PlaceError) Error() string { return e.Place + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *PlaceError) Unwrap() error { return e.Err }

// ValidateSet checks what no site can check by itself: that no name is
// defined twice, and that no chain of targets comes back to where it began.
// Every error is a *PlaceError.
func ValidateSet(sites []*Site) error {
	owner := make(map[string]*Site)
	for _, s := range sites {
		for _, name := range s.Names {
			if other := owner[name]; other != nil {
				return &PlaceError{s.Place, fmt.Errorf("site name '%s' is already defined at %s", name, other.Place)}
			}
			owner[name] = s
		}
	}
	for _, s := range sites {
		if err := checkLoop(s, owner); err != nil {
			return err
		}
	}
	if err := checkAliases(sites, owner); err != nil {
		return err
	}
	return checkRedirects(sites)
}

// Server is the name of a name server, and where it was given.
type Server struct{ Name, Place string }

// ValidateServers refuses name servers that are steered: the name of one must
// never be a CNAME (RFC 2181, section 10.3), and nobody finds a zone whose
// servers' addresses lie with a CDN. Every error is a *PlaceError.
func ValidateServers(servers []Server, sites []*Site) error {
	owner := owners(sites)
	for _, server := range servers {
		if s := ownerOf(server.Name, owner); s != nil {
			return &PlaceError{server.Place, fmt.Errorf("name server '%s' is a name of the site '%s' at %s: it needs one that is not steered (RFC 2181, section 10.3)", server.Name, s.Name(), s.Place)}
		}
	}
	return nil
}

// owners returns the sites by their names.
func owners(sites []*Site) map[string]*Site {
	owner := make(map[string]*Site)
	for _, s := range sites {
		for _, name := range s.Names {
			owner[name] = s
		}
	}
	return owner
}

// checkAliases has every name of an origin stand for one site's addresses.
func checkAliases(sites []*Site, owner map[string]*Site) error {
	first := make(map[string]*Site)
	for _, s := range sites {
		alias := s.Alias()
		if alias == "" {
			continue
		}
		if other := cmp.Or(owner[alias], first[alias]); other != nil {
			return &PlaceError{s.Place, fmt.Errorf("'%s' of 'answer cname' is already taken by the site '%s' at %s", alias, other.Name(), other.Place)}
		}
		first[alias] = s
	}
	return nil
}

// ownerOf returns the site that answers for a name, or nil: the one that has
// it, or that of the wildcard nearest above.
func ownerOf(name string, owner map[string]*Site) *Site {
	if s := owner[name]; s != nil {
		return s
	}
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		if s := owner["*."+name[i:]]; s != nil {
			return s
		}
	}
	return nil
}

// link is where a CNAME of a site may point to.
type link struct{ property, target string }

func (s *Site) links() []link {
	var links []link
	for _, c := range s.CDNs {
		links = append(links, link{"cdn '" + c.Name + "'", c.Target})
	}
	if s.Answer.Form == FormCNAME && s.Alias() == "" {
		links = append(links, link{"'answer cname'", s.Answer.Host})
	}
	return links
}

// MaxChain is how many CNAMEs one answer may hold, and how many may lead to the
// addresses of a name that is looked up.
const MaxChain = 8

// checkLoop walks from site to site over all their targets.
func checkLoop(start *Site, owner map[string]*Site) error {
	seen := map[*Site]bool{}
	depth := map[*Site]int{start: 1} // CNAMEs up to that of the site
	next := []*Site{start}
	for len(next) > 0 {
		s := next[0]
		next = next[1:]
		if depth[s] > MaxChain {
			return &PlaceError{start.Place, fmt.Errorf("the targets of site '%s' lead over more than %d sites, up to '%s'", start.Name(), MaxChain, s.Name())}
		}
		for _, l := range s.links() {
			t := ownerOf(l.target, owner)
			if t == start {
				return &PlaceError{s.Place, fmt.Errorf("target '%s' of %s leads back to the site '%s'", l.target, l.property, start.Name())}
			}
			if t != nil && !seen[t] {
				seen[t], depth[t] = true, depth[s]+1
				next = append(next, t)
			}
		}
	}
	return nil
}
