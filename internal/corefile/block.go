package corefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// readDirective reads the one directive that a dispenser may hold.
func readDirective(d *caddyfile.Dispenser) (node, error) {
	nodes, err := readTree(d)
	if err != nil {
		return node{}, err
	}
	if len(nodes) > 1 {
		return node{}, nodes[1].errorf("this plugin can only be used once per Server Block")
	}
	return nodes[0], nil
}

// needBlock refuses a line without a block.
func (n node) needBlock() error {
	if !n.block {
		return n.errorf("'{' is missing at the end of the line '%s'", strings.Join(n.words, " "))
	}
	return nil
}

// needLine refuses a block where a line is enough.
func (n node) needLine() error {
	if n.block {
		return n.errorf("unexpected '{' after '%s': a property has no block", strings.Join(n.words, " "))
	}
	return nil
}

// readZones returns the block's zones. The words go to zones one by one,
// because it drops what it does not understand.
func readZones(directive node, zones func([]string) []string) ([]string, error) {
	if len(directive.args()) == 0 {
		return canonicalZones(directive, directive.name(), zones(nil))
	}
	var all []string
	for _, word := range directive.args() {
		found, err := canonicalZones(directive, word, zones([]string{word}))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return unique(all), nil
}

// canonicalZones makes the zones that word stands for canonical.
func canonicalZones(n node, word string, zones []string) ([]string, error) {
	if len(zones) == 0 {
		return nil, n.errorf("'%s' gives no zone: write names such as example.org", word)
	}
	names := make([]string, 0, len(zones))
	for _, zone := range zones {
		name, err := site.CanonicalName(zone)
		if err != nil {
			return nil, n.wrap(fmt.Errorf("invalid zone: %w", err))
		}
		names = append(names, name)
	}
	return unique(names), nil
}

// unique drops repetitions: a server block names a zone once for each port.
func unique(names []string) []string {
	var once []string
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

// readBlock reads the lines of a cdnredirect block.
func (c *Config) readBlock(block *Block, lines []node) error {
	given := seen{}
	for _, n := range lines {
		var err error
		switch n.name() {
		case "ns":
			if err = given.add("ns", n); err == nil {
				block.NS, err = c.readNS(n)
			}
		case "class":
			err = c.addClass(n)
		case "origin":
			err = c.addOrigin(n)
		case "cdn":
			err = c.addCDN(n)
		case "site":
			err = c.addSite(n, block)
		case "redirector":
			err = c.process.addRedirector(n)
		case "console":
			err = c.process.addConsole(n)
		case "resolver", "seed", "ecs", "allow", "download", "guard", "socket", "store", "state", "server", "journal":
			err = c.process.add(n)
		default:
			err = n.wrap(unknown("property", n.name(), "ns", "class", "origin", "cdn", "site", "resolver", "seed", "ecs", "allow", "download", "guard", "socket", "redirector", "console", "store", "state", "server", "journal"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readNS reads the names of a zone's name servers.
func (c *Config) readNS(n node) ([]string, error) {
	if err := n.needLine(); err != nil {
		return nil, err
	}
	names, err := list(n, domainName)
	if err != nil {
		return nil, n.wrap(err)
	}
	for _, name := range names {
		c.servers = append(c.servers, site.Server{Name: name, Place: n.place()})
	}
	return names, nil
}
