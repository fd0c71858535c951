//go:build linux

package test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
// none of the resolvers has a least time above 5 s by default. The second is
// for asking twice a second and for the way from the root.
const (
	labTTL         = 5 * time.Second
	promisedSwitch = max(labTTL, 5*time.Second) + time.Second
)

// labTypes are what resolvers are asked for: what browsers ask at once, and
// one that no site has.
var labTypes = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeTXT}

// steered is a site of the lab, and what is to be seen of it. There is one for
// each way to be found and to be answered.
type steered struct {
	name   string   // that our server is asked for
	asked  string   // that resolvers are asked for, if it is another
	site   string   // that the Corefile has, if it is another
	lines  []string // that the Corefile has, besides those of the class
	origin state
	cdn    state
}

// state is what is to be seen of a site while the origin or the CDN answers.
// Records come as summary has them: in order of their text, for no order of a
// chain is promised.
type state struct {
	authority string                    // at our server, for A
	resolved  func(qtype uint16) string // at a resolver
}

// labSites are the rows of the flip test.
var labSites = []steered{
	{
		name:   "www.steer.zz.",
		origin: itself(atWeb),
		cdn:    alias(atEdge, "www.edge.cdn.zz."),
	},
	{ // made of a wildcard, some labels below it
		name:   "one.two.wild.steer.zz.",
		site:   "*.wild.steer.zz.",
		lines:  []string{"host wild.steer.zz", "cdn edge wild.edge.cdn.zz"},
		origin: itself(atWeb),
		cdn:    alias(atEdge, "wild.edge.cdn.zz."),
	},
	{ // below a name without data, which those ask for that minimise
		name:   "a.b.steer.zz.",
		origin: itself(atWeb),
		cdn:    alias(atEdge, "a.edge.cdn.zz."),
	},
	{ // a customer's alias of it, in a zone that is not ours
		name:   "c0001.steer.zz.",
		asked:  "customer.zz.",
		lines:  []string{"host customer.zz"},
		origin: itself(atWeb).through("c0001.steer.zz."),
		cdn:    alias(atEdge, "c0001.edge.cdn.zz.").through("c0001.steer.zz."),
	},
	{ // followed to another site
		name:   "alias.steer.zz.",
		lines:  []string{"cdn edge www.steer.zz", "ready none"}, // which the CDN's server does not know
		origin: itself(atWeb),
		cdn:    alias(atEdge, "www.steer.zz.", "www.edge.cdn.zz."),
	},
	{ // an alias of its origin, of which our server has the addresses
		name:   "both.steer.zz.",
		lines:  []string{"answer cname {label}.origin.steer.zz", "https alpn=h3"},
		origin: followed(data{dns.TypeA: "A " + webServer, dns.TypeHTTPS: `HTTPS 1 . alpn="h3"`}, "both.origin.steer.zz."),
		cdn:    alias(atEdge, "both.edge.cdn.zz."),
	},
	{ // an alias of an origin elsewhere
		name:   "out.steer.zz.",
		lines:  []string{"answer cname origin.cdn.zz"},
		origin: alias(atWeb, "origin.cdn.zz."),
		cdn:    alias(atEdge, "out.edge.cdn.zz."),
	},
	{ // addresses both ways, at the apex, and the HTTPS record of either side
		name:   "steer.zz.",
		lines:  []string{"answer address alias", "https alpn=h3"},
		origin: itself(data{dns.TypeA: "A " + webServer, dns.TypeHTTPS: `HTTPS 1 . alpn="h3"`}),
		cdn:    itself(data{dns.TypeA: atEdge[dns.TypeA], dns.TypeAAAA: atEdge[dns.TypeAAAA], dns.TypeHTTPS: "HTTPS 0 steer.edge.cdn.zz."}),
	},
	{ // addresses both ways, with other data behind
		name:   "flat.filed.zz.",
		lines:  []string{"answer address", "origin next"},
		origin: itself(data{dns.TypeA: "A " + webServer, dns.TypeTXT: `TXT "flat"`}),
		cdn:    itself(data{dns.TypeA: atEdge[dns.TypeA], dns.TypeAAAA: atEdge[dns.TypeAAAA], dns.TypeTXT: `TXT "flat"`}),
	},
	{ // below a name that the plugin behind would deny
		name:   "a.b.filed.zz.",
		origin: itself(atWeb),
		cdn:    alias(atEdge, "a.edge.cdn.zz."),
	},
	{ // followed to data of the plugin behind, of which most types are not there
		name:   "moved.filed.zz.",
		lines:  []string{"cdn edge mail.filed.zz", "ready none"},
		origin: itself(atWeb),
		cdn:    followed(data{dns.TypeA: "A 192.0.2.25"}, "mail.filed.zz."),
	},
	{ // signed, with a proof for each type that is not there
		name:   signedSite,
		origin: itself(atWeb),
		cdn:    alias(atEdge, "a.edge.cdn.zz."),
	},
}

