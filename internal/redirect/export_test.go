package redirect

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/prometheus/client_golang/prometheus"
)

// WatchFiles reads certificates and goes on looking at their files; config
// returns what is spoken now.
func WatchFiles(ctx context.Context, pairs []site.KeyPair, log Logger) (config func() *tls.Config, watch func(), err error) {
	f, err := NewFiles(pairs, log)
	return f.config.Load, func() { f.Watch(ctx) }, err
}

// ServeFast answers what comes over one connection of HTTP/1.
func ServeFast(h *Handler, conn net.Conn, log Logger) {
	s := &Server{handler: h, log: log, complaints: &Complaints{log: log}}
	_ = s.newFast().ServeConn(conn)
}

// Orders returns how certificates are got of an authority for the names that are known.
func Orders(known func(string) bool, get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return (&orders{get: get, known: known, of: make(map[string]*order)}).certificate
}

// Accept accepts one connection through a door over a listener.
func Accept(l net.Listener, said io.Writer) error {
	d := newDoor(l, NewMetrics(prometheus.NewRegistry()).connections, func(c net.Conn) net.Conn { return c }, said)
	d.widen(1)
	_, err := d.Accept()
	return err
}
