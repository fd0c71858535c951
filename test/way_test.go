//go:build linux

package test

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// way leads to a TCP server that can be slow, or cut: then nothing comes through,
// but nobody is told, as when a router is gone.
type way struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	conns map[net.Conn]bool
	delay time.Duration
	down  chan struct{} // closed by mend; nil: it is open
	shut  bool          // connections end at once
}

func newWay(t *testing.T, to string) *way {
	t.Helper()
	w, err := openWay("127.0.0.1:0", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.listener.Close()
		w.mend()
		w.reset()
	})
	return w
}

// openWay opens a way from an address to another one, or to a unix socket.
func openWay(from, to string) (*way, error) {
	l, err := net.Listen("tcp", from)
	if err != nil {
		return nil, err
	}
	w := &way{listener: l, to: to, conns: make(map[net.Conn]bool)}
	go w.serve()
	return w, nil
}

func (w *way) address() string { return w.listener.Addr().String() }

func (w *way) serve() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.join(near)
	}
}

// join connects one connection with the server.
func (w *way) join(near net.Conn) {
	w.pass()
	if w.refusing() {
		near.Close()
		return
	}
	network := "tcp"
	if strings.HasPrefix(w.to, "/") {
		network = "unix"
	}
	far, err := net.Dial(network, w.to)
	if err != nil {
		near.Close()
		return
	}
	w.mu.Lock()
	w.conns[near], w.conns[far] = true, true
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { w.copy(far, near) })
	both.Go(func() { w.copy(near, far) })
	both.Wait()
	w.mu.Lock()
	delete(w.conns, near)
	delete(w.conns, far)
	w.mu.Unlock()
}

// copy passes on what comes, and ends both ways with one.
func (w *way) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w.pass()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits as long as the way is slow, or cut.
func (w *way) pass() {
	w.mu.Lock()
	delay, down := w.delay, w.down
	w.mu.Unlock()
	time.Sleep(delay)
	if down != nil {
		<-down
	}
}

// slow has everything take longer.
func (w *way) slow(delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = delay
}

// cut has nothing come through.
func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down == nil {
		w.down = make(chan struct{})
	}
}

// mend has everything come through again.
func (w *way) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut = false
	if w.down != nil {
		close(w.down)
		w.down = nil
	}
}

// reset ends all connections.
func (w *way) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
}

// refuse ends all connections, and each new one.
func (w *way) refuse() {
	w.mu.Lock()
	w.shut = true
	w.mu.Unlock()
	w.reset()
}

func (w *way) refusing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shut
}
