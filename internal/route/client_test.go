package route_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"pgregory.net/rapid"
)

// shared returns the answers of www.example.org with a share of its clients
// diverted to some CDNs.
func shared(seed string, share float64, cdns ...site.CDN) *route.Answers {
	s := site.New("www.example.org.")
	s.Zone, s.CDNs = "example.org.", cdns
	s.Divert = site.Divert{Mode: site.DivertFixed, Share: 0.5}
	e := route.NewEntry(s, route.NewZone(s.Zone, ""), route.NewSeed(seed))
	e.Publish(route.News{Decision: &site.Decision{Side: site.SideCDN, Share: share, CDNs: cdns, TTL: 30 * time.Second}})
	return e.Answers()
}

func weighted(name string, weight int) site.CDN {
	return site.CDN{Name: name, Target: name + ".example.net.", Weight: weight}
}

// network returns the i-th network of 24 bits.
func network(i int) route.Client {
	return route.ClientOf(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 32)
}

const networks = 1 << 16

// TestShareOfTheClients asks for every /24 of 10.0.0.0/8's first 65,536.
func TestShareOfTheClients(t *testing.T) {
	for _, seed := range []string{"", "another"} {
		for _, share := range []float64{0, 0.01, 0.1, 0.3, 0.5, 0.99, 1} {
			a := shared(seed, share, site.CDN{Name: "edge", Target: "edge.example.net."})
			diverted := 0
			for i := range networks {
				if a.For(network(i)).CDN != "" {
					diverted++
				}
			}
			if got := float64(diverted) / networks; math.Abs(got-share) > 0.01 || (share == 0 || share == 1) && got != share {
				t.Errorf("Expected %g of the clients at the CDN, got %g", share, got)
			}
		}
	}
}

func TestWeights(t *testing.T) {
	a := shared("", 1, weighted("big", 6), weighted("middle", 3), weighted("small", 1))
	got := map[string]float64{}
	for i := range networks {
		got[a.For(network(i)).CDN] += 1. / networks
	}
	for name, want := range map[string]float64{"big": 0.6, "middle": 0.3, "small": 0.1} {
		if math.Abs(got[name]-want) > 0.01 {
			t.Errorf("Expected %g of the clients at %s, got %g", want, name, got[name])
		}
	}
}

// TestSharesAreDrawnApart has neither the site, nor the seed, nor the CDN decide
// for another: half of the clients and half of those are a quarter.
func TestSharesAreDrawnApart(t *testing.T) {
	a, b := shared("a", 0.5, weighted("x", 1), weighted("y", 1)), shared("b", 0.5, weighted("x", 1), weighted("y", 1))
	both, first := 0., 0.
	for i := range networks {
		here, there := a.For(network(i)).CDN, b.For(network(i)).CDN
		if here != "" && there != "" {
			both += 1. / networks
		}
		if here == "x" {
			first += 1. / networks
		}
	}
	if math.Abs(both-0.25) > 0.01 || math.Abs(first-0.25) > 0.01 {
		t.Errorf("Expected a quarter of the clients diverted with both seeds, and at the first CDN, got %g, %g", both, first)
	}
}

// anyClient draws a network of either family.
func anyClient(t *rapid.T) route.Client {
	var octets [16]byte
	copy(octets[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "octets"))
	if rapid.Bool().Draw(t, "IPv4") {
		return route.ClientOf(netip.AddrFrom4([4]byte(octets[:4])), rapid.IntRange(0, 32).Draw(t, "bits"))
	}
	return route.ClientOf(netip.AddrFrom16(octets), rapid.IntRange(0, 128).Draw(t, "bits"))
}

// TestRaisingTheShareOnlyAddsClients: shares are nested.
func TestRaisingTheShareOnlyAddsClients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low, high := rapid.Float64Range(0, 1).Draw(t, "low"), rapid.Float64Range(0, 1).Draw(t, "high")
		if low > high {
			low, high = high, low
		}
		cdns := []site.CDN{weighted("a", 1), weighted("b", 2)}
		c, seed := anyClient(t), rapid.String().Draw(t, "seed")
		before, after := shared(seed, low, cdns...).For(c), shared(seed, high, cdns...).For(c)
		if before.CDN != "" && after.CDN != before.CDN {
			t.Fatalf("share %g sends %v to %q, share %g to %q", low, c, before.CDN, high, after.CDN)
		}
	})
}

// TestOnlyTheClientsOfACDNMove: one that goes moves nobody else's clients, and
// so one that comes takes only what becomes its own.
func TestOnlyTheClientsOfACDNMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cdns []site.CDN
		for i := range rapid.IntRange(2, 6).Draw(t, "CDNs") {
			cdns = append(cdns, weighted(fmt.Sprintf("cdn%d", i), rapid.IntRange(1, 100).Draw(t, "weight")))
		}
		gone := rapid.IntRange(0, len(cdns)-1).Draw(t, "gone")
		left := slices.Delete(slices.Clone(cdns), gone, gone+1)
		c, seed, share := anyClient(t), rapid.String().Draw(t, "seed"), rapid.Float64Range(0, 1).Draw(t, "share")
		before, after := shared(seed, share, cdns...).For(c), shared(seed, share, left...).For(c)
		if before.CDN != after.CDN && before.CDN != cdns[gone].Name {
			t.Fatalf("without %s the client %v goes to %q instead of %q", cdns[gone].Name, c, after.CDN, before.CDN)
		}
		if (before.CDN == "") != (after.CDN == "") {
			t.Fatalf("the share is another without %s", cdns[gone].Name)
		}
	})
}

func TestClientOf(t *testing.T) {
	for _, tc := range []struct {
		addr string
		bits int
		want string
	}{
		{"192.0.2.77", 32, "192.0.2.0/24"},
		{"192.0.2.77", 24, "192.0.2.0/24"},
		{"192.0.2.77", 20, "192.0.0.0/20"},
		{"192.0.2.77", 0, "0.0.0.0/0"},
		{"::ffff:192.0.2.77", 32, "192.0.2.0/24"},
		{"2001:db8:1:2:3::4", 128, "2001:db8:1::/48"},
		{"2001:db8:1:2:3::4", 40, "2001:db8::/40"},
		{"fe80::1%eth0", 128, "fe80::/48"},
	} {
		if got := route.ClientOf(netip.MustParseAddr(tc.addr), tc.bits).String(); got != tc.want {
			t.Errorf("%s/%d: expected %s, got %s", tc.addr, tc.bits, tc.want, got)
		}
	}
	if got := route.ClientOf(netip.Addr{}, 32); got != (route.Client{}) {
		t.Errorf("Expected the one client of what is no address, got %v", got)
	}
}

// TestHashIsFixed holds what all servers must agree on, whatever their version.
func TestHashIsFixed(t *testing.T) {
	a := shared("seed", 0.5, weighted("a", 1), weighted("b", 1), weighted("c", 2))
	got := ""
	for i := range 40 {
		got += a.For(network(i)).CDN + "."
	}
	const want = ".c.b..c.a.c.a.c...a....a.....b...a.b..b....c.a...c.b...a.a."
	if got != want {
		t.Errorf("Expected %q, got %q", want, got)
	}
}
