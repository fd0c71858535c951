package engine

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// look looks something up, tells the engine, and returns the pause until it is
// to look again.
type look func(ctx context.Context) time.Duration

// over is the pause of what is not to be looked at again.
const over time.Duration = -1

// watches are the looks of one generation. Each goes on at its own pace until
// the generation ends.
type watches struct {
	ctx      context.Context
	slots    chan struct{} // bounds how many look at once
	panicked func(task string, value any, stack []byte)

	mu     sync.Mutex
	timers map[*time.Timer]bool // of those that wait for their next time
}

// maxLooks is how many lookups of a kind are under way at once, and maxLook how
// long one of them may take.
const (
	maxLooks = 64
	maxLook  = 30 * time.Second
)

func newWatches(ctx context.Context, panicked func(string, any, []byte)) *watches {
	w := &watches{
		ctx: ctx, slots: make(chan struct{}, maxLooks), panicked: panicked, timers: make(map[*time.Timer]bool),
	}
	context.AfterFunc(ctx, w.end)
	return w
}

// end lets go of the looks that wait: nothing is to keep a generation that is
// over in memory.
func (w *watches) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for timer := range w.timers {
		timer.Stop()
	}
	clear(w.timers)
}

// begin has every look look for the first time, and returns when all have or
// ctx ends. From then on they go on by themselves.
func (w *watches) begin(ctx context.Context, looks []look) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		var first sync.WaitGroup
		defer first.Wait()
		for _, l := range looks {
			if !w.enter() {
				return
			}
			first.Go(func() { w.again(l, scattered(w.once(l))) })
		}
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// enter waits for a slot, and reports whether there is anything to look for
// still.
func (w *watches) enter() bool {
	select {
	case w.slots <- struct{}{}:
		return w.ctx.Err() == nil
	case <-w.ctx.Done():
		return false
	}
}

// once looks once, in the slot that it was given. One that does not heed the
// end of its time loses the slot, so that it holds up nobody else.
func (w *watches) once(l look) (pause time.Duration) {
	leave := func() { <-w.slots }
	late := time.AfterFunc(maxLook, leave)
	defer func() {
		if late.Stop() {
			leave()
		}
	}()
	return w.guarded(l)
}

// guarded looks; a panic ends this look, not the process.
func (w *watches) guarded(l look) (pause time.Duration) {
	ctx, cancel := context.WithTimeout(w.ctx, maxLook)
	defer cancel()
	pause = retryPause
	defer func() {
		if value := recover(); value != nil {
			w.panicked("look", value, debug.Stack())
		}
	}()
	return l(ctx)
}

// again sees to the next time.
func (w *watches) again(l look, pause time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil || pause == over {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(pause, func() {
		w.mu.Lock()
		delete(w.timers, timer)
		w.mu.Unlock()
		if w.enter() {
			w.again(l, spread(w.once(l)))
		}
	})
	w.timers[timer] = true
}

// scattered returns a part of the first pause, at least a second: what began
// together must not stay together.
func scattered(pause time.Duration) time.Duration {
	if pause == over {
		return over
	}
	return min(pause, leastPause+rand.N(pause))
}

// spread adds up to a tenth to a pause, for the same reason. It takes nothing
// off: an answer is asked for again when it is over, and not shortly before,
// when caches have only the rest of it.
func spread(pause time.Duration) time.Duration {
	if pause == over {
		return over
	}
	return pause + rand.N(pause/10+1)
}
