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

// door is a socket that lets in so many connections at a time. Who comes beyond
// that waits in the system's queue.
type door struct {
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

func newDoor(l net.Listener, open prometheus.Gauge, wrap func(net.Conn) net.Conn, log io.Writer) *door {
	d := &door{Listener: l, open: open, wrap: wrap, log: log, inside: make(map[*visitor]bool)}
	d.left = sync.NewCond(&d.mu)
	return d
}

// widen makes room for n connections in all.
func (d *door) widen(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
	d.left.Broadcast()
}

// Accept implements net.Listener. It fails only when the door is closed: that
// the process has no file left, or a peer has gone already, passes.
func (d *door) Accept() (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if !d.enter() {
			return nil, net.ErrClosed
		}
		conn, err := d.Listener.Accept()
		if err == nil {
			return d.wrap(d.admit(conn.(*net.TCPConn))), nil
		}
		d.leave(nil)
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		fmt.Fprintf(d.log, "accepting: %v", err)
		time.Sleep(pause)
	}
}

// Pauses after a connection that could not be accepted.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// enter waits for room, and reports whether the door is open.
func (d *door) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.inside)+d.coming >= d.room && !d.closed {
		d.left.Wait()
	}
	if !d.closed {
		d.coming++
	}
	return !d.closed
}

func (d *door) admit(conn *net.TCPConn) *visitor {
	v := &visitor{TCPConn: conn, door: d, over: make(chan struct{})}
	d.open.Inc()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.coming--
	d.inside[v] = true
	return v
}

// leave makes room again: that of a visitor, once, or of nobody who has come.
func (d *door) leave(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case v == nil:
		d.coming--
	case d.inside[v]:
		delete(d.inside, v)
		close(v.over)
		d.open.Dec()
	}
	d.left.Signal()
}

// clear throws everybody out.
func (d *door) clear() {
	d.mu.Lock()
	inside := slices.Collect(maps.Keys(d.inside))
	d.mu.Unlock()
	for _, v := range inside {
		v.Close()
	}
}

// Close implements net.Listener. It may be called again.
func (d *door) Close() error {
	d.mu.Lock()
	d.closed = true
	d.left.Broadcast()
	d.mu.Unlock()
	if err := d.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// visitor is a connection inside.
type visitor struct {
	*net.TCPConn
	door *door
	over chan struct{} // closed when it has left
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.door.leave(v)
	return v.TCPConn.Close()
}
