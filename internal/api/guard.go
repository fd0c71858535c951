package api

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// guard lets root and the server's own user in, and so many at a time. The
// file's mode does the same, but may be changed; this may not.
type guard struct {
	*net.UnixListener
	cfg    Config
	places chan struct{} // holds a token for each open connection
	done   chan struct{} // closed by Close
	close  func() error
	told   time.Time // when a refusal was last logged; Accept's own
}

func newGuard(l *net.UnixListener, cfg Config) *guard {
	g := &guard{UnixListener: l, cfg: cfg, places: make(chan struct{}, maxConns), done: make(chan struct{})}
	g.close = sync.OnceValue(func() error {
		close(g.done)
		return l.Close()
	})
	return g
}

// Accept waits for a place and then for a peer who may use it.
func (g *guard) Accept() (net.Conn, error) {
	select {
	case g.places <- struct{}{}:
	case <-g.done:
		return nil, net.ErrClosed
	}
	conn, uid, err := g.admit()
	if err != nil {
		<-g.places
		return nil, err
	}
	return &placed{Conn: conn, uid: uid, leave: sync.OnceFunc(func() { <-g.places })}, nil
}

// admit accepts connections until one is of a peer who may come in.
func (g *guard) admit() (net.Conn, uint32, error) {
	for {
		conn, err := g.AcceptUnix()
		if err != nil {
			return nil, 0, err
		}
		uid, err := checkPeer(conn)
		if err != nil {
			conn.Close()
			g.refused(err)
			continue
		}
		return conn, uid, nil
	}
}

// checkPeer returns the user at the other end, if he may come in.
func checkPeer(conn *net.UnixConn) (uint32, error) {
	uid, err := peerUID(conn)
	if err != nil {
		return 0, fmt.Errorf("asking who the peer is: %w", err)
	}
	if own := os.Geteuid(); uid != 0 && int64(uid) != int64(own) {
		return 0, fmt.Errorf("user %d is neither root nor the server's user %d", uid, own)
	}
	return uid, nil
}

// refused counts every refusal, but logs one a minute: whoever knocks shall not
// fill the disk.
func (g *guard) refused(err error) {
	if g.cfg.Refused != nil {
		g.cfg.Refused()
	}
	if now := time.Now(); now.Sub(g.told) >= time.Minute {
		g.told = now
		g.cfg.Log.Warningf("refused a connection to socket '%s': %v", g.Addr(), err)
	}
}

// Close implements net.Listener. It may be called again.
func (g *guard) Close() error { return g.close() }

// placed is a connection that leaves its place when it is closed.
type placed struct {
	net.Conn
	uid   uint32 // of the peer
	leave func()
}

func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
