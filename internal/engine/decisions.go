package engine

import (
	"errors"
	"io"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/control"
)

// decisions is what was kept of decisions, by site.
type decisions map[string]control.Saved

// unsaved is the decisions that are to be kept: those that are in force while they are
// written. A copy of all of them would make every decision wait for it.
type unsaved struct {
	e     *Engine
	sites []string
}

// fewDecisions are taken at once: nothing is decided meanwhile.
const fewDecisions = 100

// EncodeState implements store.StateEncoder.
func (u unsaved) EncodeState(encode func(any) error) error {
	for sites := range slices.Chunk(u.sites, fewDecisions) {
		for _, saved := range u.e.decisionsOf(sites) {
			if err := encode(saved); err != nil {
				return err
			}
		}
	}
	return nil
}

// decisionsOf returns what was decided last on some sites, as far as they are there.
func (e *Engine) decisionsOf(sites []string) (all []control.Saved) {
	e.mu.Lock()
	defer e.mu.Unlock()
	named := e.current.byName()
	for _, name := range sites {
		if r := named[name]; r != nil && r.state.Last != nil {
			all = append(all, control.Save(r.site, r.state))
		} else if saved, waits := e.current.waiting()[name]; waits {
			all = append(all, saved)
		}
	}
	return all
}

// waiting returns what was kept of sites that are yet to go on with it.
func (g *Generation) waiting() map[string]control.Saved {
	if g.kept == nil {
		return nil
	}
	return g.kept.known
}

// DecodeState implements store.StateDecoder.
func (d *decisions) DecodeState(decode func(any) error) error {
	*d = make(decisions)
	for {
		var saved control.Saved
		switch err := decode(&saved); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		(*d)[saved.Site] = saved
	}
}
