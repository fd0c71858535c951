package redirect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"

	"github.com/valyala/fasthttp"
)

// Bounds of what a peer may take, for each request; README.md names them.
const (
	maxHeader     = 16 << 10 // octets
	requestLimit  = 10 * time.Second
	responseLimit = 20 * time.Second
	idleLimit     = 30 * time.Second
	maxStreams    = 100
)

// closeLimit is how long close waits for requests that are under way.
const closeLimit = 2 * time.Second

// Server is the redirector at one address. It outlives reloads, and so do its
// connections; what it goes by is replaced under it.
type Server struct {
	addr       netip.AddrPort
	handler    *Handler
	http1      *fasthttp.Server
	http2      *http.Server
	handoff    *handoff // from http1 to http2
	door       *door
	tls        atomic.Pointer[func() *tls.Config] // nil: HTTP without
	begin      sync.Once
	served     sync.WaitGroup
	log        Logger
	complaints *Complaints
}

// listen binds an address; connections wait there until use.
func listen(addr netip.AddrPort, m *Metrics, l Logger) (*Server, error) {
	network := "tcp6"
	if addr.Addr().Is4() {
		network = "tcp4"
	}
	socket, err := net.Listen(network, addr.String())
	if err != nil {
		return nil, fmt.Errorf("opening redirector '%s': %w", addr, err)
	}
	s := &Server{addr: addr, handler: NewHandler(m), log: l, complaints: NewComplaints(fmt.Sprintf("redirector '%s'", addr), l)}
	s.door = newDoor(socket, m.connections, s.secured, s.complaints)
	s.handoff = newHandoff(socket.Addr())
	s.http1 = s.newFast()
	s.http1.NextProto("h2", s.handoff.give)
	s.http2 = &http.Server{
		Handler: s.handler, ReadTimeout: requestLimit, WriteTimeout: responseLimit, IdleTimeout: idleLimit, MaxHeaderBytes: maxHeader,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, WriteByteTimeout: responseLimit}, ErrorLog: log.New(s.complaints, "", 0),
		DisableGeneralOptionsHandler: true, // the handler knows which host is meant
	}
	return s, nil
}

// use has the server go by settings and a table; with the first ones it begins.
func (s *Server) use(to *settings, table *route.Table) {
	to.table.Store(table)
	r := to.redirector
	s.handler.Use(&View{Table: table, Trust: r.Trust, Explain: r.Explain})
	if to.tls == nil {
		s.tls.Store(nil)
	} else {
		s.tls.Store(&to.tls)
	}
	s.door.widen(r.Connections)
	s.begin.Do(func() { s.served.Go(s.serve) })
}

func (s *Server) serve() {
	s.served.Go(func() { _ = s.http2.Serve(s.handoff) })
	if err := s.http1.Serve(s.door); err != nil {
		s.log.Errorf("serving redirector '%s': %v", s.addr, err)
	}
}

// secured puts TLS over a new connection, where it is spoken now.
func (s *Server) secured(conn net.Conn) net.Conn {
	if config := s.tls.Load(); config != nil {
		return tls.Server(conn, (*config)())
	}
	return conn
}

// close ends the requests that are under way, and then the connections.
func (s *Server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	err := s.door.Close() // where nobody has served it yet, nothing else closes it
	late := errors.Join(s.http2.Shutdown(ctx), s.http1.ShutdownWithContext(ctx))
	if late != nil {
		s.door.clear() // of peers that are slow
	}
	_ = s.handoff.Close() // where nobody has served it yet
	s.served.Wait()
	if err != nil {
		return fmt.Errorf("closing redirector '%s': %w", s.addr, err)
	}
	return nil
}
