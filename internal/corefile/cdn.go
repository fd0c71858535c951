package corefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// watchedCDN is a cdn block.
type watchedCDN struct {
	node node
	cdn  *site.WatchedCDN
}

// CDNs returns the CDNs that are watched, in order of definition, once the Config
// is complete.
func (c *Config) CDNs() []*site.WatchedCDN {
	var cdns []*site.WatchedCDN
	for _, w := range c.cdns {
		if w.cdn.Watches() {
			cdns = append(cdns, w.cdn)
		}
	}
	return cdns
}

// Blocks returns all CDNs that have a block, by name.
func (c *Config) Blocks() map[string]*site.WatchedCDN {
	blocks := make(map[string]*site.WatchedCDN)
	for _, w := range c.cdns {
		blocks[w.cdn.Name] = w.cdn
	}
	return blocks
}

// addCDN keeps a CDN for the sites of all blocks.
func (c *Config) addCDN(n node) error {
	if len(n.args()) != 1 {
		return n.wrap(n.argError())
	}
	name := n.args()[0]
	if err := checkWord("cdn", name); err != nil {
		return n.wrap(err)
	}
	for _, other := range c.cdns {
		if other.cdn.Name == name {
			return n.definedAt(other.node)
		}
	}
	if err := n.needBlock(); err != nil {
		return err
	}
	cdn, err := c.newCDN(n, name)
	if err != nil {
		return err
	}
	c.cdns = append(c.cdns, watchedCDN{n, cdn})
	return nil
}

// newCDN reads a cdn block, whoever keeps it.
func (c *Config) newCDN(n node, name string) (*site.WatchedCDN, error) {
	cdn, err := readCDN(n, name)
	if err == nil {
		err = c.checkAsks(n, n.children, cdn.Watch.Probes, cdn.Watch.Feeds)
	}
	return cdn, err
}

// cdnProperties is the table of what a cdn block may say.
var cdnProperties = map[string]func(*site.WatchedCDN, node) error{
	"operated":  func(c *site.WatchedCDN, n node) error { return one(n, operated(&c.ThirdParty)) },
	"host":      func(c *site.WatchedCDN, n node) error { return setHost(c.Watch, n) },
	"dns":       setCDNZone,
	"node":      setNode,
	"ttl":       setCDNTTL,
	"capacity":  setCDNCapacity,
	"probe":     func(c *site.WatchedCDN, n node) error { return setProbe(c.Watch, n) },
	"feed":      func(c *site.WatchedCDN, n node) error { return setFeed(c.Watch, n) },
	"threshold": func(c *site.WatchedCDN, n node) error { return setThreshold(c.Watch, n) },
	"deploy":    setDeploy,
	"webhook":   setWebhook,
	"manual":    setManual,
}

// readCDN reads the lines of a cdn block.
func readCDN(n node, name string) (*site.WatchedCDN, error) {
	cdn := site.NewWatchedCDN(name)
	cdn.Place, cdn.Watch.Place = n.place(), n.place()
	given := seen{}
	for _, line := range n.children {
		if err := given.add(line.key(), line); err != nil {
			return nil, err
		}
		if err := applyCDNLine(cdn, line); err != nil {
			return nil, err
		}
	}
	for _, sources := range [][]site.Source{cdn.Watch.Probes, cdn.Watch.Feeds} {
		for i := range sources {
			if err := expandNode(cdn, &sources[i]); err != nil {
				return nil, blameLine(n, n.children, &site.PropertyError{Property: sources[i].Key(), Err: err})
			}
		}
	}
	cdn.Finish()
	return cdn, blameLine(n, n.children, cdn.Validate())
}

// applyCDNLine writes what a line says into a CDN.
func applyCDNLine(c *site.WatchedCDN, line node) error {
	set, known := cdnProperties[line.name()]
	if !known {
		return line.wrap(unknown("property", line.name(), "operated", "host", "dns", "node", "ttl", "capacity", "probe", "feed", "threshold", "deploy", "webhook", "manual"))
	}
	if err := set(c, line); err != nil {
		return line.wrap(err)
	}
	return nil
}

