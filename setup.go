// Package cdnredirect is a CoreDNS plugin: it answers with the addresses of a
// site's origin while the origin performs, and with a CNAME into a CDN while
// it does not.
//
// This file registers the plugin, wires its parts and ties them to the life
// cycle of CoreDNS. README.md says what it does, docs/design.md how.
package cdnredirect

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/coredns/coredns/plugin/pkg/tls"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Version of cdnredirect.
const Version = site.Version

// userAgent is what probes call themselves.
const userAgent = "cdnredirect/" + Version + " (+https://github.com/cdnredirect/cdnredirect)"

// process is the one package-level variable: what the instances of CoreDNS in
// this process share. Series can be registered once only, and a reload must
// find the engine of the instance that it replaces.
var process = newShared(prometheus.DefaultRegisterer)

type shared struct {
	answers *steer.Metrics
	engine  *engine.Metrics
	health  *health.Metrics
	http    *redirect.Metrics

	mu       sync.Mutex
	handover *engine.Engine // of the instance that is restarting; else nil
}

func newShared(reg prometheus.Registerer) *shared {
	promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace, Subsystem: steer.Name, Name: "build_info",
		Help: "A metric with a constant '1' value labeled by the version of cdnredirect.",
	}, []string{"version"}).WithLabelValues(Version).Set(1)
	return &shared{
		answers: steer.NewMetrics(reg),
		engine:  engine.NewMetrics(reg),
		health:  health.NewMetrics(reg),
		http:    redirect.NewMetrics(reg),
	}
}

// hand leaves an engine for the next instance; nil takes the offer back.
func (s *shared) hand(e *engine.Engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handover = e
}

// handed returns what hand has left.
func (s *shared) handed() *engine.Engine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handover
}

// inherit returns the engine of the instance that is restarting, or a new one.
func (s *shared) inherit() *engine.Engine {
	if e := s.handed(); e != nil {
		return e
	}
	return engine.New(engine.Config{
		Log:     clog.NewWithPlugin(steer.Name),
		Network: health.NewNetwork(userAgent),
		Metrics: s.engine,
		Health:  s.health,

		Version: Version,

		Redirect: s.http,
		Resolver: health.NewResolver,
		Anchor:   health.AskAnchor,
	})
}

func init() { plugin.Register(steer.Name, setup) }

// setup reads one cdnredirect block. It starts nothing.
func setup(c *caddy.Controller) error {
	i := instanceOf(c)
	origins := func(args []string) []string { return plugin.OriginsFromArgsOrServerBlock(args, c.ServerBlockKeys) }
	block, err := i.config.Add(&c.Dispenser, origins)
	if err == nil {
		err = checkZones(block, origins(nil))
	}
	if err == nil {
		err = i.addNS(block)
	}
	if err != nil {
		return plugin.Error(steer.Name, err)
	}
	h := steer.New(block.Zones, process.answers, i.ready)
	i.parts = append(i.parts, part{h, block})
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		h.Next = next
		return h
	})
	return nil
}

// instance is what all cdnredirect blocks of one Corefile share. It is kept
// with the instance of CoreDNS, and goes with it. CoreDNS knows an instance
// before it is set up: a signal may run its last hooks before its first.
type instance struct {
	config *corefile.Config              // until start
	ns     map[string][]string           // name servers of the zones that name any
	parts  []part                        // until start
	engine atomic.Pointer[engine.Engine] // from start on
	gone   atomic.Bool                   // it has made way for another instance
}

// part is one block and its handler.
type part struct {
	handler *steer.Handler
	block   *corefile.Block
}

type instanceKey struct{}

// instanceOf returns the instance that c sets up; the first block makes it.
func instanceOf(c *caddy.Controller) *instance {
	if i, ok := c.Get(instanceKey{}).(*instance); ok {
		return i
	}
	i := &instance{config: corefile.New(health.Check), ns: make(map[string][]string)}
	c.Set(instanceKey{}, i)
	c.OnStartup(i.start)
	c.OnRestart(i.restart)
	c.OnRestartFailed(i.restartFailed)
	c.OnShutdown(i.shutdown)
	c.OnFinalShutdown(i.finalShutdown)
	return i
}

// checkZones refuses zones of which no question reaches the server block.
func checkZones(block *corefile.Block, served plugin.Zones) error {
	for _, zone := range block.Zones {
		if served.Matches(zone) == "" {
			return block.Errorf("zone '%s' is outside the server block, which serves '%s'", zone, strings.Join(served, "', '"))
		}
	}
	return nil
}

