package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// errForbidden is the error of an address or port that a target of which
// Public is set may not be at.
var errForbidden = errors.New("not allowed for a public target")

// Allow lets public targets be at these networks too, at any port there. It
// takes the place of the networks allowed before.
func (n *Network) Allow(networks []netip.Prefix) {
	networks = slices.Clone(networks)
	n.allowed.Store(&networks)
}

// guarded is the dialer for public targets. It looks at the address once that
// is about to be connected to, so that a name cannot lead elsewhere after it
// was looked at.
func (c *call) guarded() *net.Dialer {
	d := c.dialer
	d.Control = func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("reading the address '%s': %w", address, errForbidden)
		}
		return c.permit(to)
	}
	return &d
}

// permit refuses a public target that is elsewhere than on the public Internet,
// or at a port that is none of its kind; see kindPorts. Port 0 stands for a
// protocol without ports. It is for what does not go through connect.
func (c *call) permit(to netip.AddrPort) error {
	if !c.target.Public || c.isAllowed(to.Addr()) {
		return nil
	}
	if !public(to.Addr()) {
		return fmt.Errorf("%w: the address %s", errForbidden, to.Addr())
	}
	has := func(p ports) bool { return p.first <= to.Port() && to.Port() <= p.last }
	if !slices.ContainsFunc(anyPorts, has) && !slices.ContainsFunc(kindPorts[c.target.Kind], has) {
		return fmt.Errorf("%w: the port %d", errForbidden, to.Port())
	}
	return nil
}

func (n *Network) isAllowed(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	networks := n.allowed.Load()
	return networks != nil && slices.ContainsFunc(*networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// ports is a range of them.
type ports struct{ first, last uint16 }

// anyPorts are those where public targets of any kind may be: 80, 443, 8080 and
// 8443; 0 is that of a protocol without ports.
var anyPorts = []ports{{0, 0}, {80, 80}, {443, 443}, {8080, 8080}, {8443, 8443}}

// kindPorts are those where public targets of a kind may be besides: the ones
// that its protocol or its servers have by default.
var kindPorts = map[string][]ports{
	"dns":        {{53, 53}},
	"snmp":       {{161, 161}},
	"grpc":       {{50051, 50051}},
	"prometheus": {{9090, 9999}}, // Prometheus 9090, its exporters from 9100 on
	"promql":     {{9090, 9999}},
	"map":        {{9090, 9999}},
}

// public reports whether an address is on the public Internet: of IPv4 what is
// not set aside, of IPv6 what is global unicast and not set aside (RFC 6890 and
// the two registries of IANA that it founded). An IPv4 address inside one of
// IPv6 is not: nobody on the Internet is at one.
func public(addr netip.Addr) bool { return !SetAside(addr) && !in(documentation, addr) }

// SetAside reports whether an address is for something else than the public Internet, and
// examples: who is there is on some network of one's own.
func SetAside(addr netip.Addr) bool {
	addr = addr.WithZone("")
	return !addr.IsValid() || addr.Is6() && !globalUnicast.Contains(addr) || in(setAside, addr)
}

func in(networks []netip.Prefix, addr netip.Addr) bool {
	addr = addr.WithZone("")
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// globalUnicast has all addresses of IPv6 that are given out (RFC 4291).
var globalUnicast = netip.MustParsePrefix("2000::/3")

// setAside are the networks for private use, tests, tunnels and groups, and
// documentation those for examples.
var (
	setAside = prefixes(`
		0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
		192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4 2001::/23 2002::/16`)
	documentation = prefixes("192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20")
)

func prefixes(text string) []netip.Prefix {
	var list []netip.Prefix
	for field := range strings.FieldsSeq(text) {
		list = append(list, netip.MustParsePrefix(field))
	}
	return list
}

// Dial returns what connects to where a URL of the configuration leads, on the public
// Internet only if it is to be so: for whoever speaks HTTP by other means than probes.
func (n *Network) Dial(public bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	if !public {
		return n.dialer.DialContext
	}
	c := &call{Network: n, target: site.Target{Kind: "http", Public: true}}
	return c.guarded().DialContext
}
