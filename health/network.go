package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Network is how probes and feeds reach their targets. It keeps what one probe
// of a target leaves to the next; see Close.
type Network struct {
	userAgent string
	dialDNS   dialFunc // a seam for tests
	dialer    net.Dialer
	allowed   atomic.Pointer[[]netip.Prefix]
	pasts     pasts
	wants     wants
	http2     *http2Link
}

// NewNetwork returns a network on which probes call themselves userAgent.
func NewNetwork(userAgent string) *Network {
	return &Network{
		userAgent: userAgent,
		dialDNS:   new(net.Dialer).DialContext,
		dialer:    net.Dialer{KeepAlive: -1}, // a probe is over before the first keep-alive
		http2:     newHTTP2Link(),
		pasts:     pasts{room: maxLinks()},
	}
}

// Close closes the connections that are kept for the next probe. Probes may go
// on; from now on nothing is kept.
func (n *Network) Close() { n.pasts.close() }

// Probes returns every probe and every feed by its kind.
func (n *Network) Probes() map[string]Probe {
	return map[string]Probe{
		"http":     n.probe(askHTTP),
		"download": n.probe(askDownload),
		"warmup":   n.probe(askWarmup),

		"prometheus": n.probe(askPrometheus),
		"promql":     n.probe(eachService(askPromQL)),
		"json":       n.probe(eachService(askJSON)),
		"fci":        n.probe(eachService(askFCI)),
		"snmp":       n.probe(askSNMP),
		"file":       n.probe(askFile),
		"map":        n.probe(askMap),

		"tls":  n.probe(askTLS),
		"tcp":  n.probe(askTCP),
		"dns":  n.probe(askDNS),
		"grpc": n.probe(askGRPC),
		"icmp": n.probe(askICMP),
	}
}

// asking is what one kind of probe or feed does once its target is known: it
// takes one step after the other, and the one that fails names the failure. Its
// ctx ends at the target's timeout.
type asking func(ctx context.Context, c *call) (site.Failure, error)

// probe has an asking timed, bounded and named.
func (n *Network) probe(ask asking) Probe {
	return func(ctx context.Context, t site.Target) Result {
		start := time.Now()
		ctx, cancel := context.WithTimeout(ctx, t.Timeout)
		defer cancel()

		c := call{Network: n, target: t, ask: t.Ask.Value(), step: start}
		failure, err := c.run(ctx, ask)
		c.result.Total = time.Since(start)
		if err != nil {
			c.result.Failure = failed(ctx, failure, err)
			c.result.Err = fmt.Errorf("%s %s: %w", c.doing(), c.name(), err)
		}
		return c.result
	}
}

// failed puts the two failures that may come at any step before that of the
// step: this machine's own, and the deadline.
func failed(ctx context.Context, step site.Failure, err error) site.Failure {
	switch {
	case local(err):
		return site.FailureLocal
	case over(ctx):
		return site.FailureTimeout
	}
	return step
}

// over reports whether the deadline has come. The clock is asked too, because
// I/O may fail at the deadline a moment before ctx knows of it.
func over(ctx context.Context) bool {
	deadline, _ := ctx.Deadline()
	return ctx.Err() != nil || !time.Now().Before(deadline)
}

// call is one probe, or one reading of a feed, under way.
type call struct {
	*Network
	target site.Target
	ask    site.Ask
	url    *url.URL  // of the target; its port is written out
	step   time.Time // when the present phase began
	result Result

	service string    // of a CDN, that is read at the moment
	begun   bool      // the past is readied for this probe, whatever it asks
	wait    time.Time // until then the target wants to be left alone
}

// run does the asking once the target's URL is read.
func (c *call) run(ctx context.Context, ask asking) (site.Failure, error) {
	u, err := url.Parse(c.target.URL)
	if err != nil || u.Host == "" && u.Path == "" {
		return site.FailureProtocol, errors.New("reading the URL: not a valid one")
	}
	c.url = u
	return ask(ctx, c)
}

// doing says in an error what is being done.
func (c *call) doing() string {
	if c.target.IsFeed() {
		return "reading"
	}
	return "probing"
}

// name says in an error which target it was. The URL's query may hold a secret
// and stays out; so does a URL that cannot be read.
func (c *call) name() string {
	if c.url == nil {
		return fmt.Sprintf("host '%s'", c.target.Host)
	}
	u := url.URL{Scheme: c.url.Scheme, Host: c.url.Host, Path: c.url.Path, RawPath: c.url.RawPath}
	return fmt.Sprintf("'%s'", u.String())
}

// lap ends the present phase.
func (c *call) lap(phase *time.Duration) {
	now := time.Now()
	*phase, c.step = now.Sub(c.step), now
}
