package health_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestWarmupReadsAPageToItsEnd beyond what a probe reads, but not without end.
func TestWarmupReadsAPageToItsEnd(t *testing.T) {
	url := web(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
		case "/endless":
			io.Copy(w, zeros{})
		case "/half":
			w.Header().Set("Content-Length", "1000000")
			io.CopyN(w, zeros{}, 500_000)
		default:
			io.CopyN(w, zeros{}, 1_000_000)
		}
	})
	for path, want := range map[string]struct {
		failure site.Failure
		bytes   int64
	}{
		"/app.js":  {"", 1_000_000},
		"/endless": {"", 16 << 20},
		"/half":    {site.FailureProtocol, 500_000},
		"/gone":    {site.FailureStatus, 0},
	} {
		to := target(url + path)
		to.Kind = "warmup"
		if r := ask(t, network(t).Probes()["warmup"], to); r.Failure != want.failure || r.Bytes != want.bytes {
			t.Errorf("%s: Expected failure %q and %d bytes, got %q (%v) and %d", path, want.failure, want.bytes, r.Failure, r.Err, r.Bytes)
		}
	}
}

// TestWarmupIsAVisit has the Host header of the site.
func TestWarmupIsAVisit(t *testing.T) {
	var host atomic.Value
	to := target(web(t, func(_ http.ResponseWriter, r *http.Request) { host.Store(r.Method + " " + r.Host) }))
	to.Host = "www.example.org"
	wantGood(t, ask(t, network(t).Probes()["warmup"], to))
	if got := host.Load(); got != "GET www.example.org" {
		t.Errorf("Expected a visit of the site, got %q", got)
	}
}
