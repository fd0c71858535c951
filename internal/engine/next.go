package engine

import (
	"context"
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
		m, err := next(ctx, q)
		if (err != nil || m.Rcode == dns.RcodeRefused) && !dns.IsSubDomain(zone, q.Question[0].Name) {
			return resolve(ctx, q)
		}
		return m, err
	}
}

// lookOrigin returns the look for the addresses of a site whose origin the next
// plugin knows.
func (e *Engine) lookOrigin(r *runner, next health.Exchange) look {
	name, exchange := r.site.Name(), askNext(r.site.Zone, next, r.generation.resolve)
	var last resolved
	return func(ctx context.Context) time.Duration {
		found, err := last.look(ctx, exchange, name)
		e.cfg.Metrics.looked("origin", err)
		if found.empty() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.originMissing(r, err)
			return min(retryPause, r.period())
		}
		last = found
		e.mu.Lock()
		defer e.mu.Unlock()
		e.originFound(r, found.found().Addresses)
		return within(found.found().TTL, leastPause, r.period())
	}
}

// originFound has a runner take over new addresses at the next settling.
func (e *Engine) originFound(r *runner, addrs []netip.Addr) {
	r.lost = false
	if slices.Equal(addrs, r.site.Origin.Addresses) {
		r.moveTo = nil
		return
	}
	if !r.generation.opened {
		r.moveTo = addrs
		r.move()
		return
	}
	if r.moveTo == nil {
		e.moving = append(e.moving, r)
	}
	r.moveTo = addrs
}

// originMissing tells the operator, once, that the last good addresses stay.
func (e *Engine) originMissing(r *runner, err error) {
	if r.lost || r.generation != e.current {
		return
	}
	r.lost = true
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
	if len(e.moving) == 0 {
		return
	}
	moving := e.moving
	e.moving = nil
	moving = slices.DeleteFunc(moving, func(r *runner) bool {
		return r.moveTo == nil || r.generation != e.current && r.generation != e.candidate
	})
	for _, r := range moving {
		if !r.located() {
			r.generation.unlocated--
		}
		r.move()
	}
	e.observe()
	for _, r := range moving {
		e.step(r, control.None, now)
	}
}

// move makes the addresses found those of the origin. What is known of a path
// goes with it.
func (r *runner) move() {
	s := *r.site
	s.Origin.Addresses, r.moveTo = r.moveTo, nil
	old := r.paths
	r.site = &s
	r.setPaths(s.Paths())
	r.state = control.Carry(r.state, old, r.paths)
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
