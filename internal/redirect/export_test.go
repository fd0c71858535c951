package redirect

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// WatchFiles reads certificates and goes on looking at their files; config
// returns what is spoken now.
func WatchFiles(ctx context.Context, pairs []site.KeyPair, log Logger) (config func() *tls.Config, watch func(), err error) {
	f, err := newFiles(pairs, log)
	return f.config.Load, func() { f.watch(ctx) }, err
}

// ServeFast answers what comes over one connection of HTTP/1.
func ServeFast(h *Handler, conn net.Conn, log Logger) {
	s := &Server{handler: h, log: log, complaints: &complaints{log: log}}
	_ = s.newFast().ServeConn(conn)
}
