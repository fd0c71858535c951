package health_test

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// source is a feed that asks a of url.
func source(kind, url string, a site.Ask) site.Target {
	return site.Target{Kind: kind, URL: url, Host: "www.example.org", Timeout: generous, Ask: unique.Make(a)}
}

// read reads a feed once.
func read(t *testing.T, target site.Target) health.Result {
	t.Helper()
	return ask(t, health.NewNetwork("test/1").Probes()[target.Kind], target)
}

// pages serves one page after the other, and the last one for ever.
func pages(t *testing.T, bodies ...string) (url string) {
	t.Helper()
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		io.WriteString(w, bodies[0])
		bodies = bodies[min(1, len(bodies)-1):]
	}))
	t.Cleanup(server.Close)
	return server.URL + "/metrics"
}

// apart is how much time passes between two readings of a test.
const apart = 10 * time.Second

// metered reads a feed n times, apart from each other, and returns the samples
// and the rejections of the last time. A failure ends it.
func metered(t *testing.T, target site.Target, n int) ([]site.Sample, []health.Rejection) {
	t.Helper()
	m := health.NewMeter()
	now := time.Now()
	var samples []site.Sample
	var rejected []health.Rejection
	for range n {
		r := read(t, target)
		wantGood(t, r)
		samples, rejected = m.Samples(now, now, r.Readings)
		now = now.Add(apart)
	}
	return samples, rejected
}

// wantValue checks that there is one sample of that value. NaN: there is none.
func wantValue(t *testing.T, samples []site.Sample, rejected []health.Rejection, want float64) {
	t.Helper()
	switch {
	case math.IsNaN(want) && len(samples) > 0:
		t.Errorf("got %+v, want no sample", samples)
	case math.IsNaN(want):
	case len(samples) != 1 || math.Abs(samples[0].Value-want) > 1e-9*want:
		t.Errorf("got %+v (rejected %+v), want one sample of %v", samples, rejected, want)
	}
}

var none = math.NaN()
