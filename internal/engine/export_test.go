package engine

import (
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Waiting is how many sites the guard of a generation keeps where they are.
func (e *Engine) Waiting(g *Generation) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(g.guard.waiting)
}

// Say has a feed of the engine say something.
func (e *Engine) Say(t site.Target, samples ...site.Sample) { e.events <- event{t, samples} }

// noSites is a Corefile without sites.
func noSites() *corefile.Config { return corefile.New(func(site.Ask) error { return nil }) }

// Away returns what is kept of a server on a store that others share, and that is
// never reached.
func (e *Engine) Away(server string) *Kept {
	cfg := Keeping{Server: server, Store: store.Config{Driver: "postgres"}}
	db := newDatabase(cfg, func() {})
	db.tried, db.err = time.Now().Add(time.Hour), errors.New("away")
	overlay := noSites().Overlay()
	return &Kept{cfg: cfg, db: db, publisher: provision.NewPublisher(overlay), overlay: overlay}
}

// Seed is that of the client keys that answers are drawn with.
func (e *Engine) Seed() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current.wiring.Seed
}

// Decide has the engine decide for all servers, for long.
func (e *Engine) Decide() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.contact = time.Now().Add(time.Hour)
	e.setRole(roleDecides)
}

// Heard is what a server has heard of sites, one sample each.
type Heard []control.Heard

// HeardOf returns a sample of the response time of a part of all targets.
func (e *Engine) HeardOf(part, of int, at time.Time) (all Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for print, src := range e.prints {
		if int(print%uint64(of)) == part {
			value := 0.02 + float64(print%100)/1000
			all = append(all, control.Heard{Target: src.print, Samples: []site.Sample{{Signal: site.ResponseTime, Value: value, At: at}}})
		}
	}
	return all
}

// Row is what goes into the store.
func (h Heard) Row(now time.Time) []byte { return control.EncodeRow(now, h) }

// Note takes in what this server has heard.
func (e *Engine) Note(all Heard, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range all {
		if src := e.prints[h.Target]; !e.note(src, h.Samples, now) {
			e.hear(src, h.Samples, now)
		}
	}
	e.unsaid = nil
}

// HearRows takes in rows of other servers.
func (e *Engine) HearRows(k *Kept, rows []store.Samples, now time.Time) { e.hearAll(k, rows, now) }

// OpenRounds is how many rounds wait for servers.
func (e *Engine) OpenRounds() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.pool.open)
}
