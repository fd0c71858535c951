package corefile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// namedOrigin is an origin block.
type namedOrigin struct {
	node   node
	origin site.Origin
}

// originName is what tells the name of an origin block from an address.
var originName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

func isOriginName(word string) bool { return word != "next" && originName.MatchString(word) }

func checkOriginName(name string) error {
	switch {
	case name == "next":
		return errors.New("'next' is not a name of an origin: it stands for the next plugin")
	case !isOriginName(name):
		return fmt.Errorf("'%s' is not a name of an origin: begin with a letter, go on with letters, digits, - and _", name)
	}
	return nil
}

// addOrigin keeps an origin for the sites of all blocks.
func (c *Config) addOrigin(n node) error {
	if len(n.args()) != 1 {
		return n.wrap(n.argError())
	}
	name := n.args()[0]
	if err := checkOriginName(name); err != nil {
		return n.wrap(err)
	}
	if first, found := c.origins[name]; found {
		return n.definedAt(first.node)
	}
	if err := n.needBlock(); err != nil {
		return err
	}
	o, err := c.newOrigin(n, name)
	if err != nil {
		return err
	}
	c.origins[name] = o
	return nil
}

// newOrigin reads an origin block, whoever keeps it.
func (c *Config) newOrigin(n node, name string) (namedOrigin, error) {
	o, err := readOrigin(n, name)
	if err == nil {
		err = c.checkAsks(n, n.children, o.Feeds)
	}
	return namedOrigin{n, o}, err
}

// originProperties is the table of what an origin block may say.
var originProperties = map[string]func(*site.Origin, node) error{
	"address":   setAddress,
	"capacity":  setCapacity,
	"operated":  setOperated,
	"feed":      setOriginFeed,
	"threshold": setOriginThreshold,
}

// readOrigin reads the lines of an origin block.
func readOrigin(n node, name string) (site.Origin, error) {
	o := site.Origin{Name: name}
	given := seen{}
	for _, line := range n.children {
		if err := given.add(line.key(), line); err != nil {
			return o, err
		}
		if err := applyOriginLine(&o, line); err != nil {
			return o, err
		}
	}
	return o, blameLine(n, n.children, o.Validate())
}

// applyOriginLine writes what a line says into an origin.
func applyOriginLine(o *site.Origin, line node) error {
	set, known := originProperties[line.name()]
	if !known {
		return line.wrap(unknown("property", line.name(), "address", "capacity", "operated", "feed", "threshold"))
	}
	if err := set(o, line); err != nil {
		return line.wrap(err)
	}
	return nil
}

// setAddress reads: address ADDRESS...
func setAddress(o *site.Origin, n node) (err error) {
	o.Addresses, err = list(n, site.ParseAddress)
	return err
}

// setCapacity reads: capacity RATE
func setCapacity(o *site.Origin, n node) error { return one(n, into(&o.Capacity, capacity)) }

func capacity(word string) (float64, error) {
	value, err := site.ParseRate(word)
	if err == nil && value == 0 {
		err = fmt.Errorf("invalid capacity '%s': it must be above zero", word)
	}
	return value, err
}

// setOperated reads: operated own|third-party
func setOperated(o *site.Origin, n node) error { return one(n, operated(&o.ThirdParty)) }

func operated(thirdParty *bool) setter {
	return func(word string) error {
		*thirdParty = word == "third-party"
		if word != "own" && word != "third-party" {
			return unknown("operator", word, "own", "third-party")
		}
		return nil
	}
}

// setOriginFeed reads a feed as a site has it. The origin is that of several
// sites, whose names are none of its own.
func setOriginFeed(o *site.Origin, n node) error {
	src, err := readFeed(n)
	o.Feeds = append(o.Feeds, src)
	if err == nil && strings.Contains(strings.ReplaceAll(src.URL, "{origin}", ""), "{") {
		err = fmt.Errorf("unknown placeholder in '%s': {origin} is known", asked(src))
	}
	return err
}

// asked is what a source asks as it was written.
func asked(src site.Source) string { return strings.TrimPrefix(src.URL, scheme(&src)) }

func setOriginThreshold(o *site.Origin, n node) error {
	t, err := readThreshold(n)
	o.Thresholds = append(o.Thresholds, t)
	return err
}

// setOrigin reads: origin ADDRESS..., origin next, or origin NAME [priority N]
// [weight N].
func setOrigin(s *site.Site, n node) error {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	o := site.Origin{}
	var err error
	switch {
	case args[0] == "next":
		o.Next = true
		err = readOptions(n, args[1:])
	case isOriginName(args[0]):
		o.Name = args[0]
		err = readOptions(n, args[1:],
			option{"priority", into(&o.Priority, natural)},
			option{"weight", into(&o.Weight, natural)},
		)
	default:
		o.Addresses, err = list(n, site.ParseAddress)
	}
	s.Origins = append(s.Origins, o)
	return err
}

// missingOrigin returns the first origin of the lines that no block has
// defined so far.
func (c *Config) missingOrigin(lines []node) (line node, missing bool) {
	for _, n := range lines {
		if n.name() == "origin" && len(n.args()) > 0 && isOriginName(n.args()[0]) {
			if _, known := c.origins[n.args()[0]]; !known {
				return n, true
			}
		}
	}
	return node{}, false
}

// join completes those origins of a site that have a block.
func (c *Config) join(s *site.Site) {
	for i, o := range s.Origins {
		if o.Name == "" {
			continue
		}
		block := c.origins[o.Name].origin
		block.Priority, block.Weight = o.Priority, o.Weight
		s.Origins[i] = block
	}
}

// originLines reports whether any of the lines says where the origin is.
func originLines(lines []node) bool {
	return slices.ContainsFunc(lines, func(n node) bool { return n.name() == "origin" })
}
