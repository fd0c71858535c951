package health

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"time"
)

// maxAddresses is how many addresses of a name are tried.
const maxAddresses = 4

// dialFunc is the type of net.Dialer.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// resolve looks up the URL's host if it is a name.
func (x *exchange) resolve(ctx context.Context) ([]netip.Addr, error) {
	host := x.req.URL.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	defer x.lap(&x.result.Phases.Resolve)
	addrs, err := x.resolver().LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	return addrs[:min(len(addrs), maxAddresses)], nil
}

// resolver returns a resolver for one look-up, which ends with the look-up's
// context. Go's resolvers do not by themselves: they wait for the DNS server's
// answer all the same, and one that is shared shares its look-ups too.
func (p *httpProbe) resolver() *net.Resolver {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := p.dialDNS(ctx, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

// connect takes the first address that accepts, and returns the error of the
// last one otherwise.
func (x *exchange) connect(ctx context.Context, addrs []netip.Addr) (conn net.Conn, err error) {
	defer x.lap(&x.result.Phases.Connect)
	for i, addr := range addrs {
		conn, err = x.dial(ctx, net.JoinHostPort(addr.Unmap().String(), x.port()), len(addrs)-i)
		if err == nil || over(ctx) {
			break
		}
	}
	return conn, err
}

func (x *exchange) port() string {
	if x.req.URL.Scheme == "https" {
		return cmp.Or(x.req.URL.Port(), "443")
	}
	return cmp.Or(x.req.URL.Port(), "80")
}

// dial gives an address its share of the time that is left, so that one which
// swallows every packet does not hide those behind it. The last has it all.
func (x *exchange) dial(ctx context.Context, addr string, addrsLeft int) (net.Conn, error) {
	if addrsLeft > 1 {
		deadline, _ := ctx.Deadline()
		share, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(addrsLeft))
		defer cancel()
		ctx = share
	}
	return x.dialer.DialContext(ctx, "tcp", addr)
}
