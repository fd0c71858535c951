package engine

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Sites is what one Corefile says: its sites, and what they share.
type Sites struct {
	Sites     []*site.Site
	CDNs      []*site.WatchedCDN
	NS        map[string][]string // name servers by zone, of those zones that name any
	Next      Next
	Ask       func(*site.Site) Ask // returns how to ask the server block of a site
	Resolvers []netip.AddrPort     // that targets are asked of; empty: the system's
	Seed      string               // of the client keys
	Allow     []netip.Prefix       // that targets at other people's may be in, beside the public Internet
	Guard     site.Guard           // against a monitor that is cut off
	Kept      *Kept                // what Keep returned; nil: nothing is kept
	Own       map[string]bool      // names of CDNs of our own that have a block; may have those that are watched
}

// Ask puts a question of a client to a server block.
type Ask func(ctx context.Context, q *dns.Msg, client netip.Addr) (*dns.Msg, error)

// Next returns the next plugin of a site's server block; nil: there is none.
type Next func(*site.Site) health.Exchange

// OwnOf returns which of some CDNs are our own.
func OwnOf(blocks map[string]*site.WatchedCDN) map[string]bool {
	own := make(map[string]bool)
	for name, block := range blocks {
		if !block.ThirdParty {
			own[name] = true
		}
	}
	return own
}

// observed returns all that is observed as sites are.
func (s Sites) observed() []*site.Site {
	all := slices.Clip(s.Sites)
	for _, c := range s.CDNs {
		all = append(all, c.Watch)
	}
	return all
}

// Generation is the sites of one Corefile while they are observed.
type Generation struct {
	Table *route.Table

	runners  []*runner
	names    map[string]*runner // of runners, by the name of their site; nil: nobody has asked
	ordered  []inList           // runners by the names of their sites; nil: nobody has asked
	cdns     map[string]*cdn    // those that are watched
	zones    map[string]*zone
	targets  map[string]*target
	canaries map[string]*canary // by CDN, of those that are checked
	resolve  health.Exchange    // with the resolvers
	end      context.CancelFunc // of its lookups
	lookups  lookups

	wiring  Sites               // what the sites share, without them
	socket  *api.Server         // nil: there is none
	console *console            // nil: there is none
	http    *redirect.Set       // nil: there are no redirectors
	kept    *Kept               // nil: nothing is kept outside of the process
	nothing looked              // of all sites for which nothing is looked up; stays empty
	scratch []control.Source    // reused from decision to decision
	choices []control.Candidate // and so are these
	allow   []netip.Prefix
	guard   guard

	opened    bool // it is observed and answers
	began     time.Time
	unknown   int           // sites and CDNs that are awaited and whose first round is not over
	unlocated int           // sites whose origin has no address yet
	held      int           // sites that hidden data holds back
	returning []*gate       // whose clients come back part by part
	ready     chan struct{} // closed by over
	over      func()        // the first round is over, once
}

// firstRound is how long at most Offer waits, for lookups and again for probes.
const firstRound = 5 * time.Second

// Offer begins to observe sites beside those in force, and waits until what
// they need is looked up and the first round of probes of those that are new
// is in, at most 5 s each. An engine without sites takes them as the ones in
// force at once.
func (e *Engine) Offer(ctx context.Context, sites Sites) *Generation {
	if cost, targets := site.Downloads(sites.observed()); targets > 0 {
		e.cfg.Log.Infof("downloads from %d targets cost %s on the average", targets, site.FormatRate(cost))
	}
	e.setting.Lock()
	defer e.setting.Unlock()
	g := e.prepare(sites)
	g.socket, e.offered = e.offered, nil
	g.console, e.console = e.console, nil
	g.http, e.redirectors = e.redirectors, nil
	e.kept = nil
	e.look(ctx, g)
	e.open(g, time.Now())
	ctx, cancel := context.WithTimeout(ctx, firstRound)
	defer cancel()
	select {
	case <-g.ready:
	case <-ctx.Done():
		e.cfg.Log.Warningf("not every site has been probed within %s: those that were not answer with their origin", firstRound)
	}
	if e.candidate != g {
		g.serve()
	}
	return g
}

