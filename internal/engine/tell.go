package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// owe notes the sites whose state differs from what the store has of them: all of them
// if they were decided alone, since the same epoch need not be the same decision then.
func (e *Engine) owe(decided []store.Decided, all bool) {
	known := make(map[string]uint64, len(decided))
	for _, d := range decided {
		known[d.Site] = d.Epoch
	}
	for _, r := range e.current.runners {
		if r.state.Last != nil && (all || known[r.site.Name()] != r.state.Decision().Epoch) {
			e.news[r.site.Name()] = true
		}
	}
}

// allTold is what a server writes, beside decisions, once it has told all that it took
// over, or decided alone, in a term: a site without a name.
func allTold(term int64) func(store.Decided) bool {
	return func(d store.Decided) bool { return d.Site == "" && d.Epoch == uint64(term) }
}

// tell writes the decisions that are new.
func (e *Engine) tell(ctx context.Context, k *Kept, db meeting, term int64) error {
	news := e.takeNews(term)
	if len(news) == 0 {
		return nil
	}
	err := e.bounded(ctx, func(ctx context.Context) error { return db.WriteDecisions(ctx, k.cfg.Server, term, news) })
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		e.announced = e.announced || slices.ContainsFunc(news, allTold(term))
		e.exchangeSoon()
		return nil
	}
	if errors.Is(err, store.ErrFenced) {
		e.setRole(roleFollows) // till it reads who decides now
		e.readAgain()
		return nil
	}
	e.doubtful = true
	for _, d := range news {
		if d.Site != "" {
			e.news[d.Site] = true
		}
	}
	return err
}

// exchangeSoon has what is left of the news be told at once.
func (e *Engine) exchangeSoon() {
	if len(e.news) == 0 {
		return
	}
	select {
	case e.exchanging <- struct{}{}:
	default:
	}
}

// maxNews is how many decisions are told at once: the lease must not end meanwhile.
const maxNews = 2000

// takeNews returns decisions that nobody was told of so far.
func (e *Engine) takeNews(term int64) []store.Decided {
	e.mu.Lock()
	defer e.mu.Unlock()
	var news []store.Decided
	named := e.current.byName()
	for name := range e.news {
		if len(news) == maxNews {
			return news
		}
		delete(e.news, name)
		r := named[name]
		if r == nil {
			news = append(news, store.Decided{Site: name}) // it is gone, and so is what was decided
			continue
		}
		if r.state.Last == nil {
			continue
		}
		payload, err := json.Marshal(control.Save(r.site, r.state))
		if err != nil {
			e.cfg.Log.Errorf("site %q: writing its decision: %v", r.site.Name(), err)
			continue
		}
		news = append(news, store.Decided{Site: r.site.Name(), Epoch: r.state.Decision().Epoch, Payload: payload})
	}
	if !e.announced {
		news = append(news, store.Decided{Epoch: uint64(term)})
	}
	return news
}
