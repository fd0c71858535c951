//go:build linux

package test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/route"
	sites "github.com/cdnredirect/cdnredirect/internal/site"
)

// The share of the clients that is diverted here, and for how long resolvers
// are watched: four TTLs.
const (
	labShare = 0.3
	watched  = 4 * labTTL
)

// sharedForms are the forms of answers that a share may have. There are several
// sites of each: the resolvers all ask from one network, which is on one side
// of some sites and on the other of others.
var sharedForms = []struct {
	form   string // first label of the names
	lines  []string
	origin func(label string) state
	cdn    func(label string) state
}{
	{"address", []string{"answer address"},
		func(string) state { return itself(atWeb) },
		func(string) state {
			return itself(data{dns.TypeA: atEdge[dns.TypeA], dns.TypeAAAA: atEdge[dns.TypeAAAA]})
		}},
	{"cname", []string{"answer cname origin.cdn.zz"},
		func(string) state { return alias(atWeb, "origin.cdn.zz.") },
		func(label string) state { return alias(atEdge, label+".edge.cdn.zz.") }},
	{"keyed", []string{"answer switch keyed"},
		func(string) state { return itself(atWeb) },
		func(label string) state { return alias(atEdge, label+".edge.cdn.zz.") }},
}

const sitesOfAForm = 6

// sharedSites are the rows: each site with what is to be seen of it on either side.
func sharedSites() []steered {
	var all []steered
	for _, f := range sharedForms {
		for i := range sitesOfAForm {
			label := fmt.Sprintf("%s%d", f.form, i)
			all = append(all, steered{
				name: label + ".steer.zz.", lines: append([]string{"host www.steer.zz", "divert fixed 30%"}, f.lines...),
				origin: f.origin(label), cdn: f.cdn(label),
			})
		}
	}
	return all
}

// diverts reports whether a client of a site is diverted, which follows from
// their names alone.
func diverts(t *testing.T, name, client string) bool {
	t.Helper()
	s := sites.New(name)
	s.Divert = sites.Divert{Mode: sites.DivertFixed, Share: labShare}
	e := route.NewEntry(s, route.NewZone("steer.zz.", ""), route.NewSeed(""))
	e.Publish(route.News{Decision: &sites.Decision{Share: labShare, CDNs: []sites.CDN{{Name: "edge", Target: "edge.cdn.zz."}}}})
	addr := netip.MustParseAddr(client)
	return e.Answers().For(route.ClientOf(addr, addr.BitLen())).CDN != ""
}

// sharedPlan is the lab with these sites, and one more that tells when the
// origin is above the threshold. They have one host, and so one probe: all go to
// the CDN at once.
func sharedPlan(shared []steered) plan {
	var text strings.Builder
	for _, s := range append(shared, steered{name: "www.steer.zz."}) {
		fmt.Fprintf(&text, "        site %s class lab {\n            %s\n        }\n", s.name, strings.Join(s.lines, "\n            "))
	}
	zone := labZone{name: "steer.zz"}
	return plan{
		corefile:  zone.block("    cdnredirect {\n        ns ns1.zz ns2.zz\n" + labClass + text.String() + "    }\n"),
		delegated: strings.ReplaceAll(delegated, "ZONE", "steer.zz."),
		addresses: recursorAddresses(),
	}
}

// TestEachResolverStaysOnItsSide has every resolver see one side of each site,
// that of its key, for all types and all the time. One that asks from two
// networks is two clients: where these are on two sides, what it sees is logged.
func TestEachResolverStaysOnItsSide(t *testing.T) {
	t.Parallel()
	needRecursors(t)
	shared := sharedSites()
	l := newLab(t, sharedPlan(shared))
	l.startRecursors(t, "")
	l.slow(t, tooSlow)
	await(t, promisedSlow, "CNAME www.edge.cdn.zz.", func() string { return l.ask(dnsAt(ourServer1), "www.steer.zz.", dns.TypeA) })

	ctx, stop := context.WithTimeout(t.Context(), watched)
	defer stop()
	var watchers sync.WaitGroup
	var all []*sideWatch
	sides := map[bool]int{}
	for _, r := range recursors {
		for _, s := range shared {
			diverted := diverts(t, s.name, r.at)
			sides[diverted]++
			w := &sideWatch{recursor: r, site: s, diverted: diverted, seen: make(map[uint16]map[string]int)}
			w.twoSides = r.at6 != "" && diverts(t, s.name, r.at6) != diverted
			all = append(all, w)
			watchers.Go(func() { w.run(ctx, l) })
		}
	}
	watchers.Wait()
	if sides[true] == 0 || sides[false] == 0 {
		t.Fatalf("Expected sites on both sides, got %v", sides)
	}
	for _, w := range all {
		w.check(t)
	}
}

// sideWatch asks one resolver for all types of one site again and again.
type sideWatch struct {
	recursor recursor
	site     steered
	diverted bool
	twoSides bool // it asks from two networks, one on each side
	seen     map[uint16]map[string]int
}

func (w *sideWatch) run(ctx context.Context, l *lab) {
	for _, qtype := range labTypes {
		w.seen[qtype] = make(map[string]int)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for _, qtype := range labTypes {
			w.seen[qtype][l.ask(dnsAt(w.recursor.at), w.site.name, qtype)]++
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// check holds what was seen against the side that the key is on.
func (w *sideWatch) check(t *testing.T) {
	t.Helper()
	want := w.site.origin
	if w.diverted {
		want = w.site.cdn
	}
	for _, qtype := range labTypes {
		got := slices.Sorted(maps.Keys(w.seen[qtype]))
		switch {
		case w.twoSides:
			w.checkTwoSides(t, qtype, got)
			t.Logf("%s at %s, on two sides: %s %v", w.site.name, w.recursor.name, dns.Type(qtype), w.seen[qtype])
		case !slices.Equal(got, []string{want.resolved(qtype)}):
			t.Errorf("Expected %s of %s at %s to be %q alone, got %v", dns.Type(qtype), w.site.name, w.recursor.name, want.resolved(qtype), w.seen[qtype])
		}
	}
}

// checkTwoSides has a resolver that is on both sides see one of them at a time,
// for each type by itself.
func (w *sideWatch) checkTwoSides(t *testing.T, qtype uint16, got []string) {
	t.Helper()
	sides := []string{w.site.origin.resolved(qtype), w.site.cdn.resolved(qtype)}
	for _, answer := range got {
		if !slices.Contains(sides, answer) {
			t.Errorf("Expected %s of %s at %s to be one of %q, got %q", dns.Type(qtype), w.site.name, w.recursor.name, sides, answer)
		}
	}
}
