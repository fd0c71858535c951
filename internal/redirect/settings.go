package redirect

import (
	"context"
	"crypto/tls"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// settings are what one Corefile says of an address, with what that needs.
type settings struct {
	redirector site.Redirector
	table      atomic.Pointer[route.Table] // from Serve on
	tls        func() *tls.Config          // nil: HTTP without
	end        context.CancelFunc
	tasks      sync.WaitGroup
}

func newSettings(r site.Redirector, addr netip.AddrPort, log Logger) (*settings, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &settings{redirector: r, end: cancel}
	s.table.Store(route.NewTable())
	switch {
	case len(r.Certificates) > 0:
		files, err := NewFiles(r.Certificates, log)
		if err != nil {
			cancel()
			return nil, err
		}
		s.tls = files.Config
		s.tasks.Go(func() { files.Watch(ctx) })
	case r.ACME.Dir != "":
		acme, err := newACME(r.ACME, addr, s.named, log)
		if err != nil {
			cancel()
			return nil, err
		}
		s.tls = acme.config
		s.tasks.Go(func() { <-ctx.Done(); acme.close() })
	}
	return s, nil
}

// named reports whether a host may have a certificate.
func (s *settings) named(host string) bool { return s.table.Load().Named(host) }

func (s *settings) close() {
	s.end()
	s.tasks.Wait()
}
