package health

import (
	"cmp"
	"container/heap"
	"context"
	"hash/maphash"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Config is what a Scheduler needs.
type Config struct {
	Probes      map[string]Probe // by kind
	Concurrency int              // probes in flight at most; 0: 4096

	// Deliver takes the samples of every finished probe or reading that there is
	// anything to say of, in the probe's goroutine. It may block; the probe then
	// keeps its place among those in flight, and Run waits for it at its end.
	Deliver func(site.Target, []site.Sample)

	// Failed is told of every reading of a feed that failed, of every sample that
	// could not be one, and of every probe that this machine could not make;
	// those yield no samples. nil: nobody is.
	Failed func(site.Target, error)

	// Panicked is told of a panic in a probe or in Deliver; nil: nobody is.
	Panicked func(value any, stack []byte)

	Metrics *Metrics // nil: none
}

// defaultConcurrency is enough for 8,000 origins that swallow every packet, at
// the default times; more would run into the limits of open files.
const defaultConcurrency = 4096

// Scheduler probes every target once a period, at times that are spread over
// the period by a hash of the target. There is one queue and one timer for all
// of them, and never more than one probe of a target in flight: a target is
// either in the queue or with its probe.
type Scheduler struct {
	cfg  Config
	seed maphash.Seed
	base time.Time     // times are counted from here by the monotonic clock, so a jump of the wall clock changes nothing
	wake chan struct{} // holds a token when the head of the queue may have changed

	mu      sync.Mutex // protects what follows, and the entries
	entries map[site.Target]*entry
	hosts   map[string]*host
	queue   queue
}

// NewScheduler returns a scheduler without targets; see Set and Run.
func NewScheduler(cfg Config) *Scheduler {
	if cfg.Concurrency == 0 {
		cfg.Concurrency = defaultConcurrency
	}
	return &Scheduler{
		cfg:     cfg,
		seed:    maphash.MakeSeed(),
		base:    time.Now(),
		wake:    make(chan struct{}, 1),
		entries: make(map[site.Target]*entry),
		hosts:   make(map[string]*host),
	}
}

// Set replaces the whole set of targets; see Change.
func (s *Scheduler) Set(periods map[site.Target]time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []site.Target
	for target := range s.entries {
		if _, wanted := periods[target]; !wanted {
			gone = append(gone, target)
		}
	}
	s.change(periods, gone)
}

// Change adds targets, or gives those that are there another period, and removes
// others. A target that stays keeps its schedule; a changed period counts from its
// next slot on. Of a removed target nothing more is delivered, except a sample
// already on its way to Deliver.
//
// A period under 1 ms counts as 1 ms. A kind without a Probe is a programming
// error: it panics in each of the target's probes, see Config.Panicked.
func (s *Scheduler) Change(periods map[site.Target]time.Duration, gone []site.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(periods, gone)
}

func (s *Scheduler) change(periods map[site.Target]time.Duration, gone []site.Target) {
	var added []*entry
	for target, period := range periods {
		e := s.entries[target]
		if e == nil {
			e = &entry{target: target, hash: maphash.Comparable(s.seed, target), last: never, index: inFlight}
			e.host = s.host(hostOf(target.URL))
			s.entries[target] = e
			added = append(added, e)
		}
		s.want(e)
		s.setPeriod(e, max(period, time.Millisecond))
	}
	for _, target := range gone {
		if e := s.entries[target]; e != nil {
			s.remove(e)
		}
	}
	s.start(added)
	s.poke()
}

// want counts a target that is new at its host, or that comes back while the probe
// in flight is that of before.
func (s *Scheduler) want(e *entry) {
	if !e.wanted {
		e.wanted = true
		e.host.targets++
	}
}

// setPeriod moves a waiting target to the grid of its new period, unless it
// waits for its first probe, which is on no grid.
func (s *Scheduler) setPeriod(e *entry, period time.Duration) {
	if period == e.period {
		return
	}
	e.host.need += e.needs(period) - e.needs(e.period)
	e.period = period
	if e.last != never && e.index >= 0 {
		e.rearm(s.now())
		heap.Fix(&s.queue, e.index)
	}
}

// remove forgets a target; one whose probe is in flight, when that is over.
func (s *Scheduler) remove(e *entry) {
	if !e.wanted {
		return
	}
	e.wanted = false
	e.host.need -= e.needs(e.period)
	e.period = 0
	if e.host.targets--; e.host.targets == 0 {
		e.host.need = 0 // without what rounding has left of it
	}
	switch {
	case e.index == inFlight:
		e.discard = true
		return
	case e.index == atHost:
		e.host.drop(e)
	default:
		heap.Remove(&s.queue, e.index)
	}
	s.forget(e)
}

// forget drops a target for good, and its host if that has no other.
func (s *Scheduler) forget(e *entry) {
	delete(s.entries, e.target)
	if h := e.host; h.targets == 0 && h.inFlight == 0 && len(h.waiting) == 0 {
		delete(s.hosts, hostOf(e.target.URL))
	}
}

// startEvery is how far apart new targets get their first probe, on the average.
const startEvery = time.Second / 2000

// start gives new targets their first probe: a few at once, many spread out over
// up to a period.
func (s *Scheduler) start(added []*entry) {
	now := s.now()
	for _, e := range added {
		spread := min(e.period, time.Duration(len(added))*startEvery)
		e.due = now + time.Duration(e.hash%uint64(spread))
		heap.Push(&s.queue, e)
	}
}

// now is the time since the base.
func (s *Scheduler) now() time.Duration { return time.Since(s.base) }

// poke makes the loop look at the head of the queue again.
func (s *Scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run probes until ctx ends. Then it cancels the probes in flight, of which
// nothing is delivered, waits for them and returns nil. It may be called again
// afterwards, but not twice at a time.
func (s *Scheduler) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var probes sync.WaitGroup
	defer probes.Wait()
	defer cancel()

	timer := time.NewTimer(math.MaxInt64)
	defer timer.Stop()
	places := make(chan struct{}, s.cfg.Concurrency)
	workers := workers{turns: make(chan turn), idle: make(chan struct{}, maxIdleWorkers)}
	defer close(workers.turns)
	for {
		select {
		case <-ctx.Done():
			return nil
		case places <- struct{}{}:
		}
		e, at := s.next(ctx, timer)
		if e == nil {
			return nil
		}
		t := turn{e, at}
		if workers.take(t) {
			continue
		}
		probes.Go(func() {
			workers.run(t, func(t turn) {
				defer func() { <-places }()
				s.probe(ctx, t.entry, t.at)
			})
		})
	}
}

// next waits for a target to be due. It returns nil when ctx ends.
func (s *Scheduler) next(ctx context.Context, timer *time.Timer) (*entry, time.Time) {
	for ctx.Err() == nil {
		e, at, wait := s.take()
		if e != nil {
			return e, at
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
	}
	return nil, time.Time{}
}

// take removes the head of the queue if that is due, and returns it with its
// time; otherwise it says how long to wait for it. The time is reckoned from
// the present one, so that its wall clock is right even after a jump.
func (s *Scheduler) take() (e *entry, at time.Time, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clock := time.Now()
	now := clock.Sub(s.base)
	for len(s.queue) > 0 {
		e = s.queue[0]
		if e.due > now {
			return nil, time.Time{}, e.due - now
		}
		heap.Pop(&s.queue)
		if !e.host.enter(e, s.cfg.Concurrency) {
			continue
		}
		s.cfg.Metrics.began(now - e.due)
		e.begin(now)
		return e, clock.Add(e.last - now), 0
	}
	return nil, time.Time{}, math.MaxInt64
}

// probe runs one probe and delivers what it found, if that is still wanted.
func (s *Scheduler) probe(ctx context.Context, e *entry, at time.Time) {
	defer s.finish(e)
	defer s.recovered()
	r := s.cfg.Probes[e.target.Kind](ctx, e.target)
	if ctx.Err() != nil || s.discarded(e) {
		return
	}
	samples, err := e.samples(at, r)
	if err != nil {
		r.Failure = cmp.Or(r.Failure, site.FailureInvalid)
		if s.cfg.Failed != nil {
			s.cfg.Failed(e.target, err)
		}
	}
	s.cfg.Metrics.finished(e.target.Kind, r)
	if len(samples) > 0 {
		s.cfg.Deliver(e.target, samples)
	}
}

// recovered keeps a panic from ending the process; the target's next slot
// comes as usual.
func (s *Scheduler) recovered() {
	if value := recover(); value != nil && s.cfg.Panicked != nil {
		s.cfg.Panicked(value, debug.Stack())
	}
}

func (s *Scheduler) discarded(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.discard
}

// finish puts a target back into the queue. One that was removed meanwhile is
// forgotten, and one that was added again after that begins anew.
func (s *Scheduler) finish(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := e.host.leave(); next != nil {
		heap.Push(&s.queue, next)
		s.poke()
	}
	if !e.wanted {
		s.forget(e)
		return
	}
	e.rearm(s.now())
	if e.discard {
		e.discard, e.last, e.due = false, never, s.now()
	}
	heap.Push(&s.queue, e)
	if e.index == 0 {
		s.poke()
	}
}
