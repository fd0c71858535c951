package onboard_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// realNode is a world whose sites have a real origin, and whose CDN is a real node.
type realNode struct {
	*world
	*node
	t      *testing.T
	origin *httptest.Server
}

func (r *realNode) Site(_ context.Context, o site.Onboarding) (*site.Site, error) {
	s := r.siteOf(o)
	of := requestOf(r.t, r.origin, o.Site).Site
	s.Origins, s.Probes = of.Origins, of.Probes
	return s, nil
}

func (r *realNode) Check(ctx context.Context, o site.Onboarding) (*site.Site, error) {
	return r.Site(ctx, o)
}

func (r *realNode) Provider(string) (onboard.Provider, bool) { return r.provider, true }

func (r *realNode) Public(*site.Site, string, netip.Addr) bool { return true }

// TestANodeDies while very many sites are set up there: they wait for it.
func TestANodeDies(t *testing.T) {
	sites := 20
	if os.Getenv("CDNREDIRECT_TORTURE") != "" {
		sites = 100
	}
	n := startNginx(t)
	at, _ := origin(t, "origin")
	w := &realNode{world: newWorld(), node: n, t: t, origin: at}
	var all []site.Onboarding
	for i := range sites {
		all = append(all, newOnboarding(site.Onboard, fmt.Sprintf("s%d.example.org", i), "edge"))
	}
	s := newShelf(all...)
	steps := &onboard.Steps{Configuration: w, Claims: w, Network: w, Providers: w, Forgotten: w.Forgotten}
	run(s, w.world, func() {
		eventually(t, "the first sites", func() bool { return s.running() < sites })
		n.stop(t)
		eventually(t, "sites that wait for the node", func() bool {
			return slices.ContainsFunc(all, func(o site.Onboarding) bool {
				step := s.get(o.ID).Steps[2]
				return step.State == site.StepWaiting && strings.Contains(step.Words, "exit status 75")
			})
		})
		launch(t, "nginx", "-c", filepath.Join(n.dir, "nginx.conf"))
		eventually(t, "all sites", func() bool { return s.running() == 0 })
	}, func(c *onboard.Config) { c.Steps = steps })
	for _, o := range all {
		if got := s.get(o.ID); got.State != site.OnboardingDone {
			t.Errorf("Expected it to be done, got %s: %s", shown(got), got.Failure)
		}
		n.await(t, o.Site, "/", "origin: "+o.Site)
	}
}

// stop ends the node's nginx.
func (n *node) stop(t *testing.T) {
	t.Helper()
	eventually(t, "nginx to end", func() bool {
		select {
		case <-n.run.over:
			return true
		default:
			syscall.Kill(n.run.pid, syscall.SIGTERM) // in the middle of a reload it may have to be told again
			return false
		}
	})
}
