package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
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
	addrs, err := c.resolve(ctx)
	if err != nil {
		return nil, site.FailureResolve, fmt.Errorf("resolving '%s': %w", c.url.Hostname(), err)
	}
	conn, err := c.dialEach(ctx, network, addrs)
	if err != nil {
		return nil, site.FailureConnect, fmt.Errorf("connecting: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return &ending{conn, stop}, "", nil
}

// ending is a connection that no longer waits for the end of its context once
// it is closed.
type ending struct {
	net.Conn
	stop func() bool
}

func (e *ending) Close() error {
	e.stop()
	return e.Conn.Close()
}

// resolve looks up the URL's host if it is a name.
func (c *call) resolve(ctx context.Context) ([]netip.Addr, error) {
	host := c.url.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	defer c.lap(&c.result.Phases.Resolve)
	addrs, err := c.resolver().LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	return addrs[:min(len(addrs), maxAddresses)], nil
}

// resolver returns a resolver for one look-up, which ends with the look-up's
// context. Go's resolvers do not by themselves: they wait for the DNS server's
// answer all the same, and one that is shared shares its look-ups too.
func (n *Network) resolver() *net.Resolver {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := n.dialDNS(ctx, network, address)
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
	for i, addr := range addrs {
		conn, err = c.dial(ctx, network, net.JoinHostPort(addr.Unmap().String(), c.url.Port()), len(addrs)-i)
		if err == nil || over(ctx) {
			break
		}
	}
	return conn, err
}

// dial gives an address its share of the time that is left, so that one which
// swallows every packet does not hide those behind it. The last has it all.
func (c *call) dial(ctx context.Context, network, addr string, addrsLeft int) (net.Conn, error) {
	if addrsLeft > 1 {
		deadline, _ := ctx.Deadline()
		share, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(addrsLeft))
		defer cancel()
		ctx = share
	}
	return c.dialer.DialContext(ctx, network, addr)
}

// secure verifies the certificate against the system's roots, unless the target
// accepts any. protocols are those to offer by ALPN (RFC 7301).
func (c *call) secure(ctx context.Context, conn net.Conn, protocols ...string) (*tls.Conn, site.Failure, error) {
	defer c.lap(&c.result.Phases.TLS)
	secured := tls.Client(conn, &tls.Config{
		ServerName:         c.target.Host,
		InsecureSkipVerify: c.ask.SkipVerify, // the operator's choice, per probe
		NextProtos:         protocols,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, site.FailureTLS, fmt.Errorf("negotiating TLS: %w", err)
	}
	return secured, "", nil
}
