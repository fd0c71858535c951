package engine_test

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"

	"github.com/prometheus/client_golang/prometheus"
)

// ownCDN is a CDN of nodes n1, n2 ... at 203.0.113.1, 203.0.113.2 ... with these
// capacities in Gbit/s, whose DNS is ours.
func ownCDN(capacities ...float64) *site.WatchedCDN {
	c := site.NewWatchedCDN("edge")
	c.ThirdParty, c.Zone, c.Watch.Zone = false, "edge.example.org.", "example.org."
	c.Watch.Origins = nil
	for i, capacity := range capacities {
		c.Watch.Origins = append(c.Watch.Origins, site.Origin{
			Name: fmt.Sprintf("n%d", i+1), Addresses: []netip.Addr{nodeAddr(i + 1)}, Capacity: capacity * 1e9,
		})
	}
	c.Watch.Probes = []site.Source{{
		Kind: "http", URL: "http://{origin}/", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Status: site.DefaultStatus()},
	}}
	c.Finish()
	return c
}

func nodeAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}) }

// nodeIs has a node answer or not.
func (w *world) nodeIs(i int, up bool) {
	w.set(url(nodeAddr(i).String()), map[bool]time.Duration{true: 10 * time.Millisecond, false: time.Hour}[up])
}

// served returns which part of the clients gets each node's address at a name
// below the zone.
func served(t *testing.T, g *engine.Generation) map[string]float64 {
	t.Helper()
	synctest.Wait()
	const clients = 4096
	parts := map[string]float64{}
	answers := g.Table.Lookup("www.edge.example.org.").Answers()
	for i := range clients {
		records := answers.For(route.ClientOf(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 32))
		if len(records.A) != 1 || records.Target != "" {
			t.Fatalf("Expected one address, got %+v", records)
		}
		parts[fmt.Sprintf("n%d", records.A[0][3])] += 1. / clients
	}
	return parts
}

func wantServed(t *testing.T, g *engine.Generation, when string, want map[string]float64) {
	t.Helper()
	got := served(t, g)
	for name, part := range want {
		if math.Abs(got[name]-part) > 0.03 {
			t.Errorf("%s: Expected %v, got %v", when, want, got)
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: Expected %v, got %v", when, want, got)
	}
}

func offerOwn(e *engine.Engine, c *site.WatchedCDN) *engine.Generation {
	s := newSite("www.example.org.", "192.0.2.1")
	s.CDNs = []site.CDN{{Name: "edge", Target: "www.edge.example.org.", Watched: true}, {Name: "other", Target: "other.example.net."}}
	return offerCDN(e, c, s)
}

// TestNodesServeByCapacity kills a node, drains one, kills all, and has them back.
func TestNodesServeByCapacity(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(down)
		for i := range 3 {
			w.nodeIs(i+1, true)
		}
		e, reg := w.engine(t)
		g := offerOwn(e, ownCDN(1, 2, 1))
		wantServed(t, g, "at the start", map[string]float64{"n1": 0.25, "n2": 0.5, "n3": 0.25})
		if got := answer(g, "www.example.org."); got != "www.edge.example.org." {
			t.Errorf("Expected the site at its own CDN, got %s", got)
		}

		w.nodeIs(2, false)
		time.Sleep(4 * time.Second)
		wantServed(t, g, "without n2", map[string]float64{"n1": 0.5, "n3": 0.5})
		if err := e.Drain("edge", "n1", true); err != nil {
			t.Fatal(err)
		}
		wantServed(t, g, "n1 is drained", map[string]float64{"n3": 1})
		time.Sleep(5 * time.Second)
		wantParts(t, reg, map[string]float64{"n1": 0, "n2": 0, "n3": 1})

		w.nodeIs(3, false)
		time.Sleep(4 * time.Second)
		wantServed(t, g, "the drained one is alive, but nobody is to go there", map[string]float64{"n3": 1})
		if got := answer(g, "www.example.org."); got != "other.example.net." {
			t.Errorf("Expected the next CDN, got %s", got)
		}
		if err := e.Drain("edge", "n1", false); err != nil {
			t.Fatal(err)
		}
		wantServed(t, g, "n1 is back", map[string]float64{"n1": 1})
		w.nodeIs(1, false)
		time.Sleep(4 * time.Second)
		wantServed(t, g, "no node is up: the last addresses stay", map[string]float64{"n1": 1})
		time.Sleep(5 * time.Second)
		wantParts(t, reg, map[string]float64{"n1": 1, "n2": 0, "n3": 0})
		for i := range 3 {
			w.nodeIs(i+1, true)
		}
		time.Sleep(3 * time.Minute)
		wantServed(t, g, "all are back", map[string]float64{"n1": 0.25, "n2": 0.5, "n3": 0.25})
		if got := answer(g, "www.example.org."); got != "www.edge.example.org." {
			t.Errorf("Expected the site at its own CDN again, got %s", got)
		}
	})
}

