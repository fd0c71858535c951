package health_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// keeping is target with what else is asked of it.
func keeping(url string, ask site.Ask) site.Target {
	to := target(url)
	ask.KeepAlive = true
	to.Ask = unique.Make(ask)
	return to
}

// network returns a network that is closed at the end of the test.
func network(t *testing.T) *health.Network {
	t.Helper()
	n := health.NewNetwork("")
	t.Cleanup(n.Close)
	return n
}

// counting starts a web server, with TLS if config is not nil, that counts its
// connections.
func counting(t *testing.T, config *tls.Config, handler http.HandlerFunc) (url string, conns *atomic.Int32) {
	t.Helper()
	conns = new(atomic.Int32)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	if server.TLS = config; config != nil {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, conns
}

func certificate(t *testing.T, ends time.Time) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{root().sign(t, "www.example.org", ends)}}
}

func TestKeepAliveUsesAConnectionTenTimes(t *testing.T) {
	for name, config := range map[string]*tls.Config{"HTTP": nil, "HTTPS": certificate(t, time.Now().Add(time.Hour))} {
		t.Run(name, func(t *testing.T) {
			var closes atomic.Int32
			url, conns := counting(t, config, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Connection") == "close" {
					closes.Add(1)
				}
				fmt.Fprint(w, "fine")
			})
			probe := network(t).Probes()["http"]
			for i := range 25 {
				r := ask(t, probe, keeping(url, site.Ask{}))
				wantGood(t, r)
				if want := i%10 != 0; r.Reused != want || (r.Phases.Connect == 0) != want || r.Expires.IsZero() != (config == nil) {
					t.Errorf("probe %d: reused %t, connect %s, expires %s", i, r.Reused, r.Phases.Connect, r.Expires)
				}
			}
			if conns.Load() != 3 || closes.Load() != 0 {
				t.Errorf("got %d connections and %d requests to close one, want 3 and none", conns.Load(), closes.Load())
			}
		})
	}
}

func TestSessionsAreResumedNineTimesInTen(t *testing.T) {
	for name, version := range map[string]uint16{"TLS12": tls.VersionTLS12, "TLS13": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			config := certificate(t, time.Now().Add(time.Hour))
			config.MaxVersion = version
			url, conns := counting(t, config, func(http.ResponseWriter, *http.Request) {})
			probe := network(t).Probes()["http"]
			for i := range 12 {
				r := ask(t, probe, target(url))
				wantGood(t, r)
				if r.Resumed != (i%10 != 0) || r.Reused || r.Expires.IsZero() {
					t.Errorf("probe %d: resumed %t, reused %t, expires %s", i, r.Resumed, r.Reused, r.Expires)
				}
			}
			if conns.Load() != 12 {
				t.Errorf("got %d connections, want 12", conns.Load())
			}
		})
	}
}

// TestAFreshProbeResumesNothing and finds a certificate for another name at once.
func TestAFreshProbeResumesNothing(t *testing.T) {
	var shown atomic.Pointer[tls.Certificate]
	show := func(name string) {
		signed := root().sign(t, name, time.Now().Add(time.Hour))
		shown.Store(&signed)
	}
	show("www.example.org")
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.Load(), nil }}
	url, _ := counting(t, config, func(http.ResponseWriter, *http.Request) {})
	probe, to := network(t).Probes()["http"], target(url)
	to.Ask = unique.Make(site.Ask{Fresh: true})
	for range 3 {
		r := ask(t, probe, to)
		wantGood(t, r)
		if r.Resumed {
			t.Error("Expected no session to be resumed")
		}
	}
	show("other.example.org")
	wantFailure(t, ask(t, probe, to), site.FailureTLS, "the certificate is for other names, not www.example.org")
}

