//go:build linux

package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// numerous is how many sites there are in the store; with CDNREDIRECT_TORTURE as many as
// the budgets are for.
func numerous() int {
	if os.Getenv("CDNREDIRECT_TORTURE") != "" {
		return 100_000
	}
	return 10_000
}

// maxPerSite is how much memory a site may take, in octets: four times the budget, which
// bench/run measures with more sites, at rest.
const maxPerSite = 16 << 10

// TestF32ManySitesOfAStore serves them from a start on, and while they are published
// again, one by one and all at once.
func TestF32ManySitesOfAStore(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	vars := withStore(t, at(web))
	class := func(address string) string {
		return "class numerous {\n    host www.example.org\n    origin " + address + "\n    cdn example " + target + "\n    ready none\n    probe http http://127.0.0.1:" + web.port + "/ every 60s\n    threshold response_time 4s\n}\n"
	}
	s := spec{corefile: stored([]string{site, lenient}), vars: vars}.start(t)
	await(t, patience, atOrigin, s.answer)
	few := s.usage(t)
	s.signal(t, os.Interrupt)
	awaitTrue(t, "the end of the process", s.over)
	fill(t, vars["store"], class("127.0.0.1"), numerous())
	s.onceMore(t)
	s.expectSome(t, atOrigin)

	l := s.startLoad(1)
	for i := range 5 {
		s.publish(t, fmt.Sprintf("site s%06d.example.org class numerous {\n    origin 127.0.0.%d\n}\n", i, 10+i))
		await(t, patience, fmt.Sprintf("A 127.0.0.%d", 10+i), s.of(fmt.Sprintf("s%06d", i)))
	}
	many := s.usage(t)
	perSite := (many.memory - few.memory) << 10 / numerous()
	if t.Logf("%v with few sites, %v with %d: %d octets a site", few, many, numerous(), perSite); perSite > maxPerSite {
		t.Errorf("Expected at most %d octets a site, got %d", maxPerSite, perSite)
	}

	s.publish(t, class("127.0.0.2"))
	await(t, patience, "A 127.0.0.2", s.of(fmt.Sprintf("s%06d", numerous()-1)))
	s.expectSome(t, "A 127.0.0.2")
	l.end(t, 0)
}

// expectSome asks for some of the sites that nobody has changed.
func (s *server) expectSome(t *testing.T, want string) {
	t.Helper()
	for range 1000 {
		name := fmt.Sprintf("s%06d", 10+rand.IntN(numerous()-10))
		if got := s.of(name)(); got != want {
			t.Fatalf("%s: Expected %q, got %q", name, want, got)
		}
	}
}

// fill publishes a class and sites of it into a store that nobody has open.
func fill(t *testing.T, file, class string, sites int) {
	t.Helper()
	var text strings.Builder
	text.WriteString(class)
	for i := range sites {
		fmt.Fprintf(&text, "site s%06d.example.org class numerous {\n}\n", i)
	}
	objects, err := corefile.Objects("test", text.String())
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(context.Background(), store.Config{Driver: "sqlite", Source: file})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var base int64
	for part := range slices.Chunk(objects, 1000) { // the race detector makes SQLite very slow
		base, err = db.As(store.Viewer{Name: "alice", Operator: true}).Publish(context.Background(), store.Publication{Base: base, Objects: part, Why: "as tested"})
		if err != nil {
			t.Fatal(err)
		}
	}
}
