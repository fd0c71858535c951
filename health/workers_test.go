package health_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Many goroutines are needed while nobody answers, and few afterwards.
func TestWorkersEndWhenTheyAreNotNeeded(t *testing.T) {
	const many = 500
	var waiting atomic.Int32
	answer := make(chan struct{})
	s := health.NewScheduler(health.Config{
		Probes: map[string]health.Probe{"test": func(context.Context, site.Target) health.Result {
			waiting.Add(1)
			<-answer
			return health.Result{}
		}},
		Deliver: func(site.Target, []site.Sample) {},
	})
	s.Set(targets(many, time.Hour))
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	eventually(t, "all probes wait", func() bool { return waiting.Load() == many })
	close(answer)
	eventually(t, "most goroutines have ended", func() bool { return runtime.NumGoroutine() < before+many/2 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
