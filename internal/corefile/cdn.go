package corefile

import (
	"fmt"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// watchedCDN is a cdn block.
type watchedCDN struct {
	node node
	cdn  *site.WatchedCDN
}

// CDNs returns the CDNs that have a block, in order of definition, once the
// Config is complete.
func (c *Config) CDNs() []*site.WatchedCDN {
	var cdns []*site.WatchedCDN
	for _, w := range c.cdns {
		cdns = append(cdns, w.cdn)
	}
	return cdns
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
	cdn, err := readCDN(n, name)
	if err == nil {
		err = c.checkAsks(n, n.children, cdn.Watch.Probes, cdn.Watch.Feeds)
	}
	if err != nil {
		return err
	}
	c.cdns = append(c.cdns, watchedCDN{n, cdn})
	return nil
}

// cdnProperties is the table of what a cdn block may say.
var cdnProperties = map[string]func(*site.WatchedCDN, node) error{
	"operated":  func(c *site.WatchedCDN, n node) error { return one(n, operated(&c.ThirdParty)) },
	"capacity":  setCDNCapacity,
	"probe":     setCDNProbe,
	"feed":      setCDNFeed,
	"threshold": func(c *site.WatchedCDN, n node) error { return setThreshold(c.Watch, n) },
}

// readCDN reads the lines of a cdn block.
func readCDN(n node, name string) (*site.WatchedCDN, error) {
	cdn := site.NewWatchedCDN(name)
	cdn.Place, cdn.Watch.Place = n.place(), n.place()
	given := seen{}
	for _, line := range n.children {
		set, known := cdnProperties[line.name()]
		if !known {
			return nil, line.wrap(unknown("property", line.name(), "operated", "capacity", "probe", "feed", "threshold"))
		}
		if err := given.add(line.key(), line); err != nil {
			return nil, err
		}
		if err := set(cdn, line); err != nil {
			return nil, line.wrap(err)
		}
	}
	cdn.Finish()
	return cdn, blameLine(n, n.children, cdn.Validate())
}

// setCDNProbe and setCDNFeed read what a site has, too. A CDN is one thing, and
// the names of sites are none of its own.
func setCDNProbe(c *site.WatchedCDN, n node) error {
	if err := setProbe(c.Watch, n); err != nil {
		return err
	}
	return plain(c.Watch.Probes)
}

func setCDNFeed(c *site.WatchedCDN, n node) error {
	if err := setFeed(c.Watch, n); err != nil {
		return err
	}
	return plain(c.Watch.Feeds)
}

// plain refuses placeholders in the latest source.
func plain(sources []site.Source) error {
	if src := sources[len(sources)-1]; strings.Contains(src.URL+src.Ask.Name, "{") {
		return fmt.Errorf("unexpected placeholder in '%s': a cdn block knows none", asked(src))
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

// watches returns the CDNs as sites that are observed.
func (c *Config) watches() []*site.Site {
	var watches []*site.Site
	for _, w := range c.cdns {
		watches = append(watches, w.cdn.Watch)
	}
	return watches
}

// watch marks those CDNs of the sites that have a block.
func (c *Config) watch(sites []*site.Site) {
	known := make(map[string]bool)
	for _, w := range c.cdns {
		known[w.cdn.Name] = true
	}
	for _, s := range sites {
		for i := range s.CDNs {
			s.CDNs[i].Watched = known[s.CDNs[i].Name]
		}
	}
}
