package engine

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
)

// role is what this server does about decisions. Without a store that others share
// it decides for itself, always.
type role int8

// The roles.
const (
	roleAlone   role = iota // it decides for itself
	roleDecides             // it decides for all servers that reach the store
	roleFollows             // it serves what another one decides
)

// Times of the exchange between servers.
const (
	exchangeEvery = time.Second
	leaseFor      = 3 * exchangeEvery // nobody else decides before that is over
	aloneAfter    = 3 * exchangeEvery // without the store, each decides for itself
)

// lonely has a server that has not reached the store for a while decide for itself.
func (e *Engine) lonely(now time.Time) {
	if !e.sharing() || e.role == roleAlone || now.Sub(e.contact) < aloneAfter {
		return
	}
	e.cfg.Log.Errorf("the store has been away for %s: this server decides alone", now.Sub(e.contact).Round(time.Second))
	e.setRole(roleAlone)
	e.stepAll(now)
}

// stepAll has all sites decide on what this server has heard.
func (e *Engine) stepAll(now time.Time) {
	for _, r := range e.current.runners {
		e.step(r, control.None, now)
	}
}

// setRole changes the role.
func (e *Engine) setRole(to role) {
	e.role = to
	if to == roleAlone {
		e.alone = time.Now()
	}
	e.pool, e.news = newPool(), make(map[string]bool)
	e.cfg.Metrics.alone.Set(number(to == roleAlone && e.sharing()))
	e.cfg.Metrics.decides.Set(number(to != roleFollows))
}

// sharing reports whether there is a store that other servers may share.
func (e *Engine) sharing() bool {
	return e.current.shared()
}

// shared reports whether the generation's sites are in a store that other servers may
// share; a nil one's are not.
func (g *Generation) shared() bool { return g != nil && g.kept != nil && g.kept.cfg.shared() }

// meetsAt reports whether a generation meets other servers where k does.
func (g *Generation) meetsAt(k *Kept) bool {
	return g.kept.db == k.db && g.kept.elsewhere == k.elsewhere
}

// resume takes up the role that suits a generation which comes into force: with a
// store that others share, nothing is decided before it is known who decides.
func (e *Engine) resume(before *Generation) {
	e.configurationUnsaved = true // it may be newer than what was kept
	switch {
	case !e.sharing() && e.role != roleAlone:
		e.setRole(roleAlone)
	case e.sharing() && (!before.shared() || !before.meetsAt(e.current.kept)):
		e.contact, e.term = time.Now(), 0
		e.setRole(roleFollows)
		e.wakeUp() // the first round waits for whoever decides
	}
	e.readAgain() // new runners have not heard what came while they were made
}

// number is 1 for what holds.
func number(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}