// wantParts wants the series of the nodes' parts to be these.
func wantParts(t *testing.T, reg *prometheus.Registry, parts map[string]float64) {
	t.Helper()
	for node, part := range parts {
		if got := nodePart(t, reg, node); got != part {
			t.Errorf("Expected the series of %s to be %g, got %g", node, part, got)
		}
	}
}

func nodePart(t *testing.T, reg *prometheus.Registry, node string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "coredns_cdnredirect_node_part" && m.GetLabel()[1].GetValue() == node {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("Expected a series of node %s", node)
	return 0
}

// usage is what is used of each node's capacity, by URL.
type usage struct{ sync.Map }

func (u *usage) set(i int, rate float64) { u.Store(fmt.Sprintf("http://%s:9000/", nodeAddr(i)), rate) }

// fedNodes offers a CDN of nodes of 10 Gbit/s each, with a feed of what is used.
func (w *world) fedNodes(t *testing.T, used ...float64) (*engine.Engine, *engine.Generation, *usage) {
	t.Helper()
	w.change(down)
	u, c := new(usage), ownCDN(slices.Repeat([]float64{10}, len(used))...)
	for i, rate := range used {
		w.nodeIs(i+1, true)
		u.set(i+1, rate)
	}
	e := w.fedEngine(t, func(url string) float64 {
		rate, _ := u.Load(url)
		return rate.(float64)
	})
	c.Watch.Feeds, c.Watch.Thresholds = fedBy(), nil
	c.Finish()
	return e, offerOwn(e, c), u
}

// fedBy is a feed of what is used of each node.
func fedBy() []site.Source {
	return []site.Source{{Kind: "json", URL: "http://{origin}:9000/", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Signal: site.UsedBandwidth, Query: "n"}}}
}

// TestNodesServeByWhatIsFree has one node filled by others.
func TestNodesServeByWhatIsFree(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e, g, used := newWorld().fedNodes(t, 0, 0)
		wantServed(t, g, "both empty", map[string]float64{"n1": 0.5, "n2": 0.5})
		used.set(1, 7.5e9)
		time.Sleep(10 * time.Second)
		wantServed(t, g, "a quarter of n1 is free", map[string]float64{"n1": 3. / 13, "n2": 10. / 13})
		state := e.CDNs()[0]
		if state.Capacity != 20e9 || state.Used != 7.5e9 || state.Full || state.Operated != "own" || len(state.Record) != 0 || len(state.Nodes) != 2 {
			t.Errorf("Expected the sums of the nodes, got %+v", state)
		}
		if n := state.Nodes[0]; n.Name != "n1" || n.Standing != api.StandingReady || n.Weight != 3000 || len(n.Record) < 2 {
			t.Errorf("Expected what is known of n1, got %+v", n)
		}
		used.set(1, 10e9)
		used.set(2, 8.5e9)
		time.Sleep(10 * time.Second)
		wantServed(t, g, "n1 is at its capacity", map[string]float64{"n2": 1})
		if got, want := e.CDNs()[0].Nodes[0].Reason, "threshold: used_bandwidth of node n1 10Gbit is 100 % of the limit 10Gbit (age 0s)"; got != want {
			t.Errorf("Expected the reason %q, got %q", want, got)
		}
		if state := e.CDNs()[0]; !state.Full || state.Capacity != 10e9 || state.Used != 8.5e9 {
			t.Errorf("Expected the sums of those that serve, got %+v", state)
		}
	})
}