// data is what a name has, by type.
type data map[uint16]string

// What the web server has, and the CDN.
var (
	atWeb  = data{dns.TypeA: "A " + webServer}
	atEdge = data{
		dns.TypeA:     "A 192.0.2.80",
		dns.TypeAAAA:  "AAAA 2001:db8::80",
		dns.TypeHTTPS: `HTTPS 1 . alpn="h2"`,
		dns.TypeTXT:   `TXT "edge"`,
	}
)

// itself is a site that has the data at its own name.
func itself(d data) state {
	return state{
		authority: d[dns.TypeA],
		resolved:  func(qtype uint16) string { return cmp.Or(d[qtype], "NODATA") },
	}
}

// alias is a site that is an alias of a name that has the data, in one step or
// more.
func alias(d data, targets ...string) state {
	var chain []string
	for _, target := range targets {
		chain = append(chain, "CNAME "+target)
	}
	return state{
		authority: together(chain...),
		resolved:  func(qtype uint16) string { return together(append([]string{d[qtype]}, chain...)...) },
	}
}

// followed is an alias of a name of which our server has the data, too.
func followed(d data, targets ...string) state {
	s := alias(d, targets...)
	s.authority = s.resolved(dns.TypeA)
	return s
}

// through is what is seen by an alias of the site, which somebody else has.
func (s state) through(site string) state {
	direct := s.resolved
	s.resolved = func(qtype uint16) string {
		seen := []string{"CNAME " + site}
		if records := direct(qtype); records != "NODATA" {
			seen = append(seen, strings.Split(records, ", ")...)
		}
		return together(seen...)
	}
	return s
}

// visited is the name that visitors know.
func (s steered) visited() string { return cmp.Or(s.asked, s.name) }

// together is how summary puts those records that are there.
func together(records ...string) string {
	records = slices.DeleteFunc(records, func(r string) bool { return r == "" })
	slices.Sort(records)
	return strings.Join(records, ", ")
}

func TestResolversAgreeSoonAfterEveryFlip(t *testing.T) {
	t.Parallel()
	needRecursors(t)
	p, anchors := steeredPlan(t)
	p.addresses = recursorAddresses()
	l := newLab(t, p)
	l.startRecursors(t, anchors)
	l.fill(t)
	l.expectValidated(t, dns.TypeA, dns.TypeAAAA)

	l.slow(t, tooSlow)
	l.expectSwitch(t, promisedSlow, func(s steered) state { return s.cdn })
	l.expectValidated(t, dns.TypeCNAME)
	l.askForUnknown(t)
	l.slow(t, 0)
	l.expectSwitch(t, promisedBack, func(s steered) state { return s.origin })
	l.expectEveryStack(t)
}

// askForUnknown asks for names that are neither here nor denied, as people who
// mistype do. A resolver could take the refusals for a server that is lame for
// the whole zone: the switch that follows would show it.
func (l *lab) askForUnknown(t *testing.T) {
	t.Helper()
	for _, r := range recursors {
		for i := range 20 {
			name := fmt.Sprintf("mistyped%d.steer.zz.", i)
			if got := l.ask(dnsAt(r.at), name, dns.TypeA); got != "SERVFAIL" {
				t.Errorf("Expected %s at %s to be unknown, got %q", name, r.name, got)
			}
		}
	}
}

// fill waits until every resolver has the origin's state in its cache.
func (l *lab) fill(t *testing.T) {
	t.Helper()
	for _, r := range recursors {
		for _, s := range labSites {
			for _, qtype := range labTypes {
				await(t, patience, s.origin.resolved(qtype), func() string { return l.ask(dnsAt(r.at), s.visited(), qtype) })
			}
		}
		t.Logf("%s has the origin's state", r.name)
	}
}