// expandNode has {node} stand for each address of each node in turn, as {origin}
// does of an origin. The names of sites are none of a CDN's own.
func expandNode(c *site.WatchedCDN, src *site.Source) error {
	rest := src.URL + src.Ask.Name
	if c.Nodes() {
		rest = strings.ReplaceAll(rest, "{node}", "")
	}
	also := ""
	if src.IsFeed() {
		rest, also = strings.ReplaceAll(rest, "{service}", ""), ", and {service}"
	}
	if strings.Contains(rest, "{") {
		return fmt.Errorf("unexpected placeholder in '%s': {node} is known, in a cdn block with nodes%s", asked(*src), also)
	}
	src.URL = strings.ReplaceAll(src.URL, "{node}", "{origin}")
	return nil
}

// setCDNZone reads: dns ZONE
func setCDNZone(c *site.WatchedCDN, n node) error { return one(n, into(&c.Zone, domainName)) }

// setCDNTTL reads: ttl D [min D]
func setCDNTTL(c *site.WatchedCDN, n node) error {
	if slices.Contains(n.args(), "diverted") {
		return unknown("word", "diverted", "min")
	}
	return setTTL(c.Watch, n)
}

// setNode reads: node NAME ADDRESS... [capacity RATE] [drain]
func setNode(c *site.WatchedCDN, n node) error {
	args := n.args()
	if len(args) < 2 {
		return n.argError()
	}
	o := site.Origin{Name: args[0]}
	if err := checkNodeName(o.Name); err != nil {
		return err
	}
	words := args[1:]
	if words[len(words)-1] == "drain" {
		o.Drain, words = true, words[:len(words)-1]
	}
	if i := slices.Index(words, "capacity"); i >= 0 {
		if err := readOptions(n, words[i:], option{"capacity", into(&o.Capacity, capacity)}); err != nil {
			return err
		}
		words = words[:i]
	}
	for _, word := range words {
		addr, err := site.ParseAddress(word)
		if err != nil {
			return err
		}
		o.Addresses = append(o.Addresses, addr)
	}
	if len(o.Addresses) == 0 {
		return n.argError()
	}
	if c.Nodes() {
		c.Watch.Origins = append(c.Watch.Origins, o)
	} else {
		c.Watch.Origins = []site.Origin{o}
	}
	return nil
}

func checkNodeName(name string) error {
	if !originName.MatchString(name) {
		return fmt.Errorf("'%s' is not a name of a node: begin with a letter, go on with letters, digits, - and _", name)
	}
	return nil
}

// setCDNCapacity reads: capacity RATE [soft RATE]
func setCDNCapacity(c *site.WatchedCDN, n node) (err error) {
	args := n.args()
	if len(args) == 0 {
		return n.argError()
	}
	if c.Capacity, err = capacity(args[0]); err != nil {
		return err
	}
	return readOptions(n, args[1:], option{"soft", into(&c.Soft, capacity)})
}

// serve tells the CDNs the services that the sites have of them.
func (c *Config) serve(sites []*site.Site) error {
	for _, w := range c.CDNs() {
		if err := w.SetServices(sites); err != nil {
			return err
		}
	}
	return site.ValidateServices(c.CDNs(), sites)
}

// place finds the zones that the DNS of our CDNs lies in.
func (c *Config) place() error {
	for _, w := range c.cdns {
		if err := c.placeCDN(w); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) placeCDN(w watchedCDN) error {
	if w.cdn.Zone == "" {
		return nil
	}
	zone := longest(c.zones, w.cdn.Zone)
	if zone == "" {
		return w.node.errorf("dns zone '%s' of cdn '%s' is outside every served zone: '%s'", w.cdn.Zone, w.cdn.Name, strings.Join(c.zones, "', '"))
	}
	w.cdn.Watch.Zone = zone
	return nil
}

// watches returns the CDNs as sites that are observed.
func (c *Config) watches() []*site.Site {
	var watches []*site.Site
	for _, w := range c.CDNs() {
		watches = append(watches, w.Watch)
	}
	return watches
}

// watch marks those CDNs of the sites that have a block.
func (c *Config) watch(sites []*site.Site) {
	known := make(map[string]bool)
	for _, w := range c.CDNs() {
		known[w.Name] = true
	}
	for _, s := range sites {
		for i := range s.CDNs {
			s.CDNs[i].Watched = known[s.CDNs[i].Name]
		}
	}
}
