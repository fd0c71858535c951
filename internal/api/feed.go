package api

import (
	"sync/atomic"
	"time"
)

// feedSize is how many decisions are remembered for those who are late.
const feedSize = 4096

// feed is the newest decisions. One goroutine at a time puts them in, and never waits;
// any number of readers goes through them. Nobody holds a lock: whoever decides must not
// wait for whoever looks on.
type feed struct {
	ring []atomic.Pointer[event]
	last atomic.Uint64 // number of the newest event; the first one is 1
	news atomic.Pointer[chan struct{}]
}

// event is a decision on its way to those who look on.
type event struct {
	JournalEntry
	number   uint64
	customer string // whose the site is
}

func newFeed(size int) *feed {
	f := &feed{ring: make([]atomic.Pointer[event], size)}
	news := make(chan struct{})
	f.news.Store(&news)
	return f
}

// put adds a decision.
func (f *feed) put(e JournalEntry, customer string) {
	n := f.last.Load() + 1
	f.place(n).Store(&event{e, n, customer})
	f.last.Store(n)
	next := make(chan struct{})
	close(*f.news.Swap(&next))
}

func (f *feed) place(n uint64) *atomic.Pointer[event] { return &f.ring[n%uint64(len(f.ring))] }

// next returns the event behind number n, or nil and what is closed when there is one.
// It reports false if that event is no longer remembered.
func (f *feed) next(n uint64) (e *event, news <-chan struct{}, there bool) {
	news = *f.news.Load() // before the look: what comes after it closes this
	if n >= f.last.Load() {
		return nil, news, true
	}
	e = f.place(n + 1).Load()
	return e, nil, e.number == n+1
}

// oldest returns the number of the oldest event that is sure to be there still, or 1.
func (f *feed) oldest() uint64 {
	if last, size := f.last.Load(), uint64(len(f.ring)); last > size/2 {
		return last - size/2 + 1 // half of them: while somebody reads on, others come
	}
	return 1
}

// position is where in the decisions somebody is.
type position struct {
	at     time.Time // zero: now
	number uint64    // of an event with that time; 0: unknown
}

// since returns the number behind which to go on from a position, and when the event
// behind it was, if there is one. It reports whether the feed has all from there on.
func (f *feed) since(p position) (from uint64, until time.Time, all bool) {
	oldest := f.oldest()
	if n := p.number; n >= oldest && n <= f.last.Load() {
		if e := f.place(n).Load(); e.number == n && e.At.UnixMicro() == p.at.UnixMicro() {
			return n, until, true
		}
	}
	for from = oldest - 1; ; from++ {
		e, _, there := f.next(from)
		if e == nil || !there {
			break
		}
		if until = e.At; !until.Before(p.at) {
			break
		}
	}
	return from, until, from >= oldest
}
