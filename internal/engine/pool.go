package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// pool makes one series of samples of what several servers hear of each target, as
// long as this one decides for all of them. A round of a target is over when every
// server that hears it has said something new, or after a period.
type pool struct {
	rounds map[round]*reports
	open   map[round]bool // those that somebody has said something new in
}

// round is what is asked: one signal of one target.
type round struct {
	target uint64
	signal site.Signal
}

// reports is the newest that each server has said of it.
type reports struct {
	servers []string
	samples []site.Sample
	fresh   []bool    // it is new in this round
	since   time.Time // when the first of those came
}

func newPool() *pool {
	return &pool{rounds: make(map[round]*reports), open: make(map[round]bool)}
}

// add takes in what a server has heard.
func (p *pool) add(server string, h control.Heard, now time.Time) {
	for _, s := range h.Samples {
		key := round{h.Target, s.Signal}
		r := p.rounds[key]
		if r == nil {
			r = new(reports)
			p.rounds[key] = r
		}
		if !p.open[key] {
			r.since = now
		}
		p.open[key] = true
		r.put(server, s)
	}
}

func (r *reports) put(server string, s site.Sample) {
	for i, known := range r.servers {
		if known == server {
			r.samples[i], r.fresh[i] = s, true
			return
		}
	}
	r.servers = append(r.servers, server)
	r.samples = append(r.samples, s)
	r.fresh = append(r.fresh, true)
}

// expire forgets what is older than stale, and what servers said that are no longer
// alive.
func (r *reports) expire(alive func(string) bool, now time.Time, stale time.Duration) {
	n := 0
	for i, s := range r.samples {
		if alive(r.servers[i]) && now.Sub(s.At) < stale {
			r.servers[n], r.samples[n], r.fresh[n] = r.servers[i], s, r.fresh[i]
			n++
		}
	}
	r.servers, r.samples, r.fresh = r.servers[:n], r.samples[:n], r.fresh[:n]
}

// timely returns the samples that are not much older than the newest: what a server
// saw before it slept, or was cut off, says nothing beside what others see now.
func (r *reports) timely(span time.Duration) (timely []site.Sample) {
	var newest time.Time
	for _, s := range r.samples {
		if s.At.After(newest) {
			newest = s.At
		}
	}
	for _, s := range r.samples {
		if newest.Sub(s.At) < span {
			timely = append(timely, s)
		}
	}
	return timely
}

// complete reports whether every server has said something new.
func (r *reports) complete() bool {
	for _, fresh := range r.fresh {
		if !fresh {
			return false
		}
	}
	return true
}

// pooling is how a target is heard, as far as its rounds are concerned.
type pooling struct {
	feed   bool
	period time.Duration
	stale  time.Duration // how old a sample may be
}

// opened returns the rounds in which somebody has said something new.
func (p *pool) opened() []round { return slices.Collect(maps.Keys(p.open)) }

// forget drops what was said of a target that nobody wants any more.
func (p *pool) forget(target uint64) {
	if p == nil || len(p.rounds) == 0 {
		return
	}
	for _, signal := range site.Signals() {
		delete(p.rounds, round{target, signal})
		delete(p.open, round{target, signal})
	}
}

// close ends a round if it is over, and returns what it comes to, if anything. of says
// how the target is heard; false: nobody wants it any more.
func (p *pool) close(key round, now time.Time, alive func(string) bool, of func(uint64) (pooling, bool)) (control.Heard, bool) {
	how, wanted := of(key.target)
	r := p.rounds[key]
	if !wanted {
		delete(p.open, key)
		delete(p.rounds, key)
		return control.Heard{}, false
	}
	r.expire(alive, now, how.stale)
	if !r.complete() && now.Sub(r.since) < how.period {
		return control.Heard{}, false
	}
	delete(p.open, key)
	clear(r.fresh)
	s, said := control.Combine(how.feed, r.timely(2*how.period+exchangeEvery), now)
	return control.Heard{Target: key.target, Samples: []site.Sample{s}}, said
}