// TestASilentNodeKeepsItsPart: that nobody says any more how much of it is used
// makes it neither empty nor full.
func TestASilentNodeKeepsItsPart(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e, g, used := newWorld().fedNodes(t, 7.5e9, 0, 12e9)
		time.Sleep(10 * time.Second)
		known := map[string]float64{"n1": 3. / 13, "n2": 10. / 13}
		wantServed(t, g, "a quarter of n1 is free, and nothing of n3", known)
		used.set(1, math.NaN())
		used.set(3, math.NaN())
		time.Sleep(9 * time.Minute)
		wantServed(t, g, "n1 and n3 are silent", known)
		if state := e.CDNs()[0]; state.Capacity != 10e9 || state.Used != 0 || state.Left == nil || *state.Left != 10e9 {
			t.Errorf("Expected the sums of those of which it is known, got %+v", state)
		}
		time.Sleep(3 * time.Minute)
		tried := map[string]float64{"n1": 3. / 14, "n2": 10. / 14, "n3": 1. / 14}
		wantServed(t, g, "n3 is tried again", tried)
		time.Sleep(time.Hour)
		wantServed(t, g, "n1 and n3 are silent for an hour more", tried)
		used.set(1, 0)
		time.Sleep(10 * time.Second)
		wantServed(t, g, "n1 is heard, and is empty", map[string]float64{"n1": 10. / 21, "n2": 10. / 21, "n3": 1. / 21})
	})
}

// TestOnlyACDNThatIsOutComesBack: that a node of it does is nothing to wait for.
func TestOnlyACDNThatIsOutComesBack(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(down)
		w.nodeIs(1, true)
		w.nodeIs(2, false)
		e, _ := w.engine(t)
		offerOwn(e, ownCDN(1, 1))
		w.nodeIs(2, true)
		time.Sleep(5 * time.Second)
		wantBack := func(out bool) {
			t.Helper()
			if state := e.CDNs()[0]; (state.Standing == api.StandingOut) != out || !state.Back.IsZero() != out {
				t.Errorf("Expected out %v, and a time of the return only then, got %s and %s", out, state.Standing, state.Back)
			}
		}
		wantBack(false)
		w.nodeIs(1, false)
		time.Sleep(5 * time.Second)
		wantBack(true)
	})
}

// TestTheLastAddressesStayOverAReload while no node is up.
func TestTheLastAddressesStayOverAReload(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(down)
		for i := range 3 {
			w.nodeIs(i+1, true)
		}
		e, _ := w.engine(t)
		g := offerOwn(e, ownCDN(1, 1, 1))
		for i := range 3 {
			w.nodeIs(i+1, false)
			time.Sleep(4 * time.Second)
		}
		last := map[string]float64{"n3": 1}
		wantServed(t, g, "before", last)
		g = offerOwn(e, ownCDN(1, 1, 1))
		e.Promote()
		time.Sleep(5 * time.Second)
		wantServed(t, g, "after the reload", last)
		w.nodeIs(1, true)
		time.Sleep(time.Minute)
		wantServed(t, g, "when one is back", map[string]float64{"n1": 1})
	})
}

