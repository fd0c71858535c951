package redirect

import (
	"errors"
	"net/netip"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Logger is where redirectors speak to the operator; CoreDNS's plugin logger is one.
type Logger interface {
	Infof(format string, v ...any)
	Warningf(format string, v ...any)
	Errorf(format string, v ...any)
}

// Set is all the redirectors of one Corefile. Its methods are called by one
// goroutine at a time.
type Set struct {
	servers  map[netip.AddrPort]*Server
	settings map[netip.AddrPort]*settings
}

// Open makes the redirectors of a Corefile ready to serve. Sockets that are open
// in the Corefile's predecessor, which may be nil, go on; the others listen from
// now on, and are answered from Serve on.
func Open(redirectors []site.Redirector, before *Set, m *Metrics, log Logger) (*Set, error) {
	s := &Set{servers: make(map[netip.AddrPort]*Server), settings: make(map[netip.AddrPort]*settings)}
	for _, r := range redirectors {
		for _, addr := range r.Addresses {
			if err := s.open(addr, r, before, m, log); err != nil {
				return nil, errors.Join(err, s.Close(before))
			}
		}
	}
	return s, nil
}

func (s *Set) open(addr netip.AddrPort, r site.Redirector, before *Set, m *Metrics, log Logger) (err error) {
	if s.settings[addr], err = newSettings(r, addr, log); err != nil {
		delete(s.settings, addr)
		return err
	}
	if s.servers[addr] = before.server(addr); s.servers[addr] == nil {
		if s.servers[addr], err = listen(addr, m, log); err != nil {
			delete(s.servers, addr)
		}
	}
	return err
}

// server returns the server at an address, or nil; a nil Set has none.
func (s *Set) server(addr netip.AddrPort) *Server {
	if s == nil {
		return nil
	}
	return s.servers[addr]
}

// Serve answers by a table from now on.
func (s *Set) Serve(table *route.Table) {
	for addr, server := range s.servers {
		server.use(s.settings[addr], table)
	}
}

// Close ends the redirectors, but for those that another set has, too: their
// sockets and connections go on.
func (s *Set) Close(stays *Set) error {
	var failed []error
	for addr, server := range s.servers {
		if stays.server(addr) != server {
			failed = append(failed, server.close())
		}
	}
	for _, settings := range s.settings {
		settings.close()
	}
	return errors.Join(failed...)
}