// prepare makes the generation of some sites.
func (e *Engine) prepare(sites Sites) *Generation {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := &Generation{
		cdns:     make(map[string]*cdn),
		zones:    make(map[string]*zone),
		targets:  make(map[string]*target),
		canaries: make(map[string]*canary),
		resolve:  e.cfg.Resolver(sites.Resolvers),
		ready:    make(chan struct{}),
		allow:    sites.Allow,
		guard:    newGuard(sites.Guard, len(sites.Sites)),
		wiring:   sites,
		kept:     sites.Kept,
	}
	g.wiring.Sites = nil
	g.over = sync.OnceFunc(func() { close(g.ready) })
	if e.current != nil {
		g.guard.follow(&e.current.guard, time.Now())
	}
	for _, c := range sites.CDNs {
		added := e.newCDN(g, c)
		if c.Zone != "" {
			added.entry = route.NewEntry(added.site, g.zone(added.site.Zone), route.NewSeed(sites.Seed))
		}
		g.cdns[c.Name] = added
	}
	known, targets := e.current.byName(), map[string]*target(nil)
	if e.current != nil {
		targets = e.current.targets
	}
	for _, s := range sites.Sites {
		g.runners = append(g.runners, e.newRunner(g, s, known[s.Name()], targets))
	}
	if e.current != nil {
		g.followCanaries(e.current)
	}
	g.begun()
	return g
}

// begun forgets what was kept of sites that are gone: what is left is that of sites
// whose origin has no address yet. Who has not seen the store does not know what is gone.
func (g *Generation) begun() {
	if g.kept == nil || len(g.kept.known) == 0 || g.kept.lost() {
		return
	}
	left := make(map[string]control.Saved)
	for _, r := range g.runners {
		if saved, known := g.kept.known[r.site.Name()]; known && !r.located() {
			left[r.site.Name()] = saved
		}
	}
	g.kept.known = left
}

// nextRound is how long at most Offer waits for the next plugins, some of which
// begin to work only after us.
const nextRound = time.Second

// lookups are those of a generation, by what waits for them.
type lookups struct{ needed, hides, targets *watches }

// look has everything looked up for the first time that the sites depend on.
func (e *Engine) look(ctx context.Context, g *Generation) {
	own, end := context.WithCancel(e.ctx)
	g.end = end
	g.lookups = lookups{newWatches(own, e.panicked), newWatches(own, e.panicked), newWatches(own, e.panicked)}
	needed, hides := e.nextLooks(g, g.runners)
	var group sync.WaitGroup
	group.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, nextRound)
		defer cancel()
		g.lookups.needed.begin(ctx, needed)
		g.lookups.hides.begin(ctx, hides)
	})
	targets := e.targetLooks(g)
	group.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, firstRound)
		defer cancel()
		g.lookups.targets.begin(ctx, targets)
	})
	group.Wait()
}

// nextLooks returns all that is looked up through next plugins for some runners:
// what answers need, zones first, and what they would hide.
func (e *Engine) nextLooks(g *Generation, runners []*runner) (needed, hides []look) {
	var zones, origins []look
	for _, r := range runners {
		exchange := g.wiring.next(r.site)
		if exchange == nil {
			continue
		}
		if zone := g.zones[r.site.Zone]; !zone.looked {
			zone.looked = true
			zones = append(zones, e.lookZone(zone.Zone, exchange))
		}
		if fromNext(r.site) {
			origins = append(origins, e.lookOrigin(r, exchange))
		}
		if mayHide(r.site, exchange) {
			hides = append(hides, e.lookHidden(r, exchange))
		}
	}
	return slices.Concat(zones, origins), hides
}

// next returns the next plugin of a site; nil: there is none.
func (s *Sites) next(of *site.Site) health.Exchange {
	if s.Next == nil {
		return nil
	}
	return s.Next(of)
}

// targetLooks returns the looks at targets whose addresses are answered, and that
// nobody looks at yet.
func (e *Engine) targetLooks(g *Generation) []look {
	var looks []look
	for _, t := range g.targets {
		if t.users != nil && !t.watched {
			t.watched = true
			looks = append(looks, e.lookAt(g, t))
		}
	}
	return looks
}

