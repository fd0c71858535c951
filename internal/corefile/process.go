package corefile

import (
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Process is what is said once for all server blocks.
type Process struct {
	Resolvers []netip.AddrPort // that targets are asked of; empty: the system's
	Seed      string           // of the client keys
	ECS       []netip.Prefix   // of resolvers whose client subnet is believed (RFC 7871)
	Allow     []netip.Prefix   // that sources which are not the operator's own may reach beside the public Internet
	Download  float64          // bit/s that all downloads together may cost
	Guard     site.Guard
	Socket    string // path of the control socket; empty: there is none
	Store     Store
	State     string // folder of what this server keeps; empty: it keeps nothing
	Server    string // its name; empty: the host's
	Journal   Journal

	Redirectors []site.Redirector
	Console     *site.Console // nil: there is none

	given map[string]node
}

// add takes one line of it.
func (p *Process) add(n node) (err error) {
	if err := n.needLine(); err != nil {
		return err
	}
	if first, found := p.given[n.name()]; found {
		return n.errorf("%s is already given at %s", n.name(), n.otherPlace(first))
	}
	p.given[n.name()] = n
	switch n.name() {
	case "resolver":
		p.Resolvers, err = list(n, server("a DNS server"))
	case "ecs":
		p.ECS, err = list(n, prefix)
	case "seed":
		err = one(n, into(&p.Seed, seed))
	case "allow":
		p.Allow, err = list(n, prefix)
	case "download":
		err = one(n, into(&p.Download, site.ParseRate))
	case "guard":
		p.Guard, err = readGuard(n)
	case "socket":
		err = one(n, into(&p.Socket, absolute))
	case "store":
		p.Store, err = readStore(n)
	case "state":
		err = one(n, into(&p.State, absolute))
	case "server":
		err = one(n, into(&p.Server, ownName))
	case "journal":
		err = readJournal(&p.Journal, n)
	}
	if err != nil {
		return n.wrap(err)
	}
	return nil
}

// server reads an address with or without a port, which is 53 by default.
func server(what string) func(word string) (netip.AddrPort, error) {
	return func(word string) (netip.AddrPort, error) {
		if addr, err := netip.ParseAddr(word); err == nil && site.Reachable(addr) {
			return netip.AddrPortFrom(addr, 53), nil
		}
		server, err := netip.ParseAddrPort(word)
		if err != nil || server.Port() == 0 || !site.Reachable(server.Addr()) {
			return netip.AddrPort{}, fmt.Errorf("'%s' is not the address of %s: write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53", word, what)
		}
		return server, nil
	}
}

// prefix reads a network, or an address that stands for itself.
func prefix(word string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(word); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(word)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("'%s' is not a network: write 192.0.2.0/24, 2001:db8::/32 or an address", word)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("'%s' has bits behind its length: write %s", word, p.Masked())
	}
	return p, nil
}

// readGuard reads: guard P% in D anchor ADDRESS...
func readGuard(n node) (g site.Guard, err error) {
	args := n.args()
	if len(args) < 5 {
		return g, n.argError()
	}
	for i, word := range []string{1: "in", 3: "anchor"} {
		if word != "" && args[i] != word {
			return g, fmt.Errorf("unexpected '%s': write guard 30%% in 1m anchor ADDRESS", args[i])
		}
	}
	if g.Share, err = percent(args[0]); err != nil {
		return g, err
	}
	if err = positive(&g.Within)(args[2]); err != nil {
		return g, err
	}
	n.words = append([]string{"guard"}, args[4:]...)
	if g.Anchors, err = list(n, server("an anchor")); err != nil {
		return g, err
	}
	return g, g.Validate()
}

// absolute reads the absolute path of a file.
func absolute(word string) (string, error) {
	if !filepath.IsAbs(word) {
		return "", fmt.Errorf("'%s' is not an absolute path", word)
	}
	return filepath.Clean(word), nil
}

// seed reads any word but the empty one, which is the default.
func seed(word string) (string, error) {
	if word == "" {
		return "", fmt.Errorf("invalid seed '': write a word that all servers have")
	}
	return word, nil
}
