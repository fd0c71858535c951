package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// lines is a logger that keeps what it is told.
type lines struct{ said []string }

func (l *lines) Infof(format string, v ...any)    { l.Errorf(format, v...) }
func (l *lines) Warningf(format string, v ...any) { l.Errorf(format, v...) }
func (l *lines) Errorf(format string, v ...any)   { l.said = append(l.said, fmt.Sprintf(format, v...)) }

// TestATaskThatPanicsStartsAgainWithBackoff has one panic four times.
func TestATaskThatPanicsStartsAgainWithBackoff(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		e := &Engine{cfg: Config{Log: new(lines), Metrics: NewMetrics(prometheus.NewRegistry())}}
		began := time.Now()
		var starts []time.Duration
		e.run(ctx, "decide", func(ctx context.Context) error {
			starts = append(starts, time.Since(began))
			if len(starts) < 5 {
				panic("no good")
			}
			<-ctx.Done()
			return nil
		})
		time.Sleep(time.Minute)
		cancel()
		e.tasks.Wait()
		ms := time.Millisecond
		if want := []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms}; !slices.Equal(starts, want) {
			t.Errorf("Expected starts at %v, got %v", want, starts)
		}
		if got := testutil.ToFloat64(e.cfg.Metrics.panics.WithLabelValues("decide")); got != 4 {
			t.Errorf("Expected 4 panics counted, got %g", got)
		}
	})
}

func TestATaskThatFailsSaysSoAndStartsAgain(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		log := new(lines)
		e := &Engine{cfg: Config{Log: log, Metrics: NewMetrics(prometheus.NewRegistry())}}
		runs := 0
		e.run(ctx, "schedule", func(context.Context) error { runs++; return errors.New("no good") })
		time.Sleep(time.Second)
		cancel()
		e.tasks.Wait()
		if runs != 4 || !slices.Contains(log.said, "task schedule: no good") {
			t.Errorf("Expected 4 runs and their error, got %d and %q", runs, log.said)
		}
	})
}

// TestAPanicInADecisionStaysWithItsSite breaks one runner by hand.
func TestAPanicInADecisionStaysWithItsSite(t *testing.T) {
	e := &Engine{cfg: Config{Log: new(lines), Metrics: NewMetrics(prometheus.NewRegistry())}}
	e.step(&runner{}, 0, time.Now())
	if got := testutil.ToFloat64(e.cfg.Metrics.panics.WithLabelValues("decide")); got != 1 {
		t.Errorf("Expected 1 panic counted, got %g", got)
	}
}
