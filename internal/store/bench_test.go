package store_test

import (
	"fmt"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// manySites are sites of a usual length.
func manySites(n int) []site.Object {
	objects := make([]site.Object, n)
	for i := range objects {
		name := fmt.Sprintf("s%06d.example.org", i)
		objects[i] = siteOf(name, fmt.Sprint("c", i%1000), "    class web", "    origin fra", "    cdn edge {name}.edge.example.net", "    cdn bigcdn {label}.bigcdn.example")
	}
	return objects
}

const many = 100_000

// benchmarks runs f with a store of many objects on both databases.
func benchmarks(b *testing.B, f func(b *testing.B, s *store.Store, revision int64)) {
	run := func(cfg func(b *testing.B) store.Config) func(*testing.B) {
		return func(b *testing.B) {
			s := open(b, cfg(b))
			revision := publish(b, operator(s), 0, manySites(many)...)
			f(b, s, revision)
		}
	}
	b.Run("sqlite", run(func(b *testing.B) store.Config { return sqliteConfig(b) }))
	b.Run("postgres", run(func(b *testing.B) store.Config { return postgresConfig(b, postgresServer(b)) }))
}

func BenchmarkLoad(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store, _ int64) {
		for b.Loop() {
			_, objects, err := s.Changes(b.Context(), 0)
			must(b, err)
			equal(b, "Objects", len(objects), many)
		}
	})
}

// BenchmarkOneChange publishes one object of many, and reads that one back.
func BenchmarkOneChange(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store, revision int64) {
		for b.Loop() {
			next := publish(b, operator(s), revision, siteOf("s050000.example.org", "c0", fmt.Sprint(revision)))
			_, objects, err := s.Changes(b.Context(), revision)
			must(b, err)
			equal(b, "Objects", len(objects), 1)
			revision = next
		}
	})
}

// BenchmarkPublishAll replaces all objects.
func BenchmarkPublishAll(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store, revision int64) {
		objects := manySites(many)
		for b.Loop() {
			revision = publish(b, operator(s), revision, objects...)
		}
	})
}

// BenchmarkPublishDraft publishes a draft of 20,000 objects, of which the caller says
// that they are what was checked.
func BenchmarkPublishDraft(b *testing.B) {
	s := open(b, sqliteConfig(b))
	objects := manySites(20_000)
	revision := int64(0)
	for b.Loop() {
		b.StopTimer()
		for i := range objects {
			objects[i].Text += " "
		}
		draft(b, operator(s), revision, objects...)
		_, drafted, err := operator(s).Draft(b.Context())
		must(b, err)
		b.StartTimer()
		revision, err = operator(s).Publish(b.Context(), store.Publication{Base: revision, Objects: drafted, Draft: true})
		must(b, err)
	}
}
