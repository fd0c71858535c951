package engine

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// own says how this server does. Nobody waits for k with the engine's lock: while a
// large draft is checked that takes seconds.
func (e *Engine) own(k *Kept, schema int64) store.Server {
	held := k.heldNow()
	k.mu.Lock()
	refused := len(k.overlay.Refused())
	k.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	return store.Server{
		Name: k.cfg.Server, Version: e.cfg.Version, Schema: schema, Revision: k.serves(), Held: held, Refused: refused,
		Alone: e.role == roleAlone && e.sharing(), Decides: e.role == roleDecides || !e.sharing(),
	}
}

// reached notes whether the store was reached, and tells the operator when that
// changes.
func (e *Engine) reached(k *Kept, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	away := err != nil
	if !away {
		k.found.Store(true)
	}
	e.cfg.Metrics.storeUp.Set(number(!away))
	was := k.away != nil
	if away == was && !k.since.IsZero() {
		k.away = err
		return
	}
	k.away, k.since = err, time.Now()
	switch {
	case away:
		e.cfg.Log.Errorf("the store is away: what is in force stays: %v", err)
	case was:
		e.cfg.Log.Infof("the store is back")
	}
}
