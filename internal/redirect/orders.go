package redirect

import (
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"time"
)

// orderAgain is for how long nothing is asked of the authority for a name for which it
// has failed: authorities count failures, of all names together.
const orderAgain = 15 * time.Minute

// orders has handshakes wait for certificates that have still to be issued, for no
// longer than for a request. The first one for a name has that done, which takes
// minutes where the name does not lead here.
type orders struct {
	get   func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	known func(host string) bool

	mu sync.Mutex
	of map[string]*order // those under way, and those that have failed of late
}

// order is one certificate that is asked for.
type order struct {
	over   chan struct{} // closed once the rest is set
	cert   *tls.Certificate
	err    error
	failed time.Time // zero: it has not
}

// protocolChallenge is that of the authority's own handshake (RFC 8737).
const protocolChallenge = "acme-tls/1"

// certificate implements tls.Config.GetCertificate.
func (o *orders) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch {
	case slices.Contains(hello.SupportedProtos, protocolChallenge):
		return o.get(hello)
	case !o.known(hello.ServerName):
		return nil, fmt.Errorf("'%s' is no host of a site with 'redirect'", hello.ServerName)
	}
	late := time.NewTimer(requestLimit)
	defer late.Stop()
	ordered := o.order(hello)
	select {
	case <-ordered.over:
		return ordered.cert, ordered.err
	case <-late.C:
		return nil, fmt.Errorf("there is no certificate for '%s' yet", hello.ServerName)
	}
}

// order returns the order that is under way for a name, or has failed of late, or
// begins one.
func (o *orders) order(hello *tls.ClientHelloInfo) *order {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := hello.ServerName
	if known := o.of[name]; known != nil && (known.failed.IsZero() || time.Since(known.failed) < orderAgain) {
		return known
	}
	begun := &order{over: make(chan struct{})}
	o.of[name] = begun
	go o.fill(begun, hello)
	return begun
}

// fill gets the certificate of an order.
func (o *orders) fill(begun *order, hello *tls.ClientHelloInfo) {
	begun.cert, begun.err = o.get(hello)
	o.mu.Lock()
	if begun.err == nil {
		delete(o.of, hello.ServerName)
	} else {
		begun.failed = time.Now()
	}
	o.mu.Unlock()
	close(begun.over)
}
