package engine_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestACustomersTargetLeadsChecksNowhereElse has a site of a customer's, and one of the
// operator's, name an own CDN with a target that leads to a node, or elsewhere. What is
// asked elsewhere for a customer is on the public Internet, or it is not asked.
func TestACustomersTargetLeadsChecksNowhereElse(t *testing.T) {
	for _, c := range []struct {
		name, customer, leads string
		watched, public       bool
	}{
		{"A node", "acme", "203.0.113.1", true, false},
		{"Elsewhere", "acme", "10.0.0.1", true, true},
		{"Elsewhere, of the operator's", "", "10.0.0.1", true, false},
		{"A CDN without nodes", "acme", "10.0.0.1", false, true},
		{"A CDN without nodes, of the operator's", "", "10.0.0.1", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld()
				w.nodeIs(1, true)
				w.resolvers.set(edgeA, "edge.example.net. 20 A "+c.leads)
				var mu sync.Mutex
				var asked []bool
				probe := func(ctx context.Context, target site.Target) health.Result {
					if target.URL == checkURL(c.leads) || target.URL == checkURL(c.leads)+"warm" {
						mu.Lock()
						asked = append(asked, target.Public)
						mu.Unlock()
						return health.Result{Total: time.Millisecond}
					}
					return w.probe(ctx, target)
				}
				e, _ := w.engineOver(t, kinds{"http": probe, "warmup": probe})
				s := checked(newSite(www, "192.0.2.1"))
				s.Customer, s.Ready.Warmup = c.customer, "https://{target}/warm"
				s.CDNs[0].Watched = c.watched
				sites := engine.Sites{Sites: []*site.Site{s}, Own: map[string]bool{"edge": true}}
				if c.watched {
					edge := ownCDN(1)
					edge.Zone, edge.Watch.Zone, edge.Watch.Names = "", "", nil
					sites.CDNs = []*site.WatchedCDN{edge}
				}
				e.Offer(context.Background(), sites)
				e.Promote()
				time.Sleep(30 * time.Second)
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if len(asked) < 2 || slices.Contains(asked, !c.public) {
					t.Errorf("Expected checks and a warm-up that are public: %t, got %v", c.public, asked)
				}
			})
		})
	}
}

// TestNodesAreKnownByTheirAddresses also where a CDN is watched as a whole, or is unknown.
func TestNodesAreKnownByTheirAddresses(t *testing.T) {
	his, ours := site.New("www.example.org."), site.New("www.example.org.")
	his.Customer = "acme"
	whole := site.NewWatchedCDN("edge")
	whole.ThirdParty = false
	third := site.NewWatchedCDN("big")
	for _, c := range []struct {
		name   string
		cdn    *site.WatchedCDN
		site   *site.Site
		addr   string
		public bool
	}{
		{"A node", ownCDN(1, 1), his, "203.0.113.2", false},
		{"No node", ownCDN(1, 1), his, "203.0.113.3", true},
		{"No node, of the operator's", ownCDN(1, 1), ours, "203.0.113.3", false},
		{"A CDN as a whole", whole, his, "203.0.113.1", true},
		{"Somebody else's", third, ours, "203.0.113.1", true},
		{"Unknown", nil, ours, "203.0.113.1", true},
	} {
		if got := c.cdn.AsksInPublic(c.site, netip.MustParseAddr(c.addr)); got != c.public {
			t.Errorf("%s: Expected %t, got %t", c.name, c.public, got)
		}
	}
}