// addNS takes over the name servers that a block names for its zones. Several
// blocks may serve one zone, on several ports, but must say the same of it.
func (i *instance) addNS(block *corefile.Block) error {
	if len(block.NS) == 0 {
		return nil
	}
	for _, zone := range block.Zones {
		if names, known := i.ns[zone]; known && !slices.Equal(names, block.NS) {
			return block.Errorf("ns of zone '%s' is already given as '%s'", zone, strings.Join(names, " "))
		}
		i.ns[zone] = block.NS
	}
	return nil
}

// start offers the sites to the engine, before the sockets open.
func (i *instance) start() error {
	sites, err := i.sites()
	if err != nil {
		return plugin.Error(steer.Name, err)
	}
	config, said := i.config, i.config.Process()
	i.config = nil // the sites are all that is needed of it from now on, but for a store, which may adopt them
	e := process.inherit()
	i.engine.Store(e)
	err = open(e, said)
	if err == nil {
		sites, err = i.keep(e, sites, config)
	}
	if err != nil {
		if process.handed() == nil {
			e.Close() // no other instance has it
		}
		return plugin.Error(steer.Name, err)
	}
	g := e.Offer(context.Background(), sites)
	for _, p := range i.parts {
		p.handler.Use(steer.Config{Table: g.Table, NS: i.ns, ECS: said.ECS})
	}
	i.parts = nil // nor are the lines that the blocks were read from
	if len(sites.Sites) >= manySites {
		debug.FreeOSMemory()
	}
	return nil
}

// open has an engine listen where operators and visitors come.
func open(e *engine.Engine, said *corefile.Process) error {
	if err := e.Listen(said.Socket); err != nil {
		return err
	}
	err := e.Console(said.Console)
	if err == nil {
		err = e.Redirect(said.Redirectors)
	}
	if err != nil {
		e.Withdraw()
	}
	return err
}

// keep adds the sites of the store, if there is one, and has what is decided kept.
func (i *instance) keep(e *engine.Engine, sites engine.Sites, config *corefile.Config) (engine.Sites, error) {
	said := config.Process()
	if said.State == "" {
		return sites, nil
	}
	keeping, err := keepingOf(said)
	if err != nil {
		return sites, err
	}
	alone := func(s *site.Site) error {
		if sites.Next(s) != nil {
			return nil
		}
		return i.checkAlone(s)
	}
	kept, err := e.Keep(context.Background(), keeping, config, alone)
	if err != nil {
		e.Withdraw()
		return sites, err
	}
	sites.Kept, sites.Sites, sites.CDNs, sites.Own, sites.Seed = kept, kept.Sites(), kept.CDNs(), kept.Own(), kept.Seed()
	return sites, nil
}

// keepingOf returns what the Corefile says of the store and the state.
func keepingOf(said *corefile.Process) (k engine.Keeping, err error) {
	k = engine.Keeping{State: said.State, Journal: said.Journal.Keep, Rows: int64(said.Journal.Rows), Seed: said.Seed, Server: said.Server}
	if k.Server == "" {
		if k.Server, err = os.Hostname(); err != nil {
			return k, fmt.Errorf("finding the name of this server: %w: write 'server NAME'", err)
		}
	}
	if said.Store.Driver == "" {
		return k, nil
	}
	k.Store = store.Config{
		Driver: said.Store.Driver, Source: said.Store.Source, Server: k.Server, Backups: filepath.Join(said.State, "backups"),
		Log: clog.NewWithPlugin(steer.Name),
	}
	if said.Store.TLS != nil {
		if k.Store.TLS, err = tls.NewTLSConfigFromArgs(said.Store.TLS...); err != nil {
			return k, fmt.Errorf("%s: store: %w", said.Store.Place, err)
		}
	}
	return k, nil
}

// manySites is from how many sites on it is worth a moment to give back what
// reading them took: more than they take afterwards.
const manySites = 10_000

