package engine

import (
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// source is one target that is probed, and who wants to know.
type source struct {
	window *health.Window
	period time.Duration // the smallest that anybody wants
	span   time.Duration // the longest that anybody looks back
	users  []user
}

// user is a path of a runner's site.
type user struct {
	runner *runner
	path   int
}

// observe makes the sources those of all generations: it adds what is new,
// drops what nobody wants any more, and tells the scheduler.
func (e *Engine) observe() {
	old := e.sources
	e.sources = make(map[site.Target]*source, len(old))
	for _, g := range []*Generation{e.current, e.candidate} {
		if g == nil {
			continue
		}
		for _, r := range g.runners {
			for i, p := range r.paths {
				r.sources[i] = e.join(old, p, user{r, i})
			}
		}
	}
	periods := make(map[site.Target]time.Duration, len(e.sources))
	for target, src := range e.sources {
		src.window.SetSpan(src.span)
		periods[target] = src.period
	}
	e.scheduler.Set(periods)
}

// join returns the source of a path, with u among its users. Samples that it
// had go on.
func (e *Engine) join(old map[site.Target]*source, p site.Path, u user) *source {
	src := e.sources[p.Target]
	if src == nil {
		src = &source{period: p.Every, window: health.NewWindow(0)}
		if before := old[p.Target]; before != nil {
			src.window = before.window
		}
		e.sources[p.Target] = src
	}
	src.users = append(src.users, u)
	src.period = min(src.period, p.Every)
	src.span = max(src.span, u.runner.span(p))
	return src
}