// A certificate that expires is noticed, whether the session is resumed or even
// the connection is the same.
func TestACertificateThatExpiresIsNoticed(t *testing.T) {
	for name, keep := range map[string]bool{"Resumed": false, "Reused": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := time.Now().Add(8 * time.Second) // two probes are over by then, even on a loaded machine
			url, _ := counting(t, certificate(t, ends), func(http.ResponseWriter, *http.Request) {})
			probe, to := network(t).Probes()["http"], target(url)
			to.Ask = unique.Make(site.Ask{KeepAlive: keep})
			for range 2 {
				wantGood(t, ask(t, probe, to))
			}
			time.Sleep(time.Until(ends.Add(time.Second)))
			wantFailure(t, ask(t, probe, to), site.FailureTLS, "expired")
		})
	}
}

func TestDays(t *testing.T) {
	url, _ := counting(t, certificate(t, time.Now().Add(10*24*time.Hour)), func(http.ResponseWriter, *http.Request) {})
	probe := network(t).Probes()["http"]
	for days, want := range map[int]site.Failure{0: "", 9: "", 11: site.FailureExpiry} {
		to := target(url)
		to.Ask = unique.Make(site.Ask{Days: days})
		r := ask(t, probe, to)
		if r.Failure != want || r.Expires.IsZero() {
			t.Errorf("%d days: got failure %q (%v), expires %s", days, r.Failure, r.Err, r.Expires)
		}
	}
}

// script serves connections in turn: to each request of a connection the next
// text is the answer; after the last it is closed.
func script(t *testing.T, conns ...[]string) (url string, taken *atomic.Int32) {
	taken = new(atomic.Int32)
	address := serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		n := int(taken.Add(1)) - 1
		requests := bufio.NewReader(conn)
		for _, text := range conns[min(n, len(conns)-1)] {
			if _, err := http.ReadRequest(requests); err != nil {
				return
			}
			io.WriteString(conn, text)
		}
	})
	return "http://" + address, taken
}

const empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

func TestAKeptConnectionThatIsClosedIsReplaced(t *testing.T) {
	tests := map[string][]string{
		"Closed":         {empty},
		"RequestTimeout": {empty, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"},
	}
	for name, first := range tests {
		t.Run(name, func(t *testing.T) {
			url, conns := script(t, first, []string{empty, empty})
			probe := network(t).Probes()["http"]
			for i := range 3 {
				r := ask(t, probe, keeping(url, site.Ask{}))
				wantGood(t, r)
				if r.Reused != (i == 2) || r.Status != 200 {
					t.Errorf("probe %d: reused %t, status %d", i, r.Reused, r.Status)
				}
			}
			if conns.Load() != 2 {
				t.Errorf("got %d connections, want 2", conns.Load())
			}
		})
	}
	t.Run("Once", func(t *testing.T) {
		url, conns := script(t, []string{empty}, nil)
		probe := network(t).Probes()["http"]
		wantGood(t, ask(t, probe, keeping(url, site.Ask{})))
		if r := ask(t, probe, keeping(url, site.Ask{})); r.Failure == "" || conns.Load() != 2 {
			t.Errorf("got failure %q after %d connections, want one after 2", r.Failure, conns.Load())
		}
	})
}

func TestConnectionsThatAreNotKept(t *testing.T) {
	kilobytes := strings.Repeat("x", 70<<10)
	tests := map[string]string{
		"Close":     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP10":    "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"Rest":      empty + "HTTP/1.1 500 unasked\r\n\r\n",
		"LongBody":  fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(kilobytes), kilobytes),
		"Switching": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"BadBody":   "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndown",
		"BadStatus": "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
	}
	asks := map[string]site.Ask{"BadBody": {Body: "up"}}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			url, conns := script(t, []string{text, text})
			probe := network(t).Probes()["http"]
			for range 2 {
				if r := ask(t, probe, keeping(url, asks[name])); r.Reused {
					t.Error("the connection was used again")
				}
			}
			if conns.Load() != 2 {
				t.Errorf("got %d connections, want 2", conns.Load())
			}
		})
	}
}

// gone waits until a server sees the end of the connection.
func gone(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(generous):
		t.Error("the connection is still open")
	}
}

