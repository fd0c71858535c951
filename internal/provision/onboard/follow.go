package onboard

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Setups keeps setups: a *store.Store, whose methods say what they do.
type Setups interface {
	// DueSetups returns those of each CDN that have waited longest, as many as limit of each.
	DueSetups(ctx context.Context, now time.Time, limit int) ([]site.Setup, error)
	SetupSites(ctx context.Context, after string, limit int) ([]string, error)
	SetupsOf(ctx context.Context, sites []string) ([]site.Setup, error)
	StandingOf(ctx context.Context, sites []string) (map[string]store.SetupSite, error)
	PutSetups(ctx context.Context, fence store.Fence, all []site.Setup) (written int, err error)
	DropSetups(ctx context.Context, fence store.Fence, all []site.Setup) error
	CountSetups(ctx context.Context) (map[site.SetupState]int, error)
}

// InForce is what this server, and the others, serve.
type InForce interface {
	// Sites returns those in force of some names of objects, and the revision that they are
	// of. It is an error if that is not known yet.
	Sites(ctx context.Context, names []string) (found map[string]*site.Site, revision int64, err error)

	// Provision returns who sets up the sites of a CDN.
	Provision(cdn string) site.Provision

	// Served returns nil once all servers serve a revision.
	Served(ctx context.Context, revision int64) error
}

// FollowerConfig is what a Follower needs. All fields must be set.
type FollowerConfig struct {
	Setups    Setups
	InForce   InForce
	Providers Providers
	Network   Network
	Turn      func() (fence store.Fence, ours bool) // as for a Runner
	Log       Logger
	Counted   func(map[site.SetupState]int) // is told now and then how many setups there are; nil: others count them
}

const (
	together   = 500         // sites that are compared at once
	followers  = 16          // setups that are gone on with at once
	perCDN     = 4           // of one CDN: a slow one leaves room for others
	longTries  = 16          // after so many, some ten minutes, an operator is told
	countEvery = time.Minute // at least
)

// Follower has the CDNs' side of onboarded sites follow what is in force. It compares what
// was set up with that, and does not care how it became so: a publication, a rollback,
// another class, or a change while no server was there. One of several servers has it do so.
type Follower struct {
	cfg     FollowerConfig
	locks   Locks // of setups: an onboarding may be at the same one
	woken   chan struct{}
	fence   store.Fence
	since   time.Time // when it was this server's turn; zero: it is not
	counted time.Time // when setups were

	under sync.WaitGroup
	mu    sync.Mutex
	all   bool                // all sites are to be compared
	dirty map[string]bool     // these are
	runs  map[setupKey]func() // what is under way; ends it
	busy  map[string]int      // of that, by CDN
	turn  string              // the CDN that had its turn last
	held  holds[setupKey]     // what the store has not taken
}

type setupKey struct{ site, cdn string }

// lock has nobody else be at a setup.
func (f *Follower) lock(ctx context.Context, site, cdn string) (unlock func(), err error) {
	return f.locks.Lock(ctx, site+" "+cdn)
}

// NewFollower returns a follower; Run runs it.
func NewFollower(cfg FollowerConfig) *Follower {
	return &Follower{cfg: cfg, woken: make(chan struct{}, 1), dirty: make(map[string]bool), runs: make(map[setupKey]func()), busy: make(map[string]int)}
}

// Changed has sites be compared that may have changed, by the names of their objects.
func (f *Follower) Changed(sites ...string) {
	f.later(false, sites...)
	f.release(func(key setupKey) bool { return slices.Contains(sites, key.site) })
	f.Wake()
}

// ChangedAll has all of them be.
func (f *Follower) ChangedAll() {
	f.later(true)
	f.release(func(setupKey) bool { return true })
	f.Wake()
}

// release has some be held back no more.
func (f *Follower) release(which func(setupKey) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held.drop(which)
}

// later has sites be compared the next time.
func (f *Follower) later(all bool, sites ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = f.all || all
	for _, name := range sites {
		f.dirty[name] = true
	}
}

// Wake has it look now.
func (f *Follower) Wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// Run follows until ctx is over.
func (f *Follower) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer f.stop()
	for {
		f.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-f.woken:
		}
	}
}

// look compares what has changed, and begins with whatever is due. When the lease goes, so
// does all that is under way.
func (f *Follower) look(ctx context.Context) {
	fence, ours := f.cfg.Turn()
	if !ours || f.since.IsZero() || fence != f.fence {
		f.stop()
		f.fence, f.since, f.counted = fence, time.Now(), time.Time{}
		f.later(true)
	}
	switch {
	case !ours:
		f.since = time.Time{}
		f.cfg.Counted(nil)
		return
	case fence != store.Fence{} && time.Since(f.since) < takeOver:
		return
	}
	changed := f.compare(ctx, fence)
	due, err := f.cfg.Setups.DueSetups(ctx, time.Now(), atOnce)
	if err != nil {
		return // the store is away, of which the operator knows
	}
	f.startSome(ctx, due)
	if changed || time.Since(f.counted) > countEvery {
		f.count(ctx)
	}
}

// count tells how many setups there are.
func (f *Follower) count(ctx context.Context) {
	if counts, err := f.cfg.Setups.CountSetups(ctx); err == nil {
		f.counted = time.Now()
		f.cfg.Counted(counts)
	}
}

// stop ends what is under way, and waits for that.
func (f *Follower) stop() {
	f.mu.Lock()
	for _, end := range f.runs {
		end()
	}
	f.mu.Unlock()
	f.under.Wait()
}

// start goes on with a setup.
func (f *Follower) start(ctx context.Context, s site.Setup) {
	key := setupKey{s.Site, s.CDN}
	ctx, cancel := context.WithCancel(ctx)
	f.runs[key] = cancel
	f.busy[s.CDN]++
	fence := f.fence
	f.under.Go(func() {
		wrote := f.work(ctx, fence, s)
		cancel()
		f.ended(key, wrote)
		if f.later(false, s.Site); wrote { // whatever came of it, and meanwhile
			f.Wake()
		}
	})
}

// ended notes that a setup is not under way any more. What came of it may not have been
// written: then it is as due as before, and is not begun again at once.
func (f *Follower) ended(key setupKey, wrote bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.runs, key)
	f.busy[key.cdn]--
	if wrote {
		delete(f.held, key)
	} else {
		f.held.add(key, time.Now())
	}
}
