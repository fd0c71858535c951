package corefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"
	"github.com/miekg/dns"

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
	return nodes[0], nodes[0].needBlock()
}

// needBlock refuses a line without a block.
func (n node) needBlock() error {
	if !n.block {
		return n.errorf("'{' is missing at the end of the line '%s'", strings.Join(n.words, " "))
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
				block.NS, err = readNS(n)
			}
		case "class":
			err = c.addClass(n)
		case "site":
			err = c.addSite(n, block.Zones)
		default:
			err = n.wrap(unknown("property", n.name(), "ns", "class", "site"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readNS reads the names of a zone's name servers.
func readNS(n node) ([]string, error) {
	if n.block {
		return nil, n.errorf("unexpected '{' after '%s': a property has no block", strings.Join(n.words, " "))
	}
	names, err := list(n, domainName)
	if err != nil {
		return nil, n.wrap(err)
	}
	return names, nil
}

// addClass keeps a class for the sites of all blocks.
func (c *Config) addClass(n node) error {
	if len(n.args()) != 1 {
		return n.wrap(n.argError())
	}
	name := n.args()[0]
	if err := checkWord("class", name); err != nil {
		return n.wrap(err)
	}
	if first, found := c.classes[name]; found {
		return n.errorf("class '%s' is already defined at %s", name, first.place())
	}
	if err := n.needBlock(); err != nil {
		return err
	}
	c.classes[name] = n
	return checkClass(n)
}

// entry is a site as it was found; its site is nil while the class is unknown.
type entry struct {
	node  node
	names []string
	zone  string
	class string // empty: none
	site  *site.Site
}

// addSite keeps a site whose own lines are good.
func (c *Config) addSite(n node, zones []string) error {
	e := &entry{node: n}
	if err := e.readHead(); err != nil {
		return n.wrap(err)
	}
	if err := e.findZone(zones); err != nil {
		return n.wrap(err)
	}
	c.entries = append(c.entries, e)
	return checkLines(n)
}

// readHead reads the names and the class on the site's first line.
func (e *entry) readHead() error {
	words := e.node.args()
	if i := slices.Index(words, "class"); i >= 0 {
		rest := words[i+1:]
		words = words[:i]
		if len(rest) != 1 {
			return e.node.argError()
		}
		if err := checkWord("class", rest[0]); err != nil {
			return err
		}
		e.class = rest[0]
	}
	if len(words) == 0 {
		return argError("site")
	}
	for _, word := range words {
		name, err := domainName(word)
		if err != nil {
			return err
		}
		e.names = append(e.names, name)
	}
	return nil
}

// findZone finds the zone that all the names lie in: the longest of the
// block's for each of them.
func (e *entry) findZone(zones []string) error {
	for i, name := range e.names {
		zone := longest(zones, name)
		switch {
		case zone == "":
			return fmt.Errorf("site name '%s' is outside every served zone: '%s'", name, strings.Join(zones, "', '"))
		case i > 0 && zone != e.zone:
			return fmt.Errorf("site name '%s' lies in the zone '%s', the site in '%s'", name, zone, e.zone)
		}
		e.zone = zone
	}
	return nil
}

// longest returns the longest zone that name lies in, or nothing.
func longest(zones []string, name string) string {
	found := ""
	for _, zone := range zones {
		if dns.IsSubDomain(zone, name) && len(zone) > len(found) {
			found = zone
		}
	}
	return found
}
