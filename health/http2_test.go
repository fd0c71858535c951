package health_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unique"

	"go.uber.org/goleak"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// web2 starts a web server that speaks HTTP/2 over TLS, or without it to those
// who know.
func web2(t *testing.T, secured bool, handler http.HandlerFunc) (url string, conns *atomic.Int32) {
	t.Helper()
	conns = new(atomic.Int32)
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.Protocols.SetHTTP2(true)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	t.Cleanup(server.Close)
	if !secured {
		server.Start()
		return server.URL, conns
	}
	server.EnableHTTP2 = true
	server.TLS = certificate(t, time.Now().Add(time.Hour))
	server.StartTLS()
	return server.URL, conns
}

// both runs a test over TLS and without it.
func both(t *testing.T, test func(t *testing.T, secured bool)) {
	for name, secured := range map[string]bool{"HTTPS": true, "HTTP": false} {
		t.Run(name, func(t *testing.T) { test(t, secured) })
	}
}

func asking2(url string, ask site.Ask) site.Target {
	to := target(url)
	ask.HTTP2 = true
	to.Ask = unique.Make(ask)
	return to
}

func TestHTTP2(t *testing.T) {
	both(t, func(t *testing.T, secured bool) {
		var seen string
		url, _ := web2(t, secured, func(w http.ResponseWriter, r *http.Request) {
			seen = fmt.Sprint(r.Method, r.URL, r.Proto, r.Host, r.Header)
			fmt.Fprint(w, "fine")
		})
		ignore := goleak.IgnoreCurrent()
		probe := newHTTP("probe")
		r := ask(t, probe, asking2(url+"/a?b=c", site.Ask{Body: "fine", Headers: "X-A: 1"}))
		wantGood(t, r)
		if r.Protocol != "HTTP/2.0" || r.Status != 200 || r.Bytes != 4 || r.Expires.IsZero() == secured {
			t.Errorf("got %+v", r)
		}
		p := r.Phases
		if p.Connect <= 0 || (p.TLS > 0) != secured || p.FirstByte <= 0 || p.Transfer <= 0 {
			t.Errorf("got phases %+v", p)
		}
		if want := "GET/a?b=cHTTP/2.0www.example.orgmap[User-Agent:[probe] X-A:[1]]"; seen != want {
			t.Errorf("got request %s, want %s", seen, want)
		}
		goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
	})
}

func TestHTTP2KeepAlive(t *testing.T) {
	both(t, func(t *testing.T, secured bool) {
		url, conns := web2(t, secured, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "fine") })
		probe := network(t).Probes()["http"]
		for i := range 12 {
			r := ask(t, probe, asking2(url, site.Ask{KeepAlive: true}))
			wantGood(t, r)
			if r.Reused != (i%10 != 0) {
				t.Errorf("probe %d: reused %t", i, r.Reused)
			}
		}
		if conns.Load() != 2 {
			t.Errorf("got %d connections, want 2", conns.Load())
		}
	})
}

func TestHTTP2IsNotAgreedOn(t *testing.T) {
	t.Run("HTTPS", func(t *testing.T) {
		url, _ := counting(t, certificate(t, time.Now().Add(time.Hour)), func(http.ResponseWriter, *http.Request) {})
		wantFailure(t, ask(t, newHTTP(""), asking2(url, site.Ask{})), site.FailureProtocol, "does not speak HTTP/2")
	})
	t.Run("HTTP", func(t *testing.T) {
		old := serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) { // it reads all: a reset would come before its answer
			conn.Read(make([]byte, 1))
			conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
			io.Copy(io.Discard, conn)
		})
		wantFailure(t, ask(t, newHTTP(""), asking2("http://"+old, site.Ask{})), site.FailureProtocol, "waiting for the answer")
	})
}

func TestHTTP2Bounds(t *testing.T) {
	both(t, func(t *testing.T, secured bool) {
		url, _ := web2(t, secured, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/status":
				w.WriteHeader(http.StatusServiceUnavailable)
			case "/header":
				w.Header().Set("X-Filler", strings.Repeat("x", 100<<10))
			case "/mute":
				<-r.Context().Done()
			case "/body":
				for {
					if _, err := w.Write(make([]byte, 16<<10)); err != nil {
						return
					}
				}
			}
		})
		probe := newHTTP("")
		wantFailure(t, ask(t, probe, asking2(url+"/status", site.Ask{})), site.FailureStatus, "status 503")
		wantFailure(t, ask(t, probe, asking2(url+"/header", site.Ask{})), site.FailureProtocol, "waiting for the answer")
		r := ask(t, probe, asking2(url+"/body", site.Ask{}))
		wantGood(t, r)
		if r.Bytes != 64<<10 {
			t.Errorf("got %d bytes, want 65536", r.Bytes)
		}
		to := asking2(url+"/mute", site.Ask{})
		to.Timeout = 300 * time.Millisecond
		wantFailure(t, ask(t, probe, to), site.FailureTimeout)
	})
}

func TestHTTP2Reset(t *testing.T) {
	reset := serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		conn.Read(make([]byte, 1))
		conn.(*net.TCPConn).SetLinger(0)
	})
	if r := ask(t, newHTTP(""), asking2("http://"+reset, site.Ask{})); r.Failure != site.FailureConnect {
		t.Errorf("got failure %q: %v", r.Failure, r.Err)
	}
}
