package health_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		status int
		text   string
		want   time.Duration // 0: it does not have to wait
	}{
		{429, "30", 30 * time.Second},
		{503, "30", 30 * time.Second},
		{500, "30", 0},
		{200, "30", 0},
		{429, "", 0},
		{429, "0", 0},
		{429, "-5", 0},
		{429, "soon", 0},
		{429, "3601", time.Hour},
		{429, "99999999999999999999999", time.Hour},
		{429, "Fri, 01 May 2026 12:00:40 GMT", 40 * time.Second},
		{429, "Fri, 01 May 2026 11:00:00 GMT", 0},
		{429, "Fri, 01 May 2099 11:00:00 GMT", time.Hour},
	} {
		head := &http.Response{StatusCode: tt.status, Header: http.Header{"Retry-After": {tt.text}}}
		want := time.Time{}
		if tt.want > 0 {
			want = now.Add(tt.want)
		}
		if got := health.Demanded(head, now); !got.Equal(want) {
			t.Errorf("%d %q: Expected %s, got %s", tt.status, tt.text, want, got)
		}
	}
}

// TestProbesDoNotWait: they would not see a server come back.
func TestProbesDoNotWait(t *testing.T) {
	var asked atomic.Int64
	url := web(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	n := network(t)
	to := target(url)
	to.Ask = unique.Make(site.Ask{KeepAlive: true})
	for range 2 {
		wantFailure(t, ask(t, n.Probes()["http"], to), site.FailureStatus, "status 503 is not a good one")
	}
	if asked.Load() != 2 {
		t.Errorf("Expected every probe sent, got %d", asked.Load())
	}
}

// TestFeedsWaitAsTheyAreTold, and no longer.
func TestFeedsWaitAsTheyAreTold(t *testing.T) {
	var asked atomic.Int64
	url := web(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, "secret")
			return
		}
		io.WriteString(w, `{"n": 1}`)
	})
	n := network(t)
	to := source("json", url, site.Ask{Signal: site.Load, Query: "n"})
	first := ask(t, n.Probes()["json"], to)
	wantFailure(t, first, site.FailureStatus, "status 429 is not a good one: the server is not to be asked again before ")
	_, until, _ := strings.Cut(first.Err.Error(), "before ")
	again := ask(t, n.Probes()["json"], to)
	wantFailure(t, again, site.FailureStatus, "the server is not to be asked again before "+until)
	if asked.Load() != 1 {
		t.Errorf("Expected nothing sent, got %d requests", asked.Load())
	}
	time.Sleep(2 * time.Second)
	wantGood(t, ask(t, n.Probes()["json"], to))
	wantGood(t, ask(t, n.Probes()["json"], to))
}

// TestAWaitOutlivesAChangeOfServices, which makes another target of a feed.
func TestAWaitOutlivesAChangeOfServices(t *testing.T) {
	var asked atomic.Int64
	limited := web(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	n := network(t)
	for _, services := range []string{"a", "a b", "b"} {
		to := source("json", limited+"/{service}", site.Ask{Signal: site.Load, Query: "n", Services: services})
		wantFailure(t, ask(t, n.Probes()["json"], to), site.FailureStatus, "the server is not to be asked again before ")
	}
	if asked.Load() != 1 {
		t.Errorf("Expected one request, got %d", asked.Load())
	}
}

// TestALongWaitIsNotForgotten by what drops connections that are idle; what is left
// of it goes after the wait.
func TestALongWaitIsNotForgotten(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const wait = 5 * time.Minute
		n := health.NewNetwork("")
		defer n.Close()
		to := source("json", "http://127.0.0.1:1/", site.Ask{Signal: site.Load, Query: "n"})
		n.Wait(to, time.Now().Add(wait))
		time.Sleep(wait - time.Second)
		wantFailure(t, n.Probes()["json"](t.Context(), to), site.FailureStatus, "the server is not to be asked again before 2000-01-01T00:05:00Z")
		time.Sleep(health.MaxIdle + health.SweepEvery + 2*time.Second)
		synctest.Wait()
		if n.Kept() != 0 {
			t.Errorf("Expected nothing kept after the wait, got %d", n.Kept())
		}
	})
}

func TestAPIsMayWantAPause(t *testing.T) {
	var asked atomic.Int64
	limited := web(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	n := network(t)
	for _, list := range []string{"fastly", "cloudflare", "bunny"} {
		asked.Store(0)
		for range 3 {
			wantFailure(t, ask(t, n.Probes()["map"], source("map", limited, site.Ask{Map: list, Services: "a b"})), site.FailureStatus, "not to be asked again before")
		}
		if asked.Load() != 1 {
			t.Errorf("Expected one request of %s, got %d", list, asked.Load())
		}
	}
}
