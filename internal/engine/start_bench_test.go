//go:build linux

package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// BenchmarkStart begins to serve 100,000 sites of a store, up to the first answer.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	objects := []site.Object{{Kind: site.ObjectClass, Name: "web", Text: `class web {
    origin 192.0.2.1
    cdn edge {label}.cdn.example.net
    ready none
    probe http http://{origin}/ every 1h timeout 5s
    threshold response_time 1s
    ttl 30s
}`}}
	for i := range many {
		name := fmt.Sprintf("s%06d.example.org", i)
		objects = append(objects, site.Object{Kind: site.ObjectSite, Name: name, Text: "site " + name + " class web"})
	}
	publishIn(b, dir, objects...)
	for b.Loop() {
		e, _ := newWorld().engine(b)
		keeping := engine.Keeping{Server: "one", Store: storeIn(dir)}
		k := keepThis(b, e, keeping)
		g := e.Offer(context.Background(), engine.Sites{Kept: k, Sites: k.Sites(), CDNs: k.CDNs(), Seed: k.Seed()})
		if got := answer(g, "s004711.example.org."); got != "1 A" {
			b.Fatal(got)
		}
		b.StopTimer()
		e.Close()
		b.StartTimer()
	}
}