// expectSwitch waits for our server to answer with authority, while the
// resolvers keep their caches full, and then for every resolver, site and type
// to follow within the promised time.
func (l *lab) expectSwitch(t *testing.T, bound time.Duration, want func(steered) state) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var watchers sync.WaitGroup
	watches := l.watches(want)
	for _, w := range watches {
		watchers.Go(func() { w.run(ctx, l) })
	}
	flipped := l.flips(t, bound, want)
	time.AfterFunc(promisedSwitch+2*slack, stop)
	watchers.Wait()
	latest := make(map[string]time.Duration)
	for _, w := range watches {
		late := w.report(t, flipped[w.site])
		latest[w.recursor.name] = max(latest[w.recursor.name], late)
	}
	for _, r := range recursors {
		t.Logf("%-12s gave no other answer later than %.2f s after the flip", r.name, latest[r.name].Seconds())
	}
}

// flips waits until our server has flipped every site, and returns when each
// was seen to have.
func (l *lab) flips(t *testing.T, bound time.Duration, want func(steered) state) map[string]time.Time {
	t.Helper()
	flipped := make(map[string]time.Time)
	await(t, bound, "", func() string {
		var others []string
		for _, s := range labSites {
			if !flipped[s.name].IsZero() {
				continue
			}
			got := l.ask(dnsAt(ourServer1), s.name, dns.TypeA)
			if got == want(s).authority {
				flipped[s.name] = time.Now()
			} else {
				others = append(others, s.name+" "+got)
			}
		}
		return strings.Join(others, ", ")
	})
	return flipped
}

// watch asks one resolver for one type of one site again and again.
type watch struct {
	recursor recursor
	site     string
	visited  string // by that name
	qtype    uint16
	want     string

	other     time.Time // when it last got another answer than the one wanted
	otherText string
}

func (l *lab) watches(want func(steered) state) []*watch {
	var all []*watch
	for _, r := range recursors {
		for _, s := range labSites {
			for _, qtype := range labTypes {
				all = append(all, &watch{recursor: r, site: s.name, visited: s.visited(), qtype: qtype, want: want(s).resolved(qtype)})
			}
		}
	}
	return all
}

func (w *watch) String() string {
	return fmt.Sprintf("%s %s at %s", w.visited, dns.Type(w.qtype), w.recursor.name)
}

// run asks twice a second until it is stopped.
func (w *watch) run(ctx context.Context, l *lab) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		asked := time.Now()
		if got := l.ask(dnsAt(w.recursor.at), w.visited, w.qtype); got != w.want {
			w.other, w.otherText = asked, got
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// report returns when the resolver last gave another answer, which must not be
// later than promised.
func (w *watch) report(t *testing.T, flipped time.Time) time.Duration {
	t.Helper()
	late := w.other.Sub(flipped)
	if late > promisedSwitch+slack {
		t.Errorf("Expected %s to be %q within %s, got %q after %s", w, w.want, promisedSwitch, w.otherText, late)
	}
	return late
}

// expectValidated checks that a resolver that validates has proof of what our
// server says in a signed zone, be it there or not. Proof ends with the alias:
// the CDN's zone is not signed.
func (l *lab) expectValidated(t *testing.T, qtypes ...uint16) {
	t.Helper()
	for _, r := range recursors {
		for _, qtype := range qtypes {
			if r.validates && !l.validated(t, r, signedSite, qtype) {
				t.Errorf("Expected %s to have proof of %s %s", r.name, signedSite, dns.Type(qtype))
			}
		}
	}
}

// signedSite is the one of labSites in a signed zone.
const signedSite = "a.b.signed.zz."

// expectEveryStack checks that every resolver did ask our server from its
// address, and one with two stacks from both.
func (l *lab) expectEveryStack(t *testing.T) {
	t.Helper()
	for _, r := range recursors {
		for _, from := range []string{r.at, r.at6} {
			if from != "" && l.ours.output.count(from+" asks for ")+l.ours.output.count("["+from+"] asks for ") == 0 {
				t.Errorf("Expected %s to ask our server from %s", r.name, from)
			}
		}
	}
}