// sites returns what the Corefile says of sites, once all blocks are read and
// the chains are complete.
func (i *instance) sites() (engine.Sites, error) {
	sites, err := i.config.Complete()
	if err != nil {
		return engine.Sites{}, err
	}
	for _, p := range i.parts {
		for _, s := range p.block.Sites() {
			if p.handler.Behind() {
				continue
			}
			if err := i.checkAlone(s); err != nil {
				return engine.Sites{}, fmt.Errorf("%s: %w", s.Place, err)
			}
		}
	}
	said, handler := i.config.Process(), handlers(i.parts)
	return engine.Sites{
		Sites: sites, CDNs: i.config.CDNs(), NS: i.ns, Next: nextOf(handler), Ask: askOf(handler), Resolvers: said.Resolvers, Seed: said.Seed,
		Allow: said.Allow, Guard: said.Guard, Own: engine.OwnOf(i.config.Blocks()),
	}, nil
}

// checkAlone refuses a site that needs a plugin behind cdnredirect, where there is
// none.
func (i *instance) checkAlone(s *site.Site) error {
	switch {
	case s.Origins[0].Next:
		return fmt.Errorf("'origin next' of site '%s' needs a plugin behind cdnredirect that knows it", s.Name())
	case slices.Contains(s.Names, s.Zone) && len(i.ns[s.Zone]) == 0:
		return fmt.Errorf("site '%s' is the apex of its zone, whose SOA and NS nobody knows: write 'ns NAME...', or put a plugin such as file behind cdnredirect", s.Name())
	}
	return nil
}

// handlers returns the handler of each site: that of the block which defines it, or
// else of the first that serves its zone.
func handlers(parts []part) func(*site.Site) *steer.Handler {
	zones, sites := make(map[string]*steer.Handler), make(map[string]*steer.Handler)
	for _, p := range parts {
		for _, zone := range p.block.Zones {
			if zones[zone] == nil {
				zones[zone] = p.handler
			}
		}
	}
	for _, p := range parts {
		for _, s := range p.block.Sites() {
			if zones[s.Zone] != p.handler {
				sites[s.Name()] = p.handler
			}
		}
	}
	return func(s *site.Site) *steer.Handler { return cmp.Or(sites[s.Name()], zones[s.Zone]) }
}

// nextOf returns the next plugin of each site.
func nextOf(handler func(*site.Site) *steer.Handler) engine.Next {
	return func(s *site.Site) health.Exchange {
		h := handler(s)
		if h == nil || !h.Behind() {
			return nil
		}
		return h.AskNext
	}
}

// askOf returns how to ask for each site.
func askOf(handler func(*site.Site) *steer.Handler) func(*site.Site) engine.Ask {
	return func(s *site.Site) engine.Ask {
		if h := handler(s); h != nil {
			return h.Ask
		}
		return nil
	}
}

// ready reports whether the sites in force have been probed: those of this
// instance, or, while it is starting, of the one that it replaces.
func (i *instance) ready() bool {
	e := i.engine.Load()
	if e == nil {
		e = process.handed()
	}
	return e != nil && e.Ready()
}

func (i *instance) restart() error {
	process.hand(i.engine.Load())
	return nil
}

// restartFailed drops what the instance that failed may have offered: CoreDNS
// calls no hook of that one. It calls this one also when the new instance
// serves already and a hook of another plugin failed after that.
func (i *instance) restartFailed() error {
	if i.replaced() {
		return i.makeWay()
	}
	process.hand(nil)
	if e := i.engine.Load(); e != nil {
		e.Drop()
	}
	return nil
}

// shutdown makes way for the instance that has replaced this one. Otherwise it
// does nothing yet: queries arrive for as long as health's lameduck lasts.
func (i *instance) shutdown() error {
	if !i.replaced() {
		return nil
	}
	return i.makeWay()
}

// replaced reports whether CoreDNS has stopped the servers of this instance
// for those of a new one: it is no longer in the list of instances then. The
// list is read without CoreDNS's lock, which is held, or not needed, wherever
// hooks run.
func (i *instance) replaced() bool {
	own := func(other *caddy.Instance) bool {
		other.StorageMu.RLock()
		defer other.StorageMu.RUnlock()
		return other.Storage[instanceKey{}] == i
	}
	return !slices.ContainsFunc(caddy.Instances(), own)
}

// makeWay leaves the engine to the new instance, once: both shutdown and
// restartFailed may find that this one has been replaced.
func (i *instance) makeWay() error {
	if i.gone.Swap(true) {
		return nil
	}
	process.hand(nil)
	if e := i.engine.Load(); e != nil && !e.Promote() {
		e.Close() // the new Corefile has no cdnredirect
	}
	return nil
}

func (i *instance) finalShutdown() error {
	if e := i.engine.Load(); e != nil {
		e.Close()
	}
	return nil
}
