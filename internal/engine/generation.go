package engine

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

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
	NS        map[string][]string        // name servers by zone, of those zones that name any
	Next      map[string]health.Exchange // the next plugin by site, where there is one
	Resolvers []netip.AddrPort           // that targets are asked of; empty: the system's
	Seed      string                     // of the client keys
	Allow     []netip.Prefix             // that targets at other people's may be in, beside the public Internet
	Guard     site.Guard                 // against a monitor that is cut off
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
	cdns     map[string]*cdn // those that are watched
	zones    map[string]*route.Zone
	targets  map[string]*target
	canaries map[string]*canary // by CDN, of those that are checked
	resolve  health.Exchange    // with the resolvers
	end      context.CancelFunc // of its lookups

	socket  *api.Server         // nil: there is none
	http    *redirect.Set       // nil: there are no redirectors
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
	g := e.prepare(sites)
	g.socket, e.offered = e.offered, nil
	g.http, e.redirectors = e.redirectors, nil
	e.look(ctx, g, sites)
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
		zones:    make(map[string]*route.Zone),
		targets:  make(map[string]*target),
		canaries: make(map[string]*canary),
		resolve:  e.cfg.Resolver(sites.Resolvers),
		ready:    make(chan struct{}),
		allow:    sites.Allow,
		guard:    newGuard(sites.Guard, len(sites.Sites)),
	}
	g.over = sync.OnceFunc(func() { close(g.ready) })
	if e.current != nil {
		g.guard.follow(&e.current.guard, time.Now())
	}
	for _, c := range sites.CDNs {
		added := e.newCDN(g, c)
		if c.Zone != "" {
			added.entry = route.NewEntry(added.site, g.zone(added.site.Zone, sites.NS[added.site.Zone]), route.NewSeed(sites.Seed))
		}
		g.cdns[c.Name] = added
	}
	known := e.current.byName()
	for _, s := range sites.Sites {
		r := e.newRunner(g, s, known[s.Name()])
		if from := known[s.Name()]; from != nil && mayHide(s, sites.Next[s.Name()]) {
			r.own().hides = unaccepted(s, slices.Clone(from.hides))
			g.held += held(r.hides)
		}
		r.entry = route.NewEntry(s, g.zone(s.Zone, sites.NS[s.Zone]), route.NewSeed(sites.Seed))
		if from := known[s.Name()]; from != nil {
			r.entry.Succeed(from.entry)
		}
		g.runners = append(g.runners, r)
	}
	var targets map[string]*target
	if e.current != nil {
		targets = e.current.targets
	}
	g.addTargets(targets)
	g.addGates(known, targets, &e.checks)
	if e.current != nil {
		g.followCanaries(e.current)
	}
	return g
}

// nextRound is how long at most Offer waits for the next plugins, some of which
// begin to work only after us.
const nextRound = time.Second

// look has everything looked up for the first time that the sites depend on.
func (e *Engine) look(ctx context.Context, g *Generation, sites Sites) {
	own, end := context.WithCancel(e.ctx)
	g.end = end
	var group sync.WaitGroup
	group.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, nextRound)
		defer cancel()
		needed, hides := e.nextLooks(g, sites.Next)
		newWatches(own, e.panicked).begin(ctx, needed)
		newWatches(own, e.panicked).begin(ctx, hides)
	})
	group.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, firstRound)
		defer cancel()
		newWatches(own, e.panicked).begin(ctx, e.targetLooks(g))
	})
	group.Wait()
}

// nextLooks returns all that is looked up through next plugins: what answers
// need, zones first, and what they would hide.
func (e *Engine) nextLooks(g *Generation, next map[string]health.Exchange) (needed, hides []look) {
	var zones, origins []look
	seen := make(map[string]bool)
	for _, r := range g.runners {
		exchange := next[r.site.Name()]
		if exchange == nil {
			continue
		}
		if zone := r.site.Zone; !seen[zone] {
			seen[zone] = true
			zones = append(zones, e.lookZone(g.zones[zone], exchange))
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

func (e *Engine) targetLooks(g *Generation) []look {
	var looks []look
	for _, t := range g.targets {
		if t.users != nil {
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
	entries := make([]*route.Entry, len(g.runners))
	for i, r := range g.runners {
		hold := g.guard.holds(r, now)
		before, _ := r.step(control.None, now, hold)
		e.guarded(r, before.Side, hold, now)
		r.publish()
		entries[i] = r.entry
		switch {
		case !r.located():
			g.unlocated++
		case !r.settled():
			g.await(&r.observed)
		}
	}
	e.openGates(g, now)
	for _, c := range g.cdns {
		if c.entry != nil {
			c.publish()
			entries = append(entries, c.entry)
		}
	}
	g.Table = route.NewTable(entries...)
	if g.unknown == 0 {
		g.over()
	}
	e.cfg.Metrics.recount(e.current)
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
	names := make(map[string]*runner)
	if g != nil {
		for _, r := range g.runners {
			names[r.site.Name()] = r
		}
	}
	return names
}

// Promote puts the generation on offer into force, and reports whether there
// was one.
func (e *Engine) Promote() bool {
	old := e.current
	if !e.promote() {
		return false
	}
	e.closeSocket(old, e.current)
	e.current.serve()
	e.closeRedirectors(old, e.current)
	return true
}

func (e *Engine) promote() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.candidate == nil {
		return false
	}
	old := e.current
	old.end()
	e.closeGates(old)
	e.current, e.candidate = e.candidate, nil
	e.current.guard.inherit(&old.guard)
	e.observe()
	e.reportAll(old)
	e.cfg.Metrics.recount(e.current)
	e.cfg.Metrics.forgetCDNs(old, e.current)
	e.surveyCDNs(time.Now())
	return true
}

// Drop ends the generation on offer, if any.
func (e *Engine) Drop() {
	e.closeSocket(e.candidate, e.current)
	e.closeRedirectors(e.candidate, e.current)
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
