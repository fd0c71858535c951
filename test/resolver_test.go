//go:build linux

package test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The switch promise (docs/design.md, section 4): all resolvers and all types
// are over within the TTL, which some resolvers take for 5 s if it is shorter,
// and a second.
//
// The lab's TTL is 5 s in every state: min is at least 5 s and at most the full
// one. So an answer that a resolver took just before the flip is gone 5 s after
// it, and one that it took earlier is gone earlier. A negative answer lives for
// the lesser of the SOA's TTL and its MINIMUM (RFC 2308, section 5), both of
// which are 5 s here; BIND's own limit for these, max-ncache-ttl, is hours, and
// neither resolver has a least time by default. The second is for asking twice
// a second and for the way from the root.
const (
	labTTL         = 5 * time.Second
	promisedSwitch = max(labTTL, 5*time.Second) + time.Second
)

// labTypes are what resolvers are asked for: what browsers ask at once, and
// one that no site has.
var labTypes = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeTXT}

// atEdge is what the CDN has for each of them.
var atEdge = map[uint16]string{
	dns.TypeA:     "A 192.0.2.80",
	dns.TypeAAAA:  "AAAA 2001:db8::80",
	dns.TypeHTTPS: `HTTPS 1 . alpn="h2"`,
	dns.TypeTXT:   `TXT "edge"`,
}

// labOrigin and labCDN are the answers that a resolver gives in either state.
func labOrigin(qtype uint16) string {
	if qtype == dns.TypeA {
		return labAtOrigin
	}
	return "NODATA"
}

func labCDN(qtype uint16) string {
	chain := []string{"CNAME " + labTarget, atEdge[qtype]}
	if chain[0] > chain[1] {
		chain[0], chain[1] = chain[1], chain[0]
	}
	return strings.Join(chain, ", ")
}

func TestResolversAgreeSoonAfterEveryFlip(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.fill(t)

	l.slow(t, tooSlow)
	l.expectSwitch(t, "CNAME "+labTarget, promisedSlow, labCDN)
	l.slow(t, 0)
	l.expectSwitch(t, labAtOrigin, promisedBack, labOrigin)
}

// fill waits until every resolver has the origin's state in its cache.
func (l *lab) fill(t *testing.T) {
	t.Helper()
	for name, address := range l.resolvers {
		for _, qtype := range labTypes {
			await(t, patience, labOrigin(qtype), func() string { return l.ask(dnsAt(address), labSite, qtype) })
		}
		t.Logf("%s has the origin's state", name)
	}
}

// expectSwitch waits for our server to answer with authority, while the
// resolvers keep their caches full, and then for every resolver and type to
// follow within the promised time.
func (l *lab) expectSwitch(t *testing.T, authority string, bound time.Duration, want func(qtype uint16) string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var watchers sync.WaitGroup
	watches := l.watches(want)
	for _, w := range watches {
		watchers.Go(func() { w.run(ctx, l) })
	}
	await(t, bound, authority, func() string { return l.ask(dnsAt(ourServer1), labSite, dns.TypeA) })
	flipped := time.Now()
	time.AfterFunc(promisedSwitch+2*slack, stop)
	watchers.Wait()
	for _, w := range watches {
		w.report(t, flipped)
	}
}

// watch asks one resolver for one type again and again.
type watch struct {
	name    string
	address string
	qtype   uint16
	want    string

	other     time.Time // when it last got another answer than the one wanted
	otherText string
	asked     int
}

func (l *lab) watches(want func(qtype uint16) string) []*watch {
	var all []*watch
	for name, address := range l.resolvers {
		for _, qtype := range labTypes {
			all = append(all, &watch{
				name:    fmt.Sprintf("%s %s", name, dns.Type(qtype)),
				address: address, qtype: qtype, want: want(qtype),
			})
		}
	}
	return all
}

// run asks twice a second until it is stopped.
func (w *watch) run(ctx context.Context, l *lab) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		asked := time.Now()
		w.asked++
		if got := l.ask(dnsAt(w.address), labSite, w.qtype); got != w.want {
			w.other, w.otherText = asked, got
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// report says when the resolver last gave another answer, which must not be
// later than promised.
func (w *watch) report(t *testing.T, flipped time.Time) {
	t.Helper()
	late := w.other.Sub(flipped)
	t.Logf("%-13s last gave another answer %6.2f s after the flip (%d questions)", w.name, late.Seconds(), w.asked)
	if late > promisedSwitch+slack {
		t.Errorf("Expected %s to be %q within %s, got %q after %s", w.name, w.want, promisedSwitch, w.otherText, late)
	}
}
