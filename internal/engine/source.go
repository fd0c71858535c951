package engine

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// source is one target that is probed or read, and who wants to know.
type source struct {
	target site.Target
	window *health.Window
	period time.Duration // the smallest that anybody wants
	span   time.Duration // the longest that anybody looks back
	users  []user
	failed error // what the operator was told of; nil: it is well
	partly bool  // the next samples may be those of a reading that failed in part
}

// user is a path of a site, or of a CDN.
type user struct {
	listener
	path int
}

// listener decides on what is heard on one of its paths, or, with control.None,
// on the time that has passed.
type listener interface {
	hear(e *Engine, path int, now time.Time)
}

// path is one way to observe a site or a CDN.
type path struct {
	source  *source
	line    int
	origin  int
	address netip.Addr
	every   time.Duration
}

// pathsOf returns the ways to observe a site, over sources that others may
// share, and after them those that only inform. Nothing is heard on those that
// are new until the engine observes.
func (e *Engine) pathsOf(s *site.Site) (paths []path, inform int) {
	found, informs := s.Paths(), s.Informs()
	paths = make([]path, 0, len(found)+len(informs))
	for _, p := range slices.Concat(found, informs) {
		paths = append(paths, path{e.source(p.Target), p.Line, p.Origin, p.Address, p.Every})
	}
	return paths, len(informs)
}

// delay is how far behind the source is.
func (src *source) delay() time.Duration { return src.target.Ask.Value().Behind() }

// staleAfter is how old the source's newest sample may be.
func (src *source) staleAfter() time.Duration { return site.StaleAfter(src.period) + src.delay() }

// source returns the source of a target.
func (e *Engine) source(t site.Target) *source {
	src := e.sources[t]
	if src == nil {
		src = &source{target: t, window: health.NewWindow(0)}
		e.sources[t] = src
	}
	return src
}

// observe makes the sources those of all generations: it drops those that nobody
// wants any more, and tells the scheduler.
func (e *Engine) observe() {
	for _, src := range e.sources {
		src.period, src.span = 0, 0
		clear(src.users)
		src.users = src.users[:0]
	}
	for _, g := range []*Generation{e.current, e.candidate} {
		if g == nil {
			continue
		}
		for _, r := range g.runners {
			e.join(r, &r.observed)
		}
		for _, c := range g.cdns {
			e.join(c, &c.observed)
		}
	}
	maps.DeleteFunc(e.sources, func(_ site.Target, src *source) bool { return len(src.users) == 0 })
	periods := make(map[site.Target]time.Duration, len(e.sources))
	for target, src := range e.sources {
		src.window.SetSpan(src.span)
		periods[target] = src.period
	}
	e.scheduler.Set(periods)
}

// join makes the paths of a listener users of their sources.
func (e *Engine) join(l listener, o *observed) {
	for i := range o.paths {
		e.use(l, o, i)
	}
}

func (e *Engine) use(l listener, o *observed, i int) {
	p := &o.paths[i]
	if known := e.sources[p.source.target]; known != nil {
		p.source = known
	} else {
		e.sources[p.source.target] = p.source
	}
	src := p.source
	src.users = append(src.users, user{l, o.heard(i)})
	if src.period == 0 || p.every < src.period {
		src.period = p.every
	}
	src.span = max(src.span, o.span(p.every))
}

// input returns what is heard on a path.
func (p *path) input(span time.Duration) control.Source {
	return control.Source{
		Line: p.line, Origin: p.origin, Address: p.address, Feed: p.source.target.IsFeed(),
		Period: p.source.period, Delay: p.source.delay(), Samples: p.source.window.Within(span),
	}
}
