package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// maxAddresses is how many addresses of a name are tried.
const maxAddresses = 4

// dialFunc is the type of net.Dialer.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// connect connects to the host and port of the target's URL, over "tcp" or
// "udp". Whoever gets the connection closes it; all I/O on it ends when ctx does.
func (c *call) connect(ctx context.Context, network string) (net.Conn, site.Failure, error) {
	conn, failure, err := c.reach(ctx, network)
	if err != nil {
		return nil, failure, err
	}
	return conn, "", nil
}

// reach is connect for who wants to use the connection beyond ctx.
func (c *call) reach(ctx context.Context, network string) (*ending, site.Failure, error) {
	addrs, err := c.resolve(ctx)
	if err != nil {
		return nil, site.FailureResolve, fmt.Errorf("resolving '%s': %w", c.url.Hostname(), err)
	}
	conn, err := c.dialEach(ctx, network, addrs)
	switch {
	case errors.Is(err, errForbidden):
		return nil, site.FailureForbidden, fmt.Errorf("connecting: %w", err)
	case err != nil:
		return nil, site.FailureConnect, fmt.Errorf("connecting: %w", err)
	}
	e := &ending{Conn: conn}
	e.bind(ctx)
	return e, "", nil
}

// ending is a connection on which all I/O ends with a context: with one at a
// time, until it is closed.
type ending struct {
	net.Conn
	reset atomic.Bool // by the peer
	mu    sync.Mutex  // Close may be called by whoever reads
	stop  func() bool
}

// Read implements net.Conn.
func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Conn.Read(p)
	e.note(err)
	return n, err
}

// Write implements net.Conn.
func (e *ending) Write(p []byte) (int, error) {
	n, err := e.Conn.Write(p)
	e.note(err)
	return n, err
}

// note remembers that the connection was reset: whoever speaks HTTP/2 over it may
// not hand that on.
func (e *ending) note(err error) {
	if err != nil && wasReset(err) {
		e.reset.Store(true)
	}
}

// bind has I/O end with ctx.
func (e *ending) bind(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop = context.AfterFunc(ctx, func() { e.Conn.SetDeadline(time.Unix(1, 0)) })
}

// free unbinds the connection, and reports whether it did so before the end.
func (e *ending) free() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stop()
}

func (e *ending) Close() error {
	e.free()
	return e.Conn.Close()
}

// resolve looks up the URL's host if it is a name.
func (c *call) resolve(ctx context.Context) ([]netip.Addr, error) {
	host := c.url.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	defer c.lap(&c.result.Phases.Resolve)
	var ours atomic.Pointer[error]
	addrs, err := c.resolver(&ours).LookupNetIP(ctx, "ip", host)
	if own := ours.Load(); err != nil && own != nil {
		return nil, *own
	}
	return addrs[:min(len(addrs), maxAddresses)], err
}

// resolver returns a resolver for one look-up, which ends with the look-up's
// context. Go's resolvers do not by themselves: they wait for the DNS server's
// answer all the same, and one that is shared shares its look-ups too. Nor do
// they hand on why they could not ask: it is left in ours if it lay with us.
func (n *Network) resolver(ours *atomic.Pointer[error]) *net.Resolver {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := n.dialDNS(ctx, network, address)
		if local(err) {
			ours.Store(&err)
		}
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

// dialEach takes the first address that accepts, and returns the error of the
// last one otherwise.
func (c *call) dialEach(ctx context.Context, network string, addrs []netip.Addr) (conn net.Conn, err error) {
	defer c.lap(&c.result.Phases.Connect)
	port, err := strconv.ParseUint(c.url.Port(), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("reading the port '%s': %w", c.url.Port(), err)
	}
	for i, addr := range addrs {
		conn, err = c.dial(ctx, network, netip.AddrPortFrom(addr.Unmap(), uint16(port)), len(addrs)-i)
		if err == nil || over(ctx) {
			break
		}
	}
	return conn, err
}

// dial gives an address its share of the time that is left, so that one which
// swallows every packet does not hide those behind it. The last has it all.
func (c *call) dial(ctx context.Context, network string, addr netip.AddrPort, addrsLeft int) (net.Conn, error) {
	if addrsLeft > 1 {
		deadline, _ := ctx.Deadline()
		share, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(addrsLeft))
		defer cancel()
		ctx = share
	}
	d := &c.dialer
	if c.target.Public {
		d = c.guarded()
	}
	conn, err := d.DialContext(ctx, network, addr.String())
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		c.pasts.clear() // what is kept takes files, too
		return d.DialContext(ctx, network, addr.String())
	}
	return conn, err
}
