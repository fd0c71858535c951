package engine_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestWhatAHostPushesIsASignal, also over a reload. When it falls silent the last
// decision stays: no data is not good data.
func TestWhatAHostPushesIsASignal(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		s := newSite(www, "192.0.2.1")
		s.Feeds = []site.Source{{Kind: "push", URL: "push://web1", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Signal: site.Load}}}
		s.Thresholds = []site.Threshold{{Signal: site.Load, Limit: 0.8, Recover: 0.6, NoData: site.NoData{Action: site.NoDataStay}}}
		g := offer(e, s)
		pushes := pusher(t, e)
		pushes(5, 0.5)
		expect(t, g, "1 A")
		pushes(5, 1)
		expect(t, g, edge)
		g = offer(e, s)
		e.Promote()
		pushes(5, 0.5)
		time.Sleep(time.Minute)
		expect(t, g, edge)
		pushes(15, 0.5)
		expect(t, g, "1 A")
	})
}

// pusher returns a function that has a host push its load so often, once a second.
func pusher(t *testing.T, e *engine.Engine) func(times int, load float64) {
	sequence := int64(0)
	return func(times int, load float64) {
		t.Helper()
		for range times {
			sequence++
			err := e.Push(site.Push{Host: "web1", Sequence: sequence, At: time.Now(), Values: map[site.Signal]float64{site.Load: load}})
			if err != nil {
				t.Fatalf("Expected push %d to be taken, got %v", sequence, err)
			}
			time.Sleep(time.Second)
		}
	}
}
