package engine

import (
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
	wishes []wished      // of the users
	users  []user
	print  uint64 // its fingerprint, where servers share a store
	failed error  // what the operator was told of; nil: it is well
	partly bool   // the next samples may be those of a reading that failed in part
}

// wish is how often a user wants to hear a source, and how far he looks back.
type wish struct{ every, span time.Duration }

// wished is how many users want the same: nearly always all of them do.
type wished struct {
	wish
	users int
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
	watching() *observed
}

func (o *observed) watching() *observed { return o }

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
		e.addSource(src)
	}
	return src
}

// addSource and dropSource keep the sources by their targets and fingerprints.
func (e *Engine) addSource(src *source) {
	e.sources[src.target] = src
	if src.print == 0 && e.sharing() {
		src.print = src.target.Fingerprint()
	}
	if src.print != 0 {
		e.prints[src.print] = src
	}
}

func (e *Engine) dropSource(src *source) {
	delete(e.sources, src.target)
	delete(e.prints, src.print)
	e.pool.forget(src.print)
}

// observe makes the sources those of all generations: it drops those that nobody
// wants any more, and tells the scheduler.
func (e *Engine) observe() {
	for _, src := range e.sources {
		e.addSource(src) // it may have come before its fingerprint was wanted
		src.wishes = src.wishes[:0]
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
	for _, src := range e.sources {
		if len(src.users) == 0 {
			e.dropSource(src)
		}
	}
	periods := make(map[site.Target]time.Duration, len(e.sources))
	for target, src := range e.sources {
		periods[target] = src.suit()
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
		e.addSource(p.source)
	}
	p.source.users = append(p.source.users, user{l, o.heard(i)})
	p.source.want(wish{p.every, o.span(p.every)}, 1)
}

// want counts users, or with less than 0 those that go.
func (src *source) want(w wish, users int) {
	i := slices.IndexFunc(src.wishes, func(known wished) bool { return known.wish == w })
	if i < 0 {
		src.wishes = append(src.wishes, wished{w, users})
		return
	}
	if src.wishes[i].users += users; src.wishes[i].users == 0 {
		src.wishes = slices.Delete(src.wishes, i, i+1)
	}
}

// suit has the source be heard as often, and looked back on as far, as its users want,
// and returns how often.
func (src *source) suit() time.Duration {
	src.period, src.span = 0, 0
	for _, w := range src.wishes {
		if src.period == 0 || w.every < src.period {
			src.period = w.every
		}
		src.span = max(src.span, w.span)
	}
	src.window.SetSpan(src.span)
	return src.period
}

// leave drops users that are gone. Their listeners say so.
func (src *source) leave(gone []user) {
	src.users = without(src.users, gone, func(u user) bool { return u.watching().gone })
}

// input returns what is heard on a path.
func (p *path) input(span time.Duration) control.Source {
	return control.Source{
		Line: p.line, Origin: p.origin, Address: p.address, Feed: p.source.target.IsFeed(),
		Period: p.source.period, Delay: p.source.delay(), Samples: p.source.window.Within(span),
	}
}
