package corefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// entry is a site as it was found; its site is nil while the class is unknown.
type entry struct {
	node  node
	names []string
	zone  string
	class string // empty: none
	site  *site.Site
}

// addSite keeps a site whose own lines are good.
func (c *Config) addSite(n node, block *Block) error {
	e := &entry{node: n}
	if err := e.readHead(); err != nil {
		return n.wrap(err)
	}
	if err := e.findZone(block.Zones); err != nil {
		return n.wrap(err)
	}
	c.entries = append(c.entries, e)
	block.entries = append(block.entries, e)
	return checkLines(example(), n)
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
