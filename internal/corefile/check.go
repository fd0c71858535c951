package corefile

import (
	"slices"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Source is the cdnredirect directive of a server block, and what turns words behind it
// into zones, as Config.Add takes them.
type Source struct {
	Directive *caddyfile.Dispenser
	Zones     func(args []string) []string
}

// Check says all that is wrong with the directives of one Corefile, where a Config stops
// at the first mistake. The Config is nil unless they are good.
func Check(check func(site.Ask) error, sources ...Source) (*Config, []error) {
	c := &checker{Config: New(check), bad: make(map[objectKey]bool)}
	var directives []node
	for _, s := range sources {
		directive, err := readDirective(s.Directive)
		if err != nil {
			c.faults = append(c.faults, err)
			continue
		}
		directives = append(directives, directive)
		c.add(directive, s.Zones)
	}
	c.buildAll()
	if c.faults != nil {
		return nil, c.faults
	}
	whole := New(check)
	for i, directive := range directives {
		if _, err := whole.add(directive, sources[i].Zones); err != nil {
			return nil, []error{err}
		}
	}
	if _, err := whole.Complete(); err != nil {
		return nil, []error{err}
	}
	return whole, nil
}

// checker goes on after a mistake.
type checker struct {
	*Config
	faults []error
	bad    map[objectKey]bool // what others need is not missed for its own mistakes
	broken []node             // sites with mistakes of their own
}

// add reads a directive line by line.
func (c *checker) add(directive node, zones func([]string) []string) {
	block := &Block{directive: directive}
	var err error
	if block.Zones, err = readZones(directive, zones); err != nil {
		c.faults = append(c.faults, err)
		return
	}
	c.zones = unique(append(c.zones, block.Zones...))
	for _, n := range directive.children {
		kind := site.ObjectKind(n.name())
		wrong := checkEach(kind, n)
		if err := c.readBlock(block, []node{n}); err != nil && wrong == nil {
			wrong = []error{err}
		}
		if wrong == nil {
			continue
		}
		c.faults = append(c.faults, wrong...)
		if kind == site.ObjectSite {
			c.broken = append(c.broken, n)
		} else if len(n.args()) > 0 {
			c.bad[objectKey{kind, n.args()[0]}] = true
		}
	}
}

// checkEach checks the lines of an object one by one.
func checkEach(kind site.ObjectKind, n node) (wrong []error) {
	if !slices.Contains(objectKinds, kind) {
		return nil
	}
	given := seen{}
	for _, line := range n.children {
		err := given.add(line.key(), line)
		if err == nil {
			err = applyTo(kind, line)
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}

// buildAll builds all sites that have no mistakes of their own, of what has none.
func (c *checker) buildAll() {
	for _, e := range c.entries {
		own := func(n node) bool { return n.place() == e.node.place() }
		if slices.ContainsFunc(c.broken, own) || c.bad[objectKey{site.ObjectClass, e.class}] {
			continue
		}
		class, known := c.classes[e.class]
		lines := merge(class.children, e.node.children)
		origin, missing := c.missingOrigin(lines)
		var err error
		switch {
		case missing && c.bad[objectKey{site.ObjectOrigin, origin.args()[0]}]:
		case e.class != "" && !known, missing:
			err = c.waitsFor(e)
		default:
			e.site, err = c.build(e, lines)
		}
		if err != nil {
			c.faults = append(c.faults, err)
		}
	}
}
