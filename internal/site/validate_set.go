package site

import "fmt"

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
	set := NewSet(nil)
	for _, step := range []func(*Site) *Clash{set.claimNames, set.CheckPath, set.claimAlias, set.claimHosts, set.checkRedirect} {
		for _, s := range sites {
			if c := step(s); c != nil {
				return c.placed()
			}
		}
	}
	return nil
}

// Server is the name of a name server, and where it was given.
type Server struct{ Name, Place string }

// ValidateServers refuses name servers that are steered: the name of one must
// never be a CNAME (RFC 2181, section 10.3), and nobody finds a zone whose
// servers' addresses lie with a CDN. Every error is a *PlaceError.
func ValidateServers(servers []Server, sites []*Site) error {
	owner := owners(sites)
	for _, server := range servers {
		if s := owner.of(server.Name); s != nil {
			return &PlaceError{server.Place, fmt.Errorf("name server '%s' is a name of the site '%s' at %s: it needs one that is not steered (RFC 2181, section 10.3)", server.Name, s.Name(), s.Place)}
		}
	}
	return nil
}

// owners returns the sites by their names.
func owners(sites []*Site) holders {
	owner := newHolders()
	for _, s := range sites {
		for _, name := range s.Names {
			owner.add(name, s)
		}
	}
	return owner
}
