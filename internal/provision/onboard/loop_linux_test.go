package onboard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// TestAnOriginThatLeadsBack to the node that asks it is asked once for a request, and not
// without end (RFC 8586).
func TestAnOriginThatLeadsBack(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *node{"nginx": startNginx, "varnish": startVarnish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			back, asked := leadsTo(t, n)
			_, err := n.provider.Create(context.Background(), requestOf(t, back, "www.example.org"))
			must(t, err)
			for _, path := range []string{"/page", "/.well-known/acme-challenge/x"} {
				n.await(t, "www.example.org", path, "508")
				asked.Store(0)
				if got := n.get(t, "www.example.org", path); got[:3] != "508" || asked.Load() != 1 {
					t.Errorf("%s: Expected 508 after one request to the origin, got %q after %d", path, got, asked.Load())
				}
			}
		})
	}
}

// TestWhichRequestsCameRound: those whose CDN-Loop names us, among others or not.
func TestWhichRequestsCameRound(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *node{"nginx": startNginx, "varnish": startVarnish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			at, _ := origin(t, "origin")
			_, err := n.provider.Create(context.Background(), requestOf(t, at, "www.example.org"))
			must(t, err)
			n.await(t, "www.example.org", "/", "origin: ")
			for loop, want := range map[string]int{
				"": http.StatusOK, "big": http.StatusOK, "notcdnredirect, cdnredirect.example.org": http.StatusOK, "big;by=cdnredirect": http.StatusOK,
				"cdnredirect": http.StatusLoopDetected, "big, CDNredirect": http.StatusLoopDetected,
				"big,cdnredirect;v=1, other": http.StatusLoopDetected, "big,\tcdnredirect\t;v=1": http.StatusLoopDetected,
			} {
				req, err := http.NewRequest(http.MethodGet, "http://"+n.addr+"/", nil)
				must(t, err)
				req.Host = "www.example.org"
				req.Header.Set("CDN-Loop", loop)
				response, err := http.DefaultTransport.RoundTrip(req)
				must(t, err)
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("CDN-Loop %q: Expected %d, got %s", loop, want, response.Status)
				}
			}
		})
	}
}

// leadsTo is an origin server that asks a node, and counts. It gives up after a few requests.
func leadsTo(t *testing.T, n *node) (server *httptest.Server, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: n.addr})
		r.Out.Host = r.In.Host
	}}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 20 {
			http.Error(w, "asked without end", http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server, asked
}
