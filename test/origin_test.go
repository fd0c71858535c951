//go:build linux

package test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// origin is a real web server that can be made slow, silent or dead.
type origin struct {
	port     string
	asked    atomic.Int64 // requests that arrived
	answered atomic.Int64 // requests that were answered in full
	delay    atomic.Int64 // before the answer, in nanoseconds
	broken   atomic.Bool  // the answer is an error

	mu   sync.Mutex
	live map[string]*http.Server // by address
}

// silence is a delay that no probe waits for: the server accepts the request
// and never answers.
const silence = time.Hour

// newOrigin returns a web server for one port of all its addresses; port 0 is
// whichever is free when it listens first.
func newOrigin(port string) *origin { return &origin{port: port, live: make(map[string]*http.Server)} }

// startOrigin starts a web server for the time of the test; without addresses
// on 127.0.0.1.
func startOrigin(t *testing.T, addresses ...string) *origin {
	t.Helper()
	if len(addresses) == 0 {
		addresses = []string{"127.0.0.1"}
	}
	var o *origin
	awaitTrue(t, "a port that is free on every address", func() bool {
		o = newOrigin("0")
		for _, address := range addresses {
			if o.open(address) != nil {
				o.close()
				return false
			}
		}
		return true
	})
	t.Cleanup(o.close)
	return o
}

// absentOrigin is a web server that does not listen yet.
func absentOrigin(t *testing.T) *origin {
	t.Helper()
	o := startOrigin(t)
	o.kill("127.0.0.1")
	return o
}

// open makes the server listen on an address.
func (o *origin) open(address string) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, o.port))
	if err != nil {
		return err
	}
	if _, o.port, err = net.SplitHostPort(listener.Addr().String()); err != nil {
		return err
	}
	web := &http.Server{Handler: o}
	o.mu.Lock()
	o.live[address] = web
	o.mu.Unlock()
	go web.Serve(listener)
	return nil
}

// revive makes the server listen again.
func (o *origin) revive(t *testing.T, address string) {
	t.Helper()
	awaitTrue(t, "the origin's port to be free", func() bool { return o.open(address) == nil })
}

// kill makes the server refuse connections on an address.
func (o *origin) kill(address string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if web := o.live[address]; web != nil {
		web.Close()
		delete(o.live, address)
	}
}

func (o *origin) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, web := range o.live {
		web.Close()
	}
}

// slow sets how long an answer takes from now on.
func (o *origin) slow(delay time.Duration) { o.delay.Store(int64(delay)) }

// fast lets the server answer at once.
func (o *origin) fast() { o.slow(0) }

// fail makes the server answer with an error, or stop doing so.
func (o *origin) fail(broken bool) { o.broken.Store(broken) }

// ServeHTTP implements http.Handler.
func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	late := time.NewTimer(time.Duration(o.delay.Load()))
	defer late.Stop()
	select {
	case <-late.C:
		if o.broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprintln(w, "This is the origin.")
		o.answered.Add(1)
	case <-r.Context().Done():
	}
}