// open begins to observe a generation, decides for the first time, on what is
// known already, and fills its table.
func (e *Engine) open(g *Generation, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil {
		e.current = g
		e.resume(nil)
		e.reportLookups(nil)
	} else {
		e.candidate = g
	}
	e.cfg.Network.Allow(g.allow)
	e.observe()
	g.opened, g.began = true, now
	for _, c := range g.cdns {
		c.obey(e.drained(c.watched)) // operators may have spoken since
		e.stepCDN(c, control.None, now)
		if c.state.Side == site.SideUnknown {
			g.await(&c.observed)
		}
	}
	for _, r := range g.runners {
		before := e.openRunner(r, now)
		if g == e.current { // what one on offer decides is told when it comes into force
			e.decided(r, before, now)
		}
	}
	e.openGates(g, now)
	for _, c := range g.cdns {
		c.publish()
	}
	g.Table = route.NewTable(g.entries()...)
	if g.unknown == 0 {
		g.over()
	}
	e.cfg.Metrics.recount(e.current)
}

// openRunner has a runner decide for the first time, on what is known already. It
// returns what was answered before.
func (e *Engine) openRunner(r *runner, now time.Time) (before site.Decision) {
	g := r.generation
	before = r.answered()
	if o := control.Reigning(r.site, e.overrides, now); o != nil || r.override != nil {
		r.own().override = o
	}
	if e.role == roleFollows && r.state.Last != nil {
		r.overrule(before, r.input(control.None, now, control.HoldNothing))
	} else {
		side := r.state.Side
		hold := g.guard.holds(r, now)
		r.step(control.None, now, hold)
		e.guarded(r, side, hold, now)
	}
	r.publish()
	switch {
	case !r.located():
		g.unlocated++
	case !r.settled():
		g.await(&r.observed)
	}
	return before
}

// await counts a site or a CDN whose first round is not over.
func (g *Generation) await(o *observed) {
	o.awaited = true
	g.unknown++
}

// known counts one whose first round is over.
func (g *Generation) known(o *observed) {
	if !o.awaited {
		return
	}
	o.awaited = false
	if g.unknown--; g.unknown == 0 {
		g.over()
	}
}

// byName returns the runners by the name of their site; a nil generation has none.
func (g *Generation) byName() map[string]*runner {
	if g == nil {
		return nil
	}
	if g.names == nil {
		g.names = make(map[string]*runner, len(g.runners))
		for _, r := range g.runners {
			g.names[r.site.Name()] = r
		}
	}
	return g.names
}

// Promote puts the generation on offer into force, and reports whether there
// was one.
func (e *Engine) Promote() bool {
	e.setting.Lock()
	defer e.setting.Unlock()
	old := e.current
	if !e.promote() {
		return false
	}
	e.closeSocket(old, e.current)
	e.closeConsole(old, e.current)
	e.current.serve()
	e.closeRedirectors(old, e.current)
	e.closeKept(old.kept, e.current.kept)
	e.wakeUp() // the old one may have served something newer
	return true
}

func (e *Engine) promote() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.candidate == nil {
		return false
	}
	e.promoteLocked()
	return true
}

// promoteLocked puts the generation on offer into force.
func (e *Engine) promoteLocked() {
	old := e.current
	old.end()
	e.closeGates(old)
	e.current, e.candidate = e.candidate, nil
	e.resume(old)
	e.forgetGone(old)
	e.current.guard.inherit(&old.guard)
	e.observe()
	now := time.Now()
	e.reportAll(old, now)
	e.cfg.Metrics.recount(e.current)
	e.cfg.Metrics.forgetCDNs(old, e.current)
	e.surveyCDNs(now)
	e.follower.ChangedAll()
}

// Drop ends the generation on offer, if any.
func (e *Engine) Drop() {
	e.setting.Lock()
	defer e.setting.Unlock()
	e.closeSocket(e.candidate, e.current)
	e.closeConsole(e.candidate, e.current)
	e.closeRedirectors(e.candidate, e.current)
	if e.candidate != nil {
		e.closeKept(e.candidate.kept, e.current.kept)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.candidate != nil {
		e.candidate.end()
		e.closeGates(e.candidate)
		e.candidate = nil
		e.cfg.Network.Allow(e.current.allow)
	}
	e.observe()
}
