package health

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// What is kept between the probes of a target, and for how long. Servers close
// idle connections after 5 to 75 s by default, so that more would not help.
const (
	maxIdle    = 90 * time.Second
	sweepEvery = 30 * time.Second
	maxPasts   = 1 << 17 // targets of which something is kept
	freshEvery = 10      // of so many probes one begins with nothing
)

// past is what a probe leaves for the next one of its target: the connection
// if the target asks for that, and the newest TLS session. It belongs to one
// probe at a time.
type past struct {
	probes  int // so far
	used    time.Time
	wait    time.Time // until then the target wants to be left alone, if it is a feed's
	link    *link     // nil: there is none
	session session
}

// begin readies the past for one more probe. One of ten starts afresh, with a
// new connection and a full handshake, so that both go on being tested.
func (p *past) begin() {
	fresh := p.probes%freshEvery == 0
	p.probes++
	p.session.withhold(fresh)
	if fresh {
		p.drop()
	}
}

// drop closes the connection, if there is one.
func (p *past) drop() {
	if p.link != nil {
		p.link.close()
		p.link = nil
	}
}

// session is the newest TLS session with a target: a tls.ClientSessionCache
// with room for one. A connection that is kept may get a new one at any time.
type session struct {
	mu       sync.Mutex
	newest   *tls.ClientSessionState
	withheld bool
}

func (s *session) withhold(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withheld = yes
}

// Get implements tls.ClientSessionCache.
func (s *session) Get(string) (*tls.ClientSessionState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest, s.newest != nil && !s.withheld
}

// Put implements tls.ClientSessionCache.
func (s *session) Put(_ string, state *tls.ClientSessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = state
}

// link is a connection that requests go over, one at a time.
type link struct {
	conn    *ending          // bound to the context of the request
	stream  net.Conn         // conn, or TLS over it
	http2   *http.ClientConn // nil: HTTP/1.1
	expires time.Time        // of the certificate; zero: there is none
	reused  bool
}

func (l *link) close() {
	if l.http2 != nil {
		l.http2.Close()
	}
	l.conn.Close()
}

// pasts has the pasts of all targets but those that are with their probe. Those
// that are idle for too long are dropped, among them the ones of targets that
// are gone.
type pasts struct {
	mu     sync.Mutex
	of     map[site.Target]*past
	links  int         // how many of them have one
	room   int         // for links
	sweeps *time.Timer // set while there is anything to drop
	closed bool
}

// take returns the past of a target, for the time of a probe.
func (p *pasts) take(t site.Target) *past {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.of[t]
	if taken == nil {
		return new(past)
	}
	p.remove(t)
	return taken
}

// remove forgets the past of a target.
func (p *pasts) remove(t site.Target) {
	if p.of[t].link != nil {
		p.links--
	}
	delete(p.of, t)
}

// put takes a past back. It is dropped where there is no room for it, or where
// another probe of the target was faster; its connection alone where there are
// enough of those.
func (p *pasts) put(t site.Target, back *past) {
	if back.link != nil && p.full() {
		back.drop()
	}
	if !p.keep(t, back) {
		back.drop()
	}
}

// full reports whether there is no room for another connection.
func (p *pasts) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.links >= p.room
}

func (p *pasts) keep(t site.Target, back *past) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.of) >= maxPasts || p.of[t] != nil || back.link != nil && p.links >= p.room {
		return false
	}
	if back.link != nil {
		p.links++
	}
	if p.of == nil {
		p.of = make(map[site.Target]*past)
	}
	if p.sweeps == nil {
		p.sweeps = time.AfterFunc(sweepEvery, p.sweep)
	}
	back.used = time.Now()
	p.of[t] = back
	return true
}

// sweep drops what is idle.
func (p *pasts) sweep() {
	for _, idle := range p.idle(time.Now().Add(-maxIdle)) {
		idle.drop()
	}
}

func (p *pasts) idle(since time.Time) (idle []*past) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t, kept := range p.of {
		if kept.used.Before(since) && kept.wait.Before(since) {
			idle = append(idle, kept)
			p.remove(t)
		}
	}
	p.sweeps = nil
	if len(p.of) > 0 {
		p.sweeps = time.AfterFunc(sweepEvery, p.sweep)
	}
	return idle
}

// close drops all, and whatever is put back later.
func (p *pasts) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.clear()
}

// clear drops all that is with no probe.
func (p *pasts) clear() {
	p.mu.Lock()
	all := p.of
	p.of, p.links = nil, 0
	if p.sweeps != nil {
		p.sweeps.Stop()
		p.sweeps = nil
	}
	p.mu.Unlock()
	for _, kept := range all {
		kept.drop()
	}
}