// TestNodesWithoutAZoneWeighWhatIsFree, also those that had one before a reload.
func TestNodesWithoutAZoneWeighWhatIsFree(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e, _, used := newWorld().fedNodes(t, 0, 0)
		time.Sleep(10 * time.Second)
		c := ownCDN(10, 10)
		c.Watch.Feeds, c.Watch.Thresholds = fedBy(), nil
		c.Zone, c.Watch.Zone, c.Watch.Names = "", "", []string{"edge"}
		c.Finish()
		s := newSite("www.example.org.", "192.0.2.1")
		s.CDNs = []site.CDN{{Name: "edge", Target: "www.edge.example.net.", Watched: true}}
		offerCDN(e, c, s)
		e.Promote()
		used.set(1, 7.5e9)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := e.CDNs()[0].Nodes; n[0].Weight != 3000 || n[1].Weight != 10000 {
			t.Errorf("Expected a quarter of n1 free, got %+v", n)
		}
	})
}

// TestAnUndrainedCDNComesBackSlowly, and not after an ejection that it never had.
func TestAnUndrainedCDNComesBackSlowly(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(down)
		w.nodeIs(1, true)
		e, _ := w.engine(t)
		offerOwn(e, ownCDN(1))
		drain := func(drain bool) {
			if err := e.Drain("edge", "n1", drain); err != nil {
				t.Fatal(err)
			}
		}
		drain(true)
		time.Sleep(time.Hour)
		drain(false)
		if state := e.CDNs()[0]; state.Part != 0.05 || state.Ejections != 0 || state.Standing != api.StandingReady {
			t.Errorf("Expected it back with a small part of its clients, got %+v", state)
		}
		time.Sleep(101 * time.Second)
		if state := e.CDNs()[0]; state.Part != 1 {
			t.Errorf("Expected it back with all of its clients, got %g", state.Part)
		}
	})
}

// TestADrainDuringAReloadHolds while the new generation still looks things up.
func TestADrainDuringAReloadHolds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(down)
		w.nodeIs(1, true)
		w.nodeIs(2, true)
		e, _ := w.engine(t)
		offerOwn(e, ownCDN(1, 1))
		w.resolvers.takes = 2 * time.Second
		s := newSite("www.example.org.", "192.0.2.1")
		s.CDNs = []site.CDN{{Name: "edge", Target: "www.edge.example.org.", Watched: true}}
		offered := make(chan *engine.Generation)
		go func() {
			offered <- e.Offer(t.Context(), engine.Sites{Sites: []*site.Site{s}, CDNs: []*site.WatchedCDN{ownCDN(1, 1)}, Resolvers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}})
		}()
		time.Sleep(time.Second)
		if err := e.Drain("edge", "n1", true); err != nil {
			t.Fatal(err)
		}
		g := <-offered
		e.Promote()
		wantServed(t, g, "after the reload", map[string]float64{"n2": 1})
	})
}

// TestAReloadKeepsADrain that an operator has ordered.
func TestAReloadKeepsADrain(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(down)
		w.nodeIs(1, true)
		w.nodeIs(2, true)
		e, _ := w.engine(t)
		offerOwn(e, ownCDN(1, 1))
		for _, wrong := range [][2]string{{"edge", "n3"}, {"edge", ""}, {"big", "n1"}} {
			if err := e.Drain(wrong[0], wrong[1], true); !errors.Is(err, api.ErrNoNode) {
				t.Errorf("Expected no node %s, got %v", wrong, err)
			}
		}
		if err := e.Drain("edge", "n1", true); err != nil {
			t.Fatal(err)
		}
		g := offerOwn(e, ownCDN(1, 1))
		e.Promote()
		wantServed(t, g, "after the reload", map[string]float64{"n2": 1})
		if err := e.Drain("edge", "n2", true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := answer(g, "www.example.org."); got != "other.example.net." {
			t.Errorf("Expected the next CDN while all nodes are drained, got %s", got)
		}
		w.wantLine(t, `warning: cdn "edge": it takes no visitors: all of its nodes are drained`)
	})
}
