package health

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// NewHTTPAsking returns the probe of kind "http" with a DNS server of the test's
// choice.
func NewHTTPAsking(dialDNS func(ctx context.Context, network, address string) (net.Conn, error)) Probe {
	return NewNetworkAsking(dialDNS).Probes()["http"]
}

// NewNetworkAsking returns a network with a DNS server of the test's choice.
func NewNetworkAsking(dialDNS func(ctx context.Context, network, address string) (net.Conn, error)) *Network {
	n := NewNetwork("")
	n.dialDNS = dialDNS
	return n
}

// Page returns a probe that gets a page of its target, and leaves it in content.
func (n *Network) Page(url, accept string, content *[]byte) Probe {
	return n.probe(func(ctx context.Context, c *call) (failure site.Failure, err error) {
		*content, failure, err = c.page(ctx, url, accept)
		return failure, err
	})
}

// Kept returns of how many targets something is kept.
func (n *Network) Kept() int {
	n.pasts.mu.Lock()
	defer n.pasts.mu.Unlock()
	return len(n.pasts.of)
}

// What internal tests would see.
var (
	SystemResolvers = systemResolvers
	Public          = public
	Local           = local
)

// Idle bounds of what is kept.
const (
	MaxIdle    = maxIdle
	SweepEvery = sweepEvery
)

// Keep leaves a connection for the next probe of a target.
func (n *Network) Keep(t site.Target, conn net.Conn) {
	e := &ending{Conn: conn}
	e.bind(context.Background())
	n.pasts.put(t, &past{link: &link{conn: e, stream: e}})
}

// Wait has a target want to be left alone.
func (n *Network) Wait(t site.Target, until time.Time) { n.pasts.put(t, &past{wait: until}) }

// Permit asks whether a target may be at an address.
func (n *Network) Permit(t site.Target, to netip.AddrPort) error {
	return (&call{Network: n, target: t}).permit(to)
}

// FromAddress has TCP connections come from an address of the test's choice.
func (n *Network) FromAddress(addr netip.Addr) {
	n.dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0))
}

// Request returns what the probe of kind "http" sends, but for the method.
func Request(t site.Target, method string) ([]byte, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	c := call{Network: NewNetwork("probe"), target: t, ask: t.Ask.Value(), url: u}
	r, err := c.request(method, u)
	if err != nil {
		return nil, err
	}
	return r.appendTo(nil), nil
}

// KeepAtMost has only so many connections kept.
func (n *Network) KeepAtMost(links int) { n.pasts.room = links }

// BeforeDialling has something done before each connection is made.
func (n *Network) BeforeDialling(do func() error) {
	n.dialer.Control = func(string, string, syscall.RawConn) error { return do() }
}
