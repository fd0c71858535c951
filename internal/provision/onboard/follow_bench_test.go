package onboard_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// BenchmarkCompareAll compares 100,000 sites, none of which has changed, with what was
// set up.
func BenchmarkCompareAll(b *testing.B) {
	const sites = 100_000
	s, err := store.Open(b.Context(), storeIn(b.TempDir()))
	must(b, err)
	defer s.Close()
	f := newField()
	var rows []site.Setup
	for i := range sites {
		name := fmt.Sprintf("s%d.example.org", i)
		f.sites[name] = siteWith(name, "192.0.2.1", "edge")
		asked, digest := onboard.ContentOf(f.sites[name], f.sites[name].CDNs[0], f.Provision("edge"))
		rows = append(rows, site.Setup{Site: name, CDN: "edge", State: site.SetupDone, Asked: asked, Has: digest, Wants: digest, TTL: f.sites[name].TTL.Full})
	}
	_, err = s.PutSetups(b.Context(), store.Fence{}, rows)
	must(b, err)
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		with := onboard.NewFollower(onboard.FollowerConfig{
			Setups: s, InForce: f, Providers: f, Network: f, Turn: alone, Log: f,
			Counted: func(counts map[site.SetupState]int) {
				if counts[site.SetupDone] != sites {
					b.Errorf("Expected nothing to change, got %v", counts)
				}
				cancel()
			},
		})
		with.Run(ctx)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/sites, "ns/site")
}
