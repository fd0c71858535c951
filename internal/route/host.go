package route

import (
	"net/netip"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Host returns the entry of the site that is redirected for a host, which is in
// lower case and has neither a port nor a final dot; nil: there is none.
func (t *Table) Host(host string) *Entry {
	s := t.set.Load()
	if e := s.hosts.get(host); e != nil || s.wildcards.count == 0 {
		return e
	}
	return s.wildcardHost(host)
}

// wildcardHost returns the entry of a wildcard that is redirected.
func (s *set) wildcardHost(host string) *Entry {
	name, err := site.CanonicalName(host)
	if err != nil || s.entries.get(name) != nil {
		return nil
	}
	if e := s.wildcard(name); e != nil && e.site.Redirect != nil {
		return e
	}
	return nil
}

// Named reports whether a host is written in the Corefile, and not just below a
// wildcard.
func (t *Table) Named(host string) bool { return t.set.Load().hosts.get(host) != nil }

// Requested counts a request.
func (e *Entry) Requested() { e.requests.Add(1) }

// Requests returns how many requests have come; false: the redirector does not
// know the site.
func (e *Entry) Requests() (uint64, bool) {
	if e.requests == nil {
		return 0, false
	}
	return e.requests.Load(), true
}

// Succeed has the entry go on counting where the one before it was.
func (e *Entry) Succeed(before *Entry) {
	if e.requests != nil && before.requests != nil {
		e.requests = before.requests
	}
}

// Redirect returns what the site says of the redirector, or nil.
func (e *Entry) Redirect() *site.Redirect { return e.site.Redirect }

// Of returns the records of the client with an address.
func (a *Answers) Of(addr netip.Addr) *Records {
	if !a.ClientsDiffer() {
		return &a.Records
	}
	return a.For(ClientOf(addr, addr.BitLen()))
}

// Decides returns the answers by which clients are divided, whatever DNS says.
func (a *Answers) Decides() *Answers {
	if a.Redirect != nil {
		return a.Redirect
	}
	return a
}
