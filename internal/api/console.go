package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Console is the API at an address, for callers with a token. It outlives reloads, and
// so do its connections.
type Console struct {
	api    *API
	addr   netip.AddrPort
	socket net.Listener
	http   *http.Server
	tls    atomic.Pointer[func() *tls.Config] // nil: HTTP without
	stop   context.CancelFunc                 // ends the contexts of all requests
	begin  sync.Once
	served sync.WaitGroup
}

// OpenConsole binds an address; connections wait there until Use. What net/http says of
// its peers goes to complaints.
func (a *API) OpenConsole(addr netip.AddrPort, complaints io.Writer) (*Console, error) {
	network := "tcp6"
	if addr.Addr().Is4() {
		network = "tcp4"
	}
	socket, err := net.Listen(network, addr.String())
	if err != nil {
		return nil, fmt.Errorf("opening console '%s': %w", addr, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Console{api: a, addr: addr, socket: socket, stop: stop}
	c.http = newHTTP(ctx, c, complaints)
	c.http.ConnContext, c.http.ConnState = withVisitor, seen
	return c, nil
}

// Addr returns the address that the console was opened at.
func (c *Console) Addr() netip.AddrPort { return c.addr }

// Use has new connections speak what config returns, or HTTP without TLS if it is nil.
// With the first one the console begins to answer.
func (c *Console) Use(config func() *tls.Config) {
	if config == nil {
		c.tls.Store(nil)
	} else {
		c.tls.Store(&config)
	}
	c.begin.Do(func() { c.served.Go(c.serve) })
}

func (c *Console) serve() {
	err := c.http.Serve(secured{newDoor(c.socket), &c.tls})
	if !errors.Is(err, http.ErrServerClosed) {
		c.api.Log.Errorf("serving console '%s': %v", c.addr, err)
	}
}

// Close ends all requests and closes the socket.
func (c *Console) Close() error {
	c.stop()
	err := errors.Join(shutdown(c.http), c.socket.Close()) // where nobody has served it, nothing else closes it
	c.served.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing console '%s': %w", c.addr, err)
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	keepPrivate(w)
	who, p := c.api.authenticate(w, r)
	if p != nil {
		send(w, p)
		return
	}
	if who.Role != "" && !welcome(r.Context(), who) {
		w.Header().Set("Connection", "close")
		send(w, tooMany(w, time.Second, "too many connections of customers"))
		return
	}
	c.api.serve(w, r, who)
}

// secured puts TLS over new connections, where it is spoken now.
type secured struct {
	net.Listener
	tls *atomic.Pointer[func() *tls.Config]
}

// Accept implements net.Listener.
func (s secured) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if config := s.tls.Load(); err == nil && config != nil {
		return tls.Server(conn, (*config)()), nil
	}
	return conn, err
}
