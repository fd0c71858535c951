package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// saveEvery is how soon what is to be kept is written.
const saveEvery = time.Second

// save is the task that keeps what a restart goes on with: soon after it has changed,
// but not all the time where there is much of it.
func (e *Engine) save(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	var next time.Time
	for {
		select {
		case <-ctx.Done():
			e.saveAll(ctx)
			return nil
		case now := <-tick.C:
			if now.Before(next) {
				continue
			}
			e.saveAll(ctx)
			next = time.Now().Add(time.Since(now))
		}
	}
}

// saveAll writes what has changed since it was written.
func (e *Engine) saveAll(ctx context.Context) {
	k := e.inForceKept()
	if k == nil || k.state == nil {
		return
	}
	dir := slowly{k.state.open, &pace{hurry: func() bool { return ctx.Err() != nil || !e.keepsIn(k.state) }, began: time.Now()}}
	if configuration, new := e.unsavedConfiguration(k); new {
		e.keepFile("configuration", configuration.Save(dir), &e.configurationUnsaved)
	}
	if saved, new := e.unsavedDecisions(); new {
		e.keepFile(decisionsFile, dir.Write(decisionsFile, saved), &e.decisionsUnsaved)
	}
	if e.overridesOwed() {
		e.keepOverrides(k)
	}
}

// slowly is a folder into which long payloads are written at a slow pace.
type slowly struct {
	*store.StateDir
	pace *pace
}

func (s slowly) Write(name string, payload any) error {
	if long, ok := payload.(store.StateEncoder); ok {
		payload = paced{long, s.pace}
	}
	return s.StateDir.Write(name, payload)
}

type paced struct {
	store.StateEncoder
	pace *pace
}

func (p paced) EncodeState(encode func(any) error) error {
	return p.StateEncoder.EncodeState(func(value any) error {
		p.pace.rest()
		return encode(value)
	})
}

// keepsIn reports whether a folder is that of the generation in force.
func (e *Engine) keepsIn(f *folder) bool {
	k := e.inForceKept()
	return k != nil && k.state == f
}

// keepFile notes whether a file was written. What could not be is tried again.
func (e *Engine) keepFile(name string, err error, unsaved *bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		delete(e.unwritten, name)
	} else {
		*unsaved = true
		if len(e.unwritten) == 0 {
			e.cfg.Log.Errorf("keeping the state: %v", err)
		}
		e.unwritten[name] = err
	}
	e.cfg.Metrics.unsaved.Set(number(len(e.unwritten) > 0))
}

// overridesOwed reports, once, whether what operators have said could not be written.
func (e *Engine) overridesOwed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	owed := e.overridesUnsaved
	e.overridesUnsaved = false
	return owed
}

// keepConfiguration has the configuration written soon.
func (e *Engine) keepConfiguration() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.configurationUnsaved = true
}

func (e *Engine) unsavedConfiguration(k *Kept) (provision.Snapshot, bool) {
	e.mu.Lock()
	unsaved := e.configurationUnsaved
	e.configurationUnsaved = false
	e.mu.Unlock()
	if !unsaved || k.db == nil {
		return provision.Snapshot{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.publisher.Snapshot(k.store, k.seed), true
}

// unsavedDecisions returns all decisions, if one has changed.
func (e *Engine) unsavedDecisions() (unsaved, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.decisionsUnsaved {
		return unsaved{}, false
	}
	e.decisionsUnsaved = false
	names := slices.Collect(maps.Keys(e.current.waiting()))
	for _, r := range e.current.runners {
		if r.state.Last != nil {
			names = append(names, r.site.Name())
		}
	}
	return unsaved{e, names}, true
}

// owes notes that a site's state is to be saved, and told to other servers.
func (e *Engine) owes(r *runner) {
	e.decisionsUnsaved = true
	if e.role != roleDecides || !e.sharing() {
		return
	}
	e.news[r.site.Name()] = true
	e.exchangeSoon()
}
