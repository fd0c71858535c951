package engine_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/pg"
)

// bedOn is one of several servers on a database, which share a CDN.
func bedOn(t *testing.T, name, dsn string, cdn *cdnSide) *bed {
	t.Helper()
	b := &bed{world: newWorld(), cdn: cdn}
	b.Engine, _ = b.world.engineOver(t, kinds{"http": b.probe, "tls": b.world.probe})
	keeping := engine.Keeping{Server: name, Store: store.Config{Driver: "postgres", Source: dsn, Server: name}}
	b.kept = keepThis(t, b.Engine, keeping, "cdn edge {\noperated own\nwebhook "+cdn.URL+"\n}", "class web {\nprobe http http://{origin}/\nthreshold response_time 300ms\nttl 0s\ncdn edge {label}.edge.example.net\nready probe http://{target}/\n}")
	b.Offer(context.Background(), engine.Sites{Kept: b.kept, Sites: b.kept.Sites(), CDNs: b.kept.CDNs(), Own: b.kept.Own(), Seed: b.kept.Seed()})
	b.Promote()
	b.world.resolvers.set("www.edge.example.net. A", "www.edge.example.net. 30 IN A 198.51.100.1")
	return b
}

// TestF26AnotherServerFollows: what the server that decided has begun at a CDN the next one
// goes on with.
func TestF26AnotherServerFollows(t *testing.T) {
	t.Parallel()
	dsn, err := pg.Start(t).Database()
	must(t, err)
	cdn := newCDNSide(t)
	one := bedOn(t, "one", dsn, cdn)
	one.onboards(t, "", onboarded)
	two := bedOn(t, "two", dsn, cdn)
	cdn.answer(http.StatusServiceUnavailable)
	two.puts(t, "", strings.Replace(onboarded, "192.0.2.1", "192.0.2.2", 1))
	until(t, "the first one to ask the CDN", func() bool {
		return two.setups(t, alice) == "edge changing '"+cdn.URL+"' answers to create with status 503"
	})
	one.Close()
	cdn.answer(0)
	until(t, "the other one to tell the CDN", func() bool { return two.setups(t, alice) == "edge done" })
	two.puts(t, "", strings.Replace(onboarded, "www", "stays", 1))
	two.deletes(t, "www.example.org")
	until(t, "the other one to remove it", func() bool { return !cdn.has("www.example.org") && two.setups(t, alice) == "" })
}
