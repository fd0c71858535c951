package engine

import (
	"context"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Logger is where the engine speaks to the operator; CoreDNS's plugin logger is one.
type Logger interface {
	Infof(format string, v ...any)
	Warningf(format string, v ...any)
	Errorf(format string, v ...any)
}

// Network is how the engine reaches its targets; see health.Network.
type Network interface {
	Probes() map[string]health.Probe // by kind
	Allow(networks []netip.Prefix)   // where targets at other people's may be, beside the public Internet
	Close()
}

// Config is what an engine needs. All fields must be set.
type Config struct {
	Log     Logger
	Network Network
	Metrics *Metrics
	Health  *health.Metrics

	Redirect *redirect.Metrics

	// Resolver returns the exchange with recursive servers; none: the system's.
	Resolver func(servers []netip.AddrPort) health.Exchange

	// Anchor asks an anchor for a sign of life.
	Anchor func(ctx context.Context, anchor netip.AddrPort) error
}

// Engine observes sites and decides. Its methods may be called from any
// goroutine, but Listen, Redirect, Offer, Promote, Drop and Close by one at a time.
type Engine struct {
	cfg       Config
	probes    map[string]health.Probe // by kind
	scheduler *health.Scheduler
	events    chan event
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	tasks     sync.WaitGroup

	offered     *api.Server   // for the next Offer
	redirectors *redirect.Set // for the next Offer

	mu        sync.Mutex // protects everything below
	sources   map[site.Target]*source
	current   *Generation // the one in force
	candidate *Generation // the one on offer; nil outside a reload

	drains     map[nodeName]bool        // what operators have said of nodes since the start
	moving     map[*runner][]netip.Addr // to the addresses that their origins have now
	following  bool                     // sites decide because of a CDN, of which the operator knows
	surveyed   time.Time                // when sources were last looked at
	complained time.Time                // when lookups of targets were last told to fail

	checks                 checkQueue
	countedGates           time.Time // since when the operator was told of saidGates gates
	saidGates, unsaidGates int
}

// event is the samples of one target on their way from the scheduler to the
// decisions.
type event struct {
	target  site.Target
	samples []site.Sample
}

// New returns an engine without sites and starts its tasks; Close ends them.
func New(cfg Config) *Engine {
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{
		cfg:     cfg,
		events:  make(chan event),
		ctx:     ctx,
		stop:    cancel,
		sources: make(map[site.Target]*source),
		drains:  make(map[nodeName]bool),
		moving:  make(map[*runner][]netip.Addr),
		probes:  maps.Clone(cfg.Network.Probes()),
		checks:  newCheckQueue(),
	}
	e.probes["redirector"] = e.countRequests
	e.scheduler = health.NewScheduler(health.Config{
		Probes:  e.probes,
		Metrics: cfg.Health,
		Deliver: func(t site.Target, s []site.Sample) {
			select {
			case e.events <- event{t, s}:
			case <-ctx.Done():
			}
		},
		Failed:   e.sourceFailed,
		Panicked: func(value any, stack []byte) { e.panicked("probe", value, stack) },
	})
	e.run(ctx, "schedule", e.scheduler.Run)
	e.run(ctx, "decide", e.decide)
	e.run(ctx, "guard", e.watchAnchors)
	e.run(ctx, "check", e.check)
	return e
}

// Close ends all tasks and waits for them. Tables go on answering with the
// last decisions.
func (e *Engine) Close() {
	e.stop()
	e.closeSocket(e.candidate, e.current)
	e.closeSocket(e.current, nil)
	e.closeRedirectors(e.candidate, e.current)
	e.closeRedirectors(e.current, nil)
	e.tasks.Wait()
	e.cfg.Network.Close()
}

// readyAfter is how long at most a site without any sample keeps the process
// from being ready: one broken site must not take a server out of service.
const readyAfter = 30 * time.Second

// Ready reports whether the first round of probes of the sites in force is in,
// and every site has an origin.
func (e *Engine) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.current
	return g != nil && g.unlocated == 0 && (g.unknown == 0 || time.Since(g.began) >= readyAfter)
}
