package api

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Bounds of a console's connections.
const (
	maxConsoleConns = 256
	maxOfNetwork    = maxConsoleConns / 2             // of one address, or of one network where a site has very many
	maxOfCustomer   = maxConsoleConns / 4             // over which good tokens of his users have come
	maxOfCustomers  = maxConsoleConns - maxOfCustomer // of all of them: the others are operators', and strangers'

	// strangerLimit is how long a connection may be there without a good token: for the
	// handshake, the header and the look into the store there are 5 seconds each.
	strangerLimit = 15 * time.Second
)

// door is a listener that lets so many connections in at a time, not all of them from one
// network. A stranger is a connection over which no good token has come yet: who comes
// when all is full has the place of the one who has been there longest. Where there is no
// stranger, who comes waits; or is sent away, if it is his own network that is full. Of
// customers there are fewer, so that operators always find strangers.
type door struct {
	net.Listener

	mu     sync.Mutex
	left   *sync.Cond
	inside []*visitor // who has been there longest is first
	closed bool
}

func newDoor(l net.Listener) *door {
	d := &door{Listener: l}
	d.left = sync.NewCond(&d.mu)
	return d
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		v := &visitor{Conn: conn, door: d, network: networkOf(conn.RemoteAddr().String())}
		if d.admit(v) {
			return v, nil
		}
		conn.Close()
	}
}

// admit finds a place, and reports whether there is one.
func (d *door) admit(v *visitor) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	anybody := func(*visitor) bool { return true }
	neighbour := func(other *visitor) bool { return other.network == v.network }
	if d.count(neighbour) >= maxOfNetwork && !d.evictStranger(neighbour) {
		return false
	}
	for len(d.inside) >= maxConsoleConns && !d.closed && !d.evictStranger(anybody) {
		d.left.Wait()
	}
	if d.closed {
		return false
	}
	d.inside = append(d.inside, v)
	v.late = time.AfterFunc(strangerLimit, func() { v.Close() })
	return true
}

func (d *door) count(which func(*visitor) bool) (n int) {
	for _, v := range d.inside {
		if which(v) {
			n++
		}
	}
	return n
}

// evictStranger evicts a stranger among some.
func (d *door) evictStranger(which func(*visitor) bool) bool {
	return d.evict(func(v *visitor) bool { return !v.known && which(v) })
}

// evict throws out that one of some who has been there longest, and reports whether there
// is one.
func (d *door) evict(which func(*visitor) bool) bool {
	i := slices.IndexFunc(d.inside, which)
	if i < 0 {
		return false
	}
	v := d.inside[i]
	d.inside = slices.Delete(d.inside, i, i+1)
	v.late.Stop()
	v.Conn.Close()
	d.left.Signal()
	return true
}

// roomFor reports whether a connection may be a customer's, once one has ended over which
// nobody asks anything: one of his, or of all customers', whichever are too many.
func (d *door) roomFor(customer string) bool {
	his := func(v *visitor) bool { return v.known && v.customer == customer }
	customers := func(v *visitor) bool { return v.known && v.customer != "" }
	idle := func(of func(*visitor) bool) func(*visitor) bool {
		return func(v *visitor) bool { return of(v) && v.idle }
	}
	switch {
	case customer == "":
		return true
	case d.count(his) >= maxOfCustomer:
		return d.evict(idle(his))
	case d.count(customers) >= maxOfCustomers:
		return d.evict(idle(customers))
	}
	return true
}

// Close implements net.Listener.
func (d *door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.left.Broadcast()
	return d.Listener.Close()
}

// visitor is a connection inside.
type visitor struct {
	net.Conn
	door    *door
	network string
	late    *time.Timer // ends the connection of a stranger

	// Under the door's mutex.
	known    bool   // a good token has come over it
	customer string // whose that was; empty: the provider's
	idle     bool   // nothing is asked over it now
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	d := v.door
	d.mu.Lock()
	if i := slices.Index(d.inside, v); i >= 0 {
		d.inside = slices.Delete(d.inside, i, i+1)
		d.left.Signal()
	}
	v.late.Stop()
	d.mu.Unlock()
	return v.Conn.Close()
}

// visitorKey is the key of the connection in a request's context.
type visitorKey struct{}

// withVisitor remembers over which connection requests come.
func withVisitor(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, visitorKey{}, below(conn))
}

// below returns the connection under TLS.
func below(conn net.Conn) net.Conn {
	if secure, ok := conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return conn
}

// seen notes whether anything is asked over a connection.
func seen(conn net.Conn, state http.ConnState) {
	v, ok := below(conn).(*visitor)
	if !ok {
		return
	}
	v.door.mu.Lock()
	defer v.door.mu.Unlock()
	v.idle = state == http.StateIdle
}

// welcome has the connection of a request be a stranger's no more, but the caller's. It
// reports whether there is room for one more of his.
func welcome(ctx context.Context, who Caller) bool {
	v, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return true // a request of a test
	}
	v.door.mu.Lock()
	defer v.door.mu.Unlock()
	if v.known && v.customer == who.Customer {
		return true
	}
	if !v.door.roomFor(who.Customer) {
		return false
	}
	v.known, v.customer = true, who.Customer
	v.late.Stop()
	return true
}
