package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
)

// lateWorld is a world whose CDN big says how much of 10 Gbit/s it uses, so much
// later, while there is anything said.
func lateWorld(t *testing.T, delay time.Duration, used *atomic.Int64) (*engine.Engine, *engine.Generation, *prometheus.Registry) {
	t.Helper()
	return newWorld().late(t, site.Guard{}, delay, used)
}

// late is the same in this world, under a guard.
func (w *world) late(t *testing.T, guard site.Guard, delay time.Duration, used *atomic.Int64) (*engine.Engine, *engine.Generation, *prometheus.Registry) {
	t.Helper()
	w.change(bigIs(true))
	w.set(url("192.0.2.1"), time.Hour)
	e, reg := w.engineOver(t, kinds{"http": w.probe, "json": func(context.Context, site.Target) health.Result {
		if used.Load() < 0 {
			return health.Result{Failure: site.FailureConnect, Err: errors.New("refused")}
		}
		return health.Result{Readings: []health.Reading{{Signal: site.UsedBandwidth, Value: float64(used.Load())}}}
	}})
	c := watchedBig()
	c.Capacity = 10e9
	c.Watch.Feeds = []site.Source{{Kind: "json", URL: "http://big.example/use", Every: 10 * time.Second, Timeout: time.Second, Ask: site.Ask{Signal: site.UsedBandwidth, Query: "n", Delay: delay}}}
	c.Finish()
	sites := engine.Sites{Sites: []*site.Site{bigOrEdge("www.example.org.", "192.0.2.1")}, CDNs: []*site.WatchedCDN{c}, Guard: guard}
	return e, e.Offer(context.Background(), sites), reg
}

// ageOfUse is how old the record is of what is used.
func ageOfUse(t *testing.T, e *engine.Engine) time.Duration {
	t.Helper()
	for _, s := range e.CDNs()[0].Record {
		if s.Signal == site.UsedBandwidth {
			return time.Duration(s.Age)
		}
	}
	t.Fatalf("Expected what is used in the record, got %+v", e.CDNs()[0].Record)
	return 0
}

// TestAFeedThatIsBehindIsNotStale while it goes on, and is 30 seconds after its last
// sample and its delay.
func TestAFeedThatIsBehindIsNotStale(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var used atomic.Int64
		used.Store(1e9)
		e, g, reg := lateWorld(t, 90*time.Second, &used)
		stale := func(want float64) {
			t.Helper()
			synctest.Wait()
			state := e.CDNs()[0]
			missing := false
			for _, th := range state.Thresholds {
				missing = missing || th.Signal == site.UsedBandwidth && th.Missing
			}
			if got := plain(t, reg, "coredns_cdnredirect_sources_stale"); missing != (want > 0) || got != want {
				t.Errorf("Expected %g stale sources, got %g; missing: %t", want, got, missing)
			}
		}
		time.Sleep(2 * time.Minute)
		stale(0)
		wantBig(t, g, "www.example.org.", 1, 0)
		if age := ageOfUse(t, e); age < 90*time.Second || age > 100*time.Second {
			t.Errorf("Expected it 90 seconds old, got %s", age)
		}
		if age := plain(t, reg, "coredns_cdnredirect_feed_age_seconds"); age < 0 || age > 10 {
			t.Errorf("Expected the age less the delay, got %g seconds", age)
		}
		used.Store(-1)
		time.Sleep(15 * time.Second)
		stale(0)
		time.Sleep(20 * time.Second)
		stale(1)
		used.Store(11e9)
		time.Sleep(50 * time.Second)
		wantBig(t, g, "www.example.org.", 0, 0)
	})
}

// TestTheGuardKnowsHowFarBehindAFeedIs: what it says of a time when no anchor
// answered does not count, though it says so when one does.
func TestTheGuardKnowsHowFarBehindAFeedIs(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var used atomic.Int64
		used.Store(1e9)
		w := newWorld()
		_, g, _ := w.late(t, watchful, 90*time.Second, &used)
		time.Sleep(2 * time.Minute)
		w.change(mute)
		time.Sleep(5 * time.Second)
		w.change(noise)
		used.Store(11e9)
		for range 15 {
			time.Sleep(10 * time.Second)
			wantBig(t, g, "www.example.org.", 1, 0)
		}
		time.Sleep(40 * time.Second)
		wantBig(t, g, "www.example.org.", 0, 0)
	})
}

// TestFastlyAMinuteBehind counts if its feed says so; else the operator is told what
// to write.
func TestFastlyAMinuteBehind(t *testing.T) {
	fastly := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now().Unix()
		fmt.Fprintf(w, `{"Data": [{"recorded": %d, "aggregated": {"requests": 10, "edge_requests": 10, "edge_resp_body_bytes": 15e9}}], "Timestamp": %d, "AggregateDelay": 60}`, now-60, now)
	}))
	defer fastly.Close()
	network := health.NewNetwork("test/1")
	defer network.Close()
	offer := func(delay time.Duration) (*world, *engine.Engine) {
		w := newWorld()
		w.change(bigIs(true))
		e, _ := w.engineOver(t, kinds{"http": w.probe, "map": network.Probes()["map"]})
		c := watchedBig()
		c.ThirdParty, c.Capacity = false, 10e9
		c.Watch.Feeds = []site.Source{{Kind: "map", URL: fastly.URL, Every: time.Second, Timeout: 900 * time.Millisecond, Ask: site.Ask{Map: "fastly", Services: "z", Delay: delay}}}
		c.Finish()
		offerCDN(e, c, bigOrEdge("www.example.org.", "192.0.2.1"))
		return w, e
	}
	_, e := offer(time.Minute)
	if state := e.CDNs()[0]; state.Standing != api.StandingOut || state.Thresholds[0].Missing {
		t.Errorf("Expected it out by what was used a minute ago, got %+v", state)
	}
	if age := ageOfUse(t, e); age < time.Minute || age > 63*time.Second {
		t.Errorf("Expected it a minute old, got %s", age)
	}
	w, _ := offer(0)
	w.wantLine(t, "warning: map: reading '"+fastly.URL+"/': service 'z': the statistics are 1m0s behind, and the feed's delay is 10s: write 'delay 1m0s'")
}

// TestWhatIsFarBehindDecidesNothing, and is shown.
func TestWhatIsFarBehindDecidesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var used atomic.Int64
		used.Store(11e9)
		e, g, _ := lateWorld(t, 5*time.Minute, &used)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		wantBig(t, g, "www.example.org.", 1, 0)
		state := e.CDNs()[0]
		if state.Standing != api.StandingReady || len(state.Thresholds) != 1 || len(state.Sources) != 2 {
			t.Errorf("Expected a CDN that its probe judges, got %+v", state)
		}
		if age := ageOfUse(t, e); age < 5*time.Minute || age > 5*time.Minute+10*time.Second {
			t.Errorf("Expected it five minutes old, got %s", age)
		}
	})
}
