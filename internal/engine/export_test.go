package engine

import "github.com/cdnredirect/cdnredirect/internal/site"

// Waiting is how many sites the guard of a generation keeps where they are.
func (e *Engine) Waiting(g *Generation) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(g.guard.waiting)
}

// Say has a feed of the engine say something.
func (e *Engine) Say(t site.Target, samples ...site.Sample) { e.events <- event{t, samples} }
