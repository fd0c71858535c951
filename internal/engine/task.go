package engine

import (
	"context"
	"runtime/debug"
	"time"
)

// A task that ends before its time starts again after a pause, which doubles
// while it keeps ending.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 30 * time.Second
)

// run starts a task and keeps it running until ctx ends.
func (e *Engine) run(ctx context.Context, name string, task func(context.Context) error) {
	e.tasks.Go(func() {
		pause := firstPause
		for {
			began := time.Now()
			e.attempt(ctx, name, task)
			if time.Since(began) > lastPause {
				pause = firstPause
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
				pause = min(2*pause, lastPause)
			}
		}
	})
}

// attempt runs a task once; a panic ends the attempt, not the process.
func (e *Engine) attempt(ctx context.Context, name string, task func(context.Context) error) {
	defer func() {
		if value := recover(); value != nil {
			e.panicked(name, value, debug.Stack())
		}
	}()
	if err := task(ctx); err != nil {
		e.cfg.Log.Errorf("task %s: %v", name, err)
	}
}

func (e *Engine) panicked(task string, value any, stack []byte) {
	e.cfg.Metrics.panics.WithLabelValues(task).Inc()
	e.cfg.Log.Errorf("task %s panicked: %v\n%s", task, value, stack)
}
