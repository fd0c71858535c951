package corefile

import (
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// addConsole reads: console ADDRESS:PORT [{ tls CERT KEY }]
func (p *Process) addConsole(n node) error {
	if first, found := p.given[n.name()]; found {
		return n.errorf("%s is already given at %s", n.name(), n.otherPlace(first))
	}
	p.given[n.name()] = n
	c := new(site.Console)
	if err := one(n, into(&c.Address, listenAddress)); err != nil {
		return n.wrap(err)
	}
	given := seen{}
	for _, line := range n.children {
		if line.name() != "tls" {
			return line.wrap(unknown("property", line.name(), "tls"))
		}
		if err := line.needLine(); err != nil {
			return err
		}
		if err := given.add("tls", line); err != nil {
			return err
		}
		pair, err := keyPair(line)
		if err != nil {
			return line.wrap(err)
		}
		c.Certificate = pair
	}
	if !c.Secure() && !c.Address.Addr().IsLoopback() {
		return n.errorf("tokens must not cross a network in the clear, and '%s' is not of this machine alone: write 'tls CERT KEY' in the block of console, or 127.0.0.1:%d", c.Address, c.Address.Port())
	}
	p.Console = c
	return nil
}