// holding answers one request and tells when the connection ends.
func holding(t *testing.T) (url string, ended chan struct{}) {
	ended = make(chan struct{}, 100)
	return "http://" + serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		requests := bufio.NewReader(conn)
		http.ReadRequest(requests)
		io.WriteString(conn, empty)
		requests.ReadByte()
		ended <- struct{}{}
	}), ended
}

func TestCloseEndsWhatIsKept(t *testing.T) {
	url, ended := holding(t)
	n := health.NewNetwork("")
	probe := n.Probes()["http"]
	wantGood(t, ask(t, probe, keeping(url, site.Ask{})))
	if n.Kept() != 1 {
		t.Errorf("got %d kept, want 1", n.Kept())
	}
	n.Close()
	gone(t, ended)
	wantGood(t, ask(t, probe, keeping(url, site.Ask{})))
	gone(t, ended)
	if n.Kept() != 0 {
		t.Errorf("got %d kept after the end, want none", n.Kept())
	}
}

// What one target leaves is not for another: the question is another one.
func TestConnectionsAreNotShared(t *testing.T) {
	url, conns := counting(t, nil, func(http.ResponseWriter, *http.Request) {})
	probe := network(t).Probes()["http"]
	for _, path := range []string{"/a", "/b", "/a", "/b"} {
		wantGood(t, ask(t, probe, keeping(url+path, site.Ask{})))
	}
	if conns.Load() != 2 {
		t.Errorf("got %d connections, want 2", conns.Load())
	}
}

// Two probes of a target at a time happen only outside the scheduler. They do no
// harm.
func TestTwoProbesOfATargetAtATime(t *testing.T) {
	url, _ := counting(t, certificate(t, time.Now().Add(time.Hour)), func(http.ResponseWriter, *http.Request) {})
	n := network(t)
	done := make(chan health.Result)
	for range 4 {
		go func() {
			var r health.Result
			for range 10 {
				if r = n.Probes()["http"](context.Background(), keeping(url, site.Ask{})); r.Err != nil {
					break
				}
			}
			done <- r
		}()
	}
	for range 4 {
		wantGood(t, <-done)
	}
	if n.Kept() != 1 {
		t.Errorf("got %d kept, want 1", n.Kept())
	}
}

func TestWhatIsIdleIsDropped(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		n := health.NewNetwork("")
		defer n.Close()
		n.Keep(target("http://192.0.2.1:80/"), client)
		time.Sleep(health.MaxIdle - time.Second)
		synctest.Wait()
		if n.Kept() != 1 {
			t.Errorf("got %d kept before the limit, want 1", n.Kept())
		}
		time.Sleep(health.SweepEvery + 2*time.Second)
		synctest.Wait()
		if n.Kept() != 0 {
			t.Errorf("got %d kept after the limit, want none", n.Kept())
		}
		if _, err := server.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("got %v of the connection, want its end", err)
		}
	})
}

func TestKeptConnectionsAreBounded(t *testing.T) {
	url, conns := counting(t, nil, func(http.ResponseWriter, *http.Request) {})
	n := network(t)
	n.KeepAtMost(1)
	for range 2 {
		for _, path := range []string{"/a", "/b"} {
			wantGood(t, ask(t, n.Probes()["http"], keeping(url+path, site.Ask{})))
		}
	}
	if n.Kept() != 2 || conns.Load() != 3 { // of one target the connection, of the other all else
		t.Errorf("got %d kept and %d connections, want 2 and 3", n.Kept(), conns.Load())
	}
}

// Where there are no files left, those of kept connections are given back.
func TestOutOfFilesNothingIsKept(t *testing.T) {
	url, _ := counting(t, nil, func(http.ResponseWriter, *http.Request) {})
	n := network(t)
	wantGood(t, ask(t, n.Probes()["http"], keeping(url, site.Ask{})))
	n.BeforeDialling(func() error {
		if n.Kept() > 0 {
			return syscall.EMFILE
		}
		return nil
	})
	wantGood(t, ask(t, n.Probes()["http"], target(url)))
	n.BeforeDialling(func() error { return syscall.ENFILE })
	wantFailure(t, ask(t, n.Probes()["http"], target(url)), site.FailureLocal)
}
