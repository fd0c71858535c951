package corefile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Config is what all cdnredirect blocks of one Corefile say together. After an
// error it is of no further use.
type Config struct {
	classes map[string]node
	origins map[string]namedOrigin
	cdns    []watchedCDN // in order of definition
	zones   []string     // of all blocks
	entries []*entry     // in order of definition
	servers []site.Server
	process Process
	pool    *pool
	asks    *asks
}

// New returns a Config that no block has been added to. check says what is wrong
// with what a probe or feed is to ask, as far as only whoever asks can tell.
func New(check func(site.Ask) error) *Config {
	return &Config{asks: newAsks(check), classes: make(map[string]node), origins: make(map[string]namedOrigin), process: Process{given: make(map[string]node), Download: site.DefaultDownloadLimit, Journal: Journal{Keep: DefaultKeep, Rows: DefaultRows}}, pool: newPool()}
}

// Process returns what the blocks say for all of them.
func (c *Config) Process() *Process { return &c.process }

// Block is one cdnredirect block.
type Block struct {
	Zones []string // canonical names, each once
	NS    []string // canonical names; nil without an ns line

	directive node
	entries   []*entry
}

// Sites returns the sites that the block defines, once the Config is complete.
func (b *Block) Sites() []*site.Site {
	sites := make([]*site.Site, len(b.entries))
	for i, e := range b.entries {
		sites[i] = e.site
	}
	return sites
}

// Errorf makes an error at the block's first line.
func (b *Block) Errorf(format string, args ...any) error { return b.directive.errorf(format, args...) }

// Add reads one server block's cdnredirect directive. zones turns the words
// behind the directive (maybe none) into zone names.
//
// A class or an origin may be defined after the sites that use it, even in a
// later server block; those sites wait for the Add that brings it.
func (c *Config) Add(d *caddyfile.Dispenser, zones func(args []string) []string) (*Block, error) {
	directive, err := readDirective(d)
	if err != nil {
		return nil, err
	}
	return c.add(directive, zones)
}

func (c *Config) add(directive node, zones func(args []string) []string) (_ *Block, err error) {
	block := &Block{directive: directive}
	if block.Zones, err = readZones(directive, zones); err != nil {
		return nil, err
	}
	c.zones = unique(append(c.zones, block.Zones...))
	if err := c.readBlock(block, directive.children); err != nil {
		return nil, err
	}
	if err := c.resolve(); err != nil {
		return nil, err
	}
	return block, nil
}

// Complete returns all sites in order of definition, or the first thing that
// only the whole Corefile can tell: an unknown class, a name defined twice, a
// loop of targets, a name server that is steered, a store without a state.
func (c *Config) Complete() ([]*site.Site, error) {
	if err := c.process.checkStore(); err != nil {
		return nil, err
	}
	sites := make([]*site.Site, 0, len(c.entries))
	for _, e := range c.entries {
		if e.site == nil {
			return nil, c.waitsFor(e)
		}
		sites = append(sites, e.site)
	}
	var wrong *site.PlaceError
	if errors.As(site.ValidateSet(sites), &wrong) {
		return nil, errorAt(wrong.Place, hint(wrong))
	}
	if errors.As(site.ValidateServers(c.servers, sites), &wrong) {
		return nil, errorAt(wrong.Place, wrong.Err)
	}
	if errors.As(site.ValidateWatched(c.CDNs(), sites, c.servers, c.zones), &wrong) {
		return nil, errorAt(wrong.Place, wrong.Err)
	}
	if errors.As(c.serve(sites), &wrong) {
		return nil, errorAt(wrong.Place, wrong.Err)
	}
	if errors.As(site.ValidateDownloads(slices.Concat(sites, c.watches()), c.process.Download), &wrong) {
		return nil, errorAt(wrong.Place, wrong.Err)
	}
	c.watch(sites)
	return sites, c.place()
}

// hint helps who imports one snippet into several server blocks.
func hint(wrong *site.PlaceError) error {
	if strings.HasSuffix(wrong.Err.Error(), " at "+wrong.Place) {
		return fmt.Errorf("%w: sites are defined once, and a block of a bare 'cdnredirect' serves those of others", wrong.Err)
	}
	return wrong.Err
}

// resolve builds every site that waits for nothing.
func (c *Config) resolve() error {
	for _, e := range c.entries {
		class, known := c.classes[e.class]
		if e.site != nil || e.class != "" && !known {
			continue
		}
		lines := merge(class.children, e.node.children)
		if _, missing := c.missingOrigin(lines); missing {
			continue
		}
		s, err := c.build(e, lines)
		if err != nil {
			return err
		}
		c.pool.share(s)
		e.site = s
	}
	return nil
}

// waitsFor says what a site waits for that never came.
func (c *Config) waitsFor(e *entry) error {
	class, known := c.classes[e.class]
	if e.class != "" && !known {
		return e.node.errorf("unknown class '%s': define it with 'class %s { ... }'", e.class, e.class)
	}
	line, _ := c.missingOrigin(merge(class.children, e.node.children))
	return line.errorf("unknown origin '%s': write its addresses, or define it with 'origin %s { ... }'", line.args()[0], line.args()[0])
}
