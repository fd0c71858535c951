package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// many is how many sites the budgets are for.
const many = 100_000

// manySites returns sites with a probe each, every 10 s.
func manySites() []*site.Site {
	sites := make([]*site.Site, many)
	for i := range sites {
		sites[i] = nthSite(i)
	}
	return sites
}

func nthSite(i int) *site.Site {
	s := newSite(fmt.Sprintf("s%06d.example.org.", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
	s.Probes[0].Every, s.Probes[0].Timeout = 10*time.Second, 5*time.Second
	return s
}

// stuck returns an engine whose probes never end, so that they take no time.
func stuck(b *testing.B) *engine.Engine {
	over := make(chan struct{})
	e, _ := newWorld().engineOver(b, kinds{"http": func(context.Context, site.Target) health.Result {
		<-over
		return health.Result{}
	}})
	b.Cleanup(func() { close(over) }) // before the engine is closed
	return e
}

// BenchmarkChange changes one of 100,000 sites: all of it is time under the engine's
// lock.
func BenchmarkChange(b *testing.B) {
	e := stuck(b)
	e.Offer(b.Context(), engine.Sites{Sites: manySites()})
	next := [2]*site.Site{nthSite(4711), nthSite(4711)}
	next[1].CDNs = []site.CDN{{Name: "edge", Target: "other.example.net."}}
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if !e.Change(engine.Change{Put: []*site.Site{next[i%2]}}) {
				b.Fatal("Expected the change to be made")
			}
		}
	})
	b.Run("remove", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			change := engine.Change{Put: next[:1]}
			if i%2 == 0 {
				change = engine.Change{Removed: []string{next[0].Name()}}
			}
			if !e.Change(change) {
				b.Fatal("Expected the change to be made")
			}
		}
	})
}

// BenchmarkExchange is what a server hears in a second of 100,000 sites that are
// probed every 10 s: as a row, and what the one that decides makes of its own and
// those of two others.
func BenchmarkExchange(b *testing.B) {
	e := stuck(b)
	k := e.Away("a")
	e.Offer(b.Context(), engine.Sites{Sites: manySites(), Kept: k})
	e.Decide()
	const parts = 10
	say := func(part int) (now time.Time, heard engine.Heard, rows []store.Samples) {
		now = time.Now()
		heard = e.HeardOf(part%parts, parts, now)
		return now, heard, []store.Samples{{Server: "b", Payload: heard.Row(now)}, {Server: "c", Payload: heard.Row(now)}}
	}
	for part := range parts { // till each of the three is known to hear each target
		now, heard, rows := say(part)
		e.HearRows(k, rows, now)
		e.Note(heard, now)
		e.HearRows(k, rows, now)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		now := time.Now()
		heard, size := e.HeardOf(0, parts, now), 0
		for b.Loop() {
			size = len(heard.Row(now))
		}
		b.ReportMetric(float64(size), "octets")
		b.ReportMetric(float64(len(heard)), "samples")
	})
	b.Run("decide", func(b *testing.B) {
		b.ReportAllocs()
		part := 0
		for b.Loop() {
			b.StopTimer()
			now, heard, rows := say(part)
			part++
			b.StartTimer()
			e.Note(heard, now)
			e.HearRows(k, rows, now)
			if open := e.OpenRounds(); open > 0 {
				b.Fatalf("Expected all rounds to be over, got %d that are not", open)
			}
		}
	})
}
