package redirect

import (
	"errors"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// gate is a socket that lets in so many connections at a time. Who comes beyond
// that waits in the system's queue.
type gate struct {
	net.Listener
	wrap func(net.Conn) net.Conn
	open prometheus.Gauge

	mu     sync.Mutex
	left   *sync.Cond // somebody has left, or there is more room
	room   int
	inside int
	closed bool
}

func newGate(l net.Listener, open prometheus.Gauge) *gate {
	g := &gate{Listener: l, open: open}
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

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	if !g.enter() {
		return nil, net.ErrClosed
	}
	conn, err := g.Listener.Accept()
	if err != nil {
		g.leave()
		return nil, err
	}
	g.open.Inc()
	return g.wrap(&visitor{TCPConn: conn.(*net.TCPConn), leave: sync.OnceFunc(func() { g.open.Dec(); g.leave() })}), nil
}

// enter waits for room, and reports whether the gate is open.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside >= g.room && !g.closed {
		g.left.Wait()
	}
	g.inside++
	return !g.closed
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.left.Signal()
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
	leave func()
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.leave()
	return v.TCPConn.Close()
}
