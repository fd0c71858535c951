package engine

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/miekg/dns"
)

// askNext returns the exchange for a site of a zone whose data the next plugin
// has. Names outside the zone, to which a CNAME there may lead, are asked of
// resolvers where that plugin does not know them; a name inside never is: they
// would lead back here.
func askNext(zone string, next, resolve health.Exchange) health.Exchange {
	return func(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
		m, err := withAlias(ctx, next, q)
		if (err != nil || m.Rcode == dns.RcodeRefused) && !dns.IsSubDomain(zone, q.Question[0].Name) {
			return resolve(ctx, q)
		}
		return m, err
	}
}

// withAlias asks for a CNAME where there is nothing else: some plugins (etcd)
// leave out one that they cannot follow themselves.
func withAlias(ctx context.Context, next health.Exchange, q *dns.Msg) (*dns.Msg, error) {
	m, err := next(ctx, q)
	if err != nil || m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 {
		return m, err
	}
	alias, failed := next(ctx, new(dns.Msg).SetQuestion(q.Question[0].Name, dns.TypeCNAME))
	if failed == nil && len(alias.Answer) > 0 {
		return alias, nil
	}
	return m, nil
}

// lookOrigin returns the look for the addresses of a site whose origin the next
// plugin knows.
func (e *Engine) lookOrigin(r *runner, next health.Exchange) look {
	name, exchange := r.site.Name(), askNext(r.site.Zone, next, r.generation.resolve)
	return func(ctx context.Context) time.Duration {
		e.mu.Lock()
		last := *r.origin
		e.mu.Unlock()
		found, err := last.look(ctx, exchange, name)
		e.cfg.Metrics.looked("origin", err)
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.gone {
			return over
		}
		if !found.empty() {
			*r.origin = found
			e.originFound(r, found.found().Addresses)
		}
		if err != nil || found.empty() {
			e.originMissing(r, err)
			if !r.located() {
				return leastPause
			}
			return min(retryPause, r.period())
		}
		r.own().lost = false
		return within(found.found().TTL, leastPause, r.period())
	}
}

// originFound has a runner take over new addresses at the next settling.
func (e *Engine) originFound(r *runner, addrs []netip.Addr) {
	switch {
	case slices.Equal(addrs, r.site.Origins[0].Addresses):
		delete(e.moving, r)
	case !r.generation.opened:
		e.move(r, addrs)
		r.begin(e)
	default:
		e.moving[r] = addrs
	}
}

// originMissing tells the operator, once, that the last good addresses stay.
func (e *Engine) originMissing(r *runner, err error) {
	if r.lost || r.generation != e.current || e.ctx.Err() != nil {
		return
	}
	r.own().lost = true
	if err == nil {
		e.cfg.Log.Warningf("site %q: the next plugin has no address of it", r.site.Name())
	} else {
		e.cfg.Log.Warningf("site %q: looking up its origin: %v", r.site.Name(), err)
	}
}

// settleEvery is how long changes of addresses wait for others.
const settleEvery = 100 * time.Millisecond

// settle has the origins move whose addresses have changed.
func (e *Engine) settle(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.moving) == 0 {
		return
	}
	moving := e.moving
	e.moving = make(map[*runner][]netip.Addr)
	maps.DeleteFunc(moving, func(r *runner, _ []netip.Addr) bool {
		return r.generation != e.current && r.generation != e.candidate
	})
	for r, addrs := range moving {
		if !r.located() {
			r.generation.unlocated--
			if r.state.Side == site.SideUnknown {
				r.generation.await(&r.observed)
			}
		}
		e.move(r, addrs)
	}
	e.observe()
	for r := range moving {
		e.goOn(r, now)
		e.step(r, control.None, now)
	}
}

// goOn has a runner whose origin was found go on with what was kept of the site.
func (e *Engine) goOn(r *runner, now time.Time) {
	defer e.recovered()
	before := r.noted()
	if !r.begin(e) {
		return
	}
	before.answer = r.answered() // it was decided before
	r.overrule(before.answer, r.input(control.None, now, control.HoldNothing))
	r.publish()
	e.concluded(r, before, now)
}

// move makes these the addresses of the origin. What is known of a path goes
// with it.
func (e *Engine) move(r *runner, addrs []netip.Addr) {
	old := r.site
	r.site = withAddresses(old, addrs)
	r.paths, r.inform = e.pathsOf(r.site)
	r.state = control.Carry(r.state, old, r.site)
}

// period is how often at least the site looks at its origin.
func (r *runner) period() time.Duration {
	period := site.DefaultEvery
	for i, p := range r.site.Probes {
		if i == 0 || p.Every < period {
			period = p.Every
		}
	}
	return period
}
