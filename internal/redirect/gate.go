package redirect

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gate is a socket that lets in so many connections at a time. Who comes beyond
// that waits in the system's queue.
type gate struct {
	net.Listener
	open prometheus.Gauge
	wrap func(net.Conn) net.Conn
	log  io.Writer

	mu     sync.Mutex
	left   *sync.Cond // somebody has left, or there is more room
	room   int
	inside map[*visitor]bool
	coming int // those that are let in next
	closed bool
}

func newGate(l net.Listener, open prometheus.Gauge, wrap func(net.Conn) net.Conn, log io.Writer) *gate {
	g := &gate{Listener: l, open: open, wrap: wrap, log: log, inside: make(map[*visitor]bool)}
	g.left = sync.NewCond(&g.mu)
	return g
}

// widen makes room for n connections in all.
func (g *gate) widen(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.room = n
	g.left.Broadcast()
}

// Accept implements net.Listener. It fails only when the gate is closed: that
// the process has no file left, or a peer has gone already, passes.
func (g *gate) Accept() (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if !g.enter() {
			return nil, net.ErrClosed
		}
		conn, err := g.Listener.Accept()
		if err == nil {
			return g.wrap(g.admit(conn.(*net.TCPConn))), nil
		}
		g.leave(nil)
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		fmt.Fprintf(g.log, "accepting: %v", err)
		time.Sleep(pause)
	}
}

// Pauses after a connection that could not be accepted.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// enter waits for room, and reports whether the gate is open.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.inside)+g.coming >= g.room && !g.closed {
		g.left.Wait()
	}
	if !g.closed {
		g.coming++
	}
	return !g.closed
}

func (g *gate) admit(conn *net.TCPConn) *visitor {
	v := &visitor{TCPConn: conn, gate: g, over: make(chan struct{})}
	g.open.Inc()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.coming--
	g.inside[v] = true
	return v
}

// leave makes room again: that of a visitor, once, or of nobody who has come.
func (g *gate) leave(v *visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case v == nil:
		g.coming--
	case g.inside[v]:
		delete(g.inside, v)
		close(v.over)
		g.open.Dec()
	}
	g.left.Signal()
}

// clear throws everybody out.
func (g *gate) clear() {
	g.mu.Lock()
	inside := slices.Collect(maps.Keys(g.inside))
	g.mu.Unlock()
	for _, v := range inside {
		v.Close()
	}
}

// Close implements net.Listener. It may be called again.
func (g *gate) Close() error {
	g.mu.Lock()
	g.closed = true
	g.left.Broadcast()
	g.mu.Unlock()
	if err := g.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// visitor is a connection inside.
type visitor struct {
	*net.TCPConn
	gate *gate
	over chan struct{} // closed when it has left
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.gate.leave(v)
	return v.TCPConn.Close()
}
