package engine

import (
	"context"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
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

	Version string // of the program

	// Anchor asks an anchor for a sign of life.
	Anchor func(ctx context.Context, anchor netip.AddrPort) error
}

// Engine observes sites and decides. Its methods may be called from any
// goroutine, but Listen, Console, Redirect, Offer, Promote, Drop and Close by one at a time.
type Engine struct {
	cfg       Config
	probes    map[string]health.Probe // by kind
	scheduler *health.Scheduler
	events    chan event
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	tasks     sync.WaitGroup

	api      *api.API
	sighting *sighting // of the servers

	offered     *api.Server   // for the next Offer
	console     *console      // for the next Offer
	redirectors *redirect.Set // for the next Offer
	kept        *Kept         // for the next Offer
	invitation  invitation    // to make the first user

	onboarder  *onboarder
	onboarding *onboard.Runner
	follower   *onboard.Follower

	setting    sync.Mutex    // held while a generation is made, or ends
	woken      chan struct{} // holds a token when the store may have something new
	exchanging chan struct{} // and when there is something for other servers
	trimmed    time.Time     // when the journal was; the task's own
	failures   int           // of this server with the lease, in a row; the task's own
	resting    time.Time     // until then this server leaves the lease to others; the task's own
	doubtful   bool          // what it told last may be written yet, or not; the task's own
	rowsRead   int64         // up to which row those of other servers were read; the task's own

	mu        sync.Mutex // protects everything below
	sources   map[site.Target]*source
	current   *Generation // the one in force
	candidate *Generation // the one on offer; nil outside a reload

	drains     map[nodeName]bool        // what operators have said of nodes since the start
	moving     map[*runner][]netip.Addr // to the addresses that their origins have now
	following  bool                     // sites decide because of a CDN, of which the operator knows
	surveyed   time.Time                // when sources were last looked at
	complained time.Time                // when lookups of targets were last told to fail

	pulling   sync.Mutex        // held while overrides are brought in line with the store
	keeping   sync.Mutex        // held while what operators have said is kept
	overrides []site.Override   // in force
	cleared   map[string]string // who ended those of this server, by ID, that the store may still have
	merged    map[string]bool   // IDs of those of this server that the store has got
	warned    map[string]bool   // IDs of those of which it was told that they end soon

	role          role
	holder        string               // who decides, while this server follows
	term          int64                // of the lease, as it was known last; 0: it was not
	contact       time.Time            // when the store was last reached
	alone         time.Time            // since when it decides for itself
	announced     bool                 // it has told all that it took over in that term
	decisionsRead int64                // up to which number those of others were read
	early         map[string]parsed    // those of sites that were not there yet
	reads         int                  // how often that has begun anew
	alive         map[string]time.Time // when a row of each other server came
	prints        map[uint64]*source   // by their fingerprints, where servers share a store
	pool          *pool                // while it decides for all
	pushed        *health.Pushed       // by hosts
	news          map[string]bool      // sites whose decisions the others do not know yet
	unsaid        []unsaid             // what is not in a row yet

	entries              []store.Entry // for the journal
	configurationUnsaved bool
	decisionsUnsaved     bool
	overridesUnsaved     bool
	unwritten            map[string]error // why files of the state could not be written the last time

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
		cfg:       cfg,
		events:    make(chan event),
		sighting:  newSighting(),
		ctx:       ctx,
		stop:      cancel,
		sources:   make(map[site.Target]*source),
		drains:    make(map[nodeName]bool),
		moving:    make(map[*runner][]netip.Addr),
		probes:    maps.Clone(cfg.Network.Probes()),
		checks:    newCheckQueue(),
		woken:     make(chan struct{}, 1),
		cleared:   make(map[string]string),
		merged:    make(map[string]bool),
		unwritten: make(map[string]error),
		warned:    make(map[string]bool),
		alive:     make(map[string]time.Time),
		prints:    make(map[uint64]*source),
		pool:      newPool(),
		pushed:    health.NewPushed(),
		news:      make(map[string]bool),
		early:     make(map[string]parsed),

		exchanging: make(chan struct{}, 1),
	}
	e.probes["redirector"] = e.countRequests
	e.probes["push"] = e.pushed.Ask
	e.api = api.New(api.Config{Engine: e, Store: configuration{e}, Tokens: configuration{e}, Resources: e.resources(), Keys: configuration{e}, Log: cfg.Log, Refused: cfg.Metrics.refused.Inc})
	e.onboarding = e.newOnboarder()
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
	e.run(ctx, "follow", e.follow)
	e.run(ctx, "exchange", e.exchange)
	e.run(ctx, "journal", e.journal)
	e.run(ctx, "save", e.save)
	e.run(ctx, "onboard", e.onboarding.Run)
	e.run(ctx, "setups", e.follower.Run)
	return e
}

// Close ends all tasks and waits for them. Tables go on answering with the
// last decisions.
func (e *Engine) Close() {
	e.stop()
	e.setting.Lock()
	e.closeSocket(e.candidate, e.current)
	e.closeSocket(e.current, nil)
	e.closeConsole(e.candidate, e.current)
	e.closeConsole(e.current, nil)
	e.closeRedirectors(e.candidate, e.current)
	e.closeRedirectors(e.current, nil)
	e.setting.Unlock()
	e.tasks.Wait()
	for _, g := range []*Generation{e.candidate, e.current} {
		if g != nil {
			e.closeKept(g.kept, nil)
		}
	}
	e.cfg.Network.Close()
}

// readyAfter is how long at most a site without any sample keeps the process
// from being ready: one broken site must not take a server out of service.
const readyAfter = 30 * time.Second

// Ready reports whether the first round of probes of the sites in force is in,
// and every site has an origin. Who has a store must have seen what is in it, now or
// before the last restart.
func (e *Engine) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.current
	return g != nil && !g.kept.lost() && g.unlocated == 0 && (g.unknown == 0 || time.Since(g.began) >= readyAfter)
}
