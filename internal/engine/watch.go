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

// watches are the looks of one generation. Each goes on at its own pace until
// the generation ends.
type watches struct {
	ctx      context.Context
	slots    chan struct{} // bounds how many look at once
	panicked func(task string, value any, stack []byte)
}

// maxLooks is how many lookups of a kind are under way at once.
const maxLooks = 64

func newWatches(ctx context.Context, panicked func(string, any, []byte)) *watches {
	return &watches{ctx: ctx, slots: make(chan struct{}, maxLooks), panicked: panicked}
}

// begin has every look look for the first time, and returns when all have or
// ctx ends. From then on they go on by themselves.
func (w *watches) begin(ctx context.Context, looks []look) {
	var first sync.WaitGroup
	next := make(chan look)
	for range min(maxLooks, len(looks)) {
		first.Go(func() {
			for l := range next {
				w.once(l)
			}
		})
	}
	first.Go(func() {
		defer close(next)
		for _, l := range looks {
			select {
			case next <- l:
			case <-w.ctx.Done():
				return
			}
		}
	})
	over := make(chan struct{})
	go func() { first.Wait(); close(over) }()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// once looks once, and sees to the next time.
func (w *watches) once(l look) {
	select {
	case w.slots <- struct{}{}:
	case <-w.ctx.Done():
		return
	}
	pause := w.guarded(l)
	<-w.slots
	if w.ctx.Err() == nil {
		time.AfterFunc(spread(pause), func() { w.once(l) })
	}
}

// guarded looks; a panic ends this look, not the process.
func (w *watches) guarded(l look) (pause time.Duration) {
	pause = retryPause
	defer func() {
		if value := recover(); value != nil {
			w.panicked("look", value, debug.Stack())
		}
	}()
	return l(w.ctx)
}

// spread takes up to a tenth off a pause, so that what began together does not
// stay together.
func spread(pause time.Duration) time.Duration {
	return pause - time.Duration(rand.Int64N(int64(pause)/10+1))
}
