package redirect

import (
	"crypto/tls"
	"net"
	"sync"
)

// handoff is a listener of connections that another server has taken, and whose
// peers want to speak HTTP/2.
type handoff struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHandoff(addr net.Addr) *handoff {
	return &handoff{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// give hands a connection over, and returns when it is closed.
func (h *handoff) give(conn net.Conn) error {
	over := conn.(*tls.Conn).NetConn().(*visitor).over
	select {
	case h.conns <- conn:
		<-over
	case <-h.closed:
	}
	return nil
}

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handoff) Addr() net.Addr { return h.addr }
