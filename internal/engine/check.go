package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Bounds of checks. They are no options: a CDN that needs more is not ready.
const (
	maxChecks = 1024             // under way at once
	maxText   = 200              // characters of what is said of a failure: some of it may be the CDN's own text
	brokenFor = 10 * time.Minute // after which a name that nobody can resolve any more counts as one that leads nowhere
)

// check is the task that checks CDNs for sites.
func (e *Engine) check(ctx context.Context) error {
	places := make(chan struct{}, maxChecks)
	var under sync.WaitGroup
	defer under.Wait()
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		g := e.nextGate(ctx)
		if g == nil {
			return nil
		}
		under.Go(func() {
			defer func() { <-places }()
			e.checkOnce(ctx, g)
		})
	}
}

// nextGate waits for the next gate whose time has come; nil: ctx is over.
func (e *Engine) nextGate(ctx context.Context) *gate {
	for {
		e.mu.Lock()
		g, wait := e.checks.next(time.Now())
		e.mu.Unlock()
		if g != nil {
			return g
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-e.checks.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// verdict is what a check found. The zero one is good.
type verdict struct {
	failure site.Failure // empty: it is good
	why     error        // the failure, for people
	sure    bool         // no second check would mend it
	origins bool         // it may be the fault of the site's origins
	mute    bool         // it says nothing of the CDN, but of us, or of the origins
}

func (v verdict) good() bool { return v.failure == "" }

// text says the failure in a line.
func (v verdict) text() string {
	switch {
	case v.good():
		return ""
	case v.why == nil:
		return string(v.failure)
	}
	return printable(v.why.Error())
}

// printable returns what may be shown of a text.
func printable(text string) string {
	clean := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	if runes := []rune(clean); len(runes) > maxText {
		return string(runes[:maxText]) + "..."
	}
	return clean
}

// checkOnce checks a CDN for a site. A panic says nothing of it.
func (e *Engine) checkOnce(ctx context.Context, g *gate) {
	began := time.Now()
	v := verdict{failure: site.FailureLocal, why: errors.New("the check panicked"), mute: true}
	e.attempt(ctx, "check", func(ctx context.Context) error {
		v = e.askCDN(ctx, g)
		return nil
	})
	if ctx.Err() == nil {
		e.attempt(ctx, "check", func(context.Context) error {
			e.checked(g, began, v)
			return nil
		})
	}
}

// askCDN asks a CDN all that the site wants to be asked.
func (e *Engine) askCDN(ctx context.Context, g *gate) verdict {
	v4, v6, v := e.locate(ctx, g)
	if !v.good() {
		return v
	}
	addrs := e.turn(g, v4, v6)
	if !g.site.Ready.Asks() {
		e.warm(ctx, g, addrs[0])
		return v
	}
	for _, addr := range addrs {
		t := g.site.CheckOf(g.site.CDNs[g.cdn], addr, g.public(addr))
		r := e.probes[t.Kind](ctx, t)
		if v = e.verdictOf(g, r); v.good() {
			e.warm(ctx, g, addr)
			return v
		}
		if answered(r) {
			return v
		}
	}
	return v
}

// answered reports whether a CDN took the question. If it did not, there may be
// another address that does.
func answered(r health.Result) bool {
	return r.Failure != site.FailureConnect && r.Failure != site.FailureTimeout || r.Phases.FirstByte > 0
}

// verdictOf judges what a CDN answered. While the site's origins are not well there
// may be nothing that it could answer with.
func (e *Engine) verdictOf(g *gate, r health.Result) verdict {
	v := verdict{failure: r.Failure, why: r.Err, mute: r.Failure == site.FailureLocal}
	switch r.Failure {
	case site.FailureStatus, site.FailureContent, site.FailureTimeout:
		v.origins = answered(r)
	}
	if v.origins {
		e.mu.Lock()
		defer e.mu.Unlock()
		v.mute = g.runner.state.Weak
	}
	return v
}

// turn returns which addresses a check asks: another one each time, and one of the
// other family if that does not answer, as a monitor may have only one of them.
func (e *Engine) turn(g *gate, v4, v6 []netip.Addr) []netip.Addr {
	e.mu.Lock()
	n := g.turn
	g.turn++
	e.mu.Unlock()
	switch {
	case len(v4) > 0 && len(v6) > 0:
		first, second := v4[n/2%len(v4)], v6[n/2%len(v6)]
		if n%2 == 1 {
			first, second = second, first
		}
		return []netip.Addr{first, second}
	case len(v4)+len(v6) == 1:
		return slices.Concat(v4, v6)
	}
	all := slices.Concat(v4, v6)
	return []netip.Addr{all[n%len(all)], all[(n+1)%len(all)]}
}

// public reports whether an address of the CDN is asked only if it is on the public
// Internet. Of an own CDN that is not watched no node is known.
func (g *gate) public(addr netip.Addr) bool {
	if own := g.runner.generation.cdns[g.name()]; own != nil {
		return own.watched.AsksInPublic(g.site, addr)
	}
	return !g.runner.generation.wiring.Own[g.name()] || g.site.Customer != ""
}

// name is that of the CDN.
func (g *gate) name() string { return g.site.CDNs[g.cdn].Name }

// locate returns the addresses of the CDN's target: those of nodes, or what the
// target is resolved to.
func (e *Engine) locate(ctx context.Context, g *gate) (v4, v6 []netip.Addr, v verdict) {
	if g.target == nil {
		addrs, v := e.nodesOf(g)
		return addrs, nil, v
	}
	ctx, cancel := context.WithTimeout(ctx, maxLook)
	defer cancel()
	e.lookUp(ctx, g.runner.generation, g.target)
	e.mu.Lock()
	defer e.mu.Unlock()
	found := g.target.last
	return found.v4.Addresses, found.v6.Addresses, g.resolved(time.Now())
}

// nodesOf returns the addresses that we answer for the CDN's target.
func (e *Engine) nodesOf(g *gate) ([]netip.Addr, verdict) {
	e.mu.Lock()
	defer e.mu.Unlock()
	said := g.runner.generation.cdns[g.name()].said
	if said == nil || len(said.Addresses) == 0 {
		return nil, verdict{failure: site.FailureResolve, why: errors.New("no node of it is known to be up"), mute: true}
	}
	return said.Addresses, verdict{}
}

// resolved judges what the target was resolved to. An address of one family is
// enough: some CDNs' servers fail whoever asks for the other. If nobody answers that
// says nothing; if they answer that they cannot find out, it does once it has gone on
// for long.
func (g *gate) resolved(now time.Time) verdict {
	t := g.target
	for _, alias := range t.last.aliases() {
		if name, bad := site.CanonicalName(alias); bad == nil && g.site.Serves(name) {
			return verdict{failure: site.FailureResolve, sure: true, why: fmt.Errorf("the target '%s' leads back to the site, by '%s'", t.name, name)}
		}
	}
	lost := errors.Is(t.err, health.ErrUnresolvable) && (t.last.empty() || now.Sub(t.good) >= brokenFor)
	switch {
	case t.last.heard:
		return verdict{}
	case lost:
		return verdict{failure: site.FailureResolve, why: t.err}
	case !t.last.empty() && g.site.Ready.Asks():
		return verdict{}
	case t.err == nil && !t.until.IsZero():
		return verdict{failure: site.FailureResolve, sure: true, why: fmt.Errorf("the target '%s' has no address", t.name)}
	}
	return verdict{failure: site.FailureLocal, why: cmp.Or(t.err, errNoLookup), mute: true}
}

// errNoLookup is why nothing is known of a target that was never looked up to the end.
var errNoLookup = errors.New("its target could not be looked up")

// checked takes in what a check has found, and lets the site decide on it.
func (e *Engine) checked(g *gate, began time.Time, v verdict) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checkOver(g)
	e.cfg.Metrics.checked(v.failure)
	now, generation := time.Now(), g.runner.generation
	if g.runner.gone || generation != e.current && generation != e.candidate {
		return
	}
	first, open, sent := g.asked.IsZero(), g.state.Open, g.sent
	g.asked, g.sent = began, false
	c := control.Check{At: began, Failure: v.text(), Sure: v.sure, OfOrigin: v.origins}
	c.Mute = v.mute || !v.good() && generation.guard.cutOff(began, now)
	g.state = g.state.Next(g.site.Name()+g.name(), c)
	e.plan(g)
	if first || open != g.state.Open {
		e.gateMoved(g, open, now)
	}
	if sent && !c.Mute {
		e.canaryHeard(g, c, now)
	}
}

// gateMoved lets a site decide whose gate has opened or closed, or was checked for
// the first time.
func (e *Engine) gateMoved(g *gate, before bool, now time.Time) {
	g.part = g.state.Part(now)
	if g.state.Open && g.part < 1 {
		g.runner.generation.returning = append(g.runner.generation.returning, g)
	}
	if g.runner.generation == e.current {
		e.reportGate(g, before)
	}
	if g.runner.entry != nil && g.runner.generation.opened {
		e.step(g.runner, control.None, now)
	}
}
