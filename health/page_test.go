package health_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// page gets a page of a target.
func page(t *testing.T, n *health.Network, to site.Target, url, accept string) (string, health.Result) {
	t.Helper()
	var content []byte
	r := ask(t, n.Page(url, accept, &content), to)
	return string(content), r
}

// statistics serves /metrics, /gzip, /bomb, /nothing, /large and /broken.
func statistics(w http.ResponseWriter, r *http.Request) {
	const limit = 4 << 20
	var out io.Writer = w
	if r.URL.Path == "/gzip" || r.URL.Path == "/bomb" {
		w.Header().Set("Content-Encoding", "gzip")
		zipped := gzip.NewWriter(w)
		defer zipped.Close()
		out = zipped
	}
	switch r.URL.Path {
	case "/metrics":
		fmt.Fprint(w, r.URL.RawQuery, " ", r.Header.Get("Accept"), " ", r.Header.Get("Accept-Encoding"), " ", r.Header.Get("X-A"))
	case "/gzip":
		fmt.Fprint(out, "unzipped")
	case "/full":
		io.CopyN(out, zeros{}, limit)
	case "/large", "/bomb":
		io.CopyN(out, zeros{}, limit+1)
	case "/nothing":
		w.Header().Set("Content-Encoding", "gzip")
		var empty bytes.Buffer
		gzip.NewWriter(&empty).Close()
		members := bytes.Repeat(empty.Bytes(), 1000)
		for r.Context().Err() == nil {
			w.Write(members)
		}
	case "/broken":
		w.Header().Set("Content-Encoding", "gzip")
		fmt.Fprint(w, "not zipped")
	default:
		http.Redirect(w, r, "/metrics", http.StatusFound)
	}
}

func TestPage(t *testing.T) {
	url := web(t, statistics)
	to := target(url)
	to.Ask = unique.Make(site.Ask{Headers: "X-A: 1"})
	tests := []struct {
		url, accept string
		want        site.Failure
		content     string
	}{
		{url + "/metrics?q=a%20b", "text/plain", "", "q=a%20b text/plain gzip 1"},
		{url + "/metrics", "", "", "  gzip 1"},
		{url + "/gzip", "", "", "unzipped"},
		{url + "/full", "", "", strings.Repeat("\x00", 4<<20)},
		{url + "/large", "", site.FailureContent, ""},
		{url + "/bomb", "", site.FailureContent, ""},
		{url + "/nothing", "", site.FailureContent, ""},
		{url + "/broken", "", site.FailureProtocol, ""},
		{url + "/moved", "", site.FailureStatus, ""},
		{"http://127.0.0.1:1/metrics", "", site.FailureForbidden, ""},
		{strings.Replace(url, "http:", "https:", 1), "", site.FailureForbidden, ""},
		{"/metrics", "", site.FailureForbidden, ""},
		{"http://[::1", "", site.FailureForbidden, ""},
	}
	for _, tt := range tests {
		t.Run(strings.TrimPrefix(tt.url, url), func(t *testing.T) {
			got, r := page(t, network(t), to, tt.url, tt.accept)
			if r.Failure != tt.want || got != tt.content {
				t.Errorf("got failure %q (%v) and %d bytes, want %q and %d", r.Failure, r.Err, len(got), tt.want, len(tt.content))
			}
		})
	}
}

func TestPagesKeepTheirConnection(t *testing.T) {
	url, conns := counting(t, nil, statistics)
	n := network(t)
	for range 3 {
		for _, path := range []string{"/metrics", "/gzip"} {
			_, r := page(t, n, target(url), url+path, "")
			wantGood(t, r)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("got %d connections, want 1", conns.Load())
	}
}
