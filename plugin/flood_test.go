package steer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/route"
	steer "github.com/cdnredirect/cdnredirect/plugin"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// holding is what a process holds of the machine.
type holding struct {
	heap               uint64
	goroutines, series int
}

// holds measures after the collector has run.
func (b *bed) holds(t *testing.T) holding {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	series, err := testutil.GatherAndCount(b.registry)
	if err != nil {
		t.Fatal(err)
	}
	return holding{m.HeapAlloc, runtime.NumGoroutine(), series}
}

// TestAFloodOfRandomNamesGrowsNothing asks for names that nobody asked for
// before, below the zone and below a wildcard site, as who wants to fill caches
// does.
func TestAFloodOfRandomNamesGrowsNothing(t *testing.T) {
	b := newBed(diverted)
	b.Use(steer.Config{Table: route.NewTable(b.entry, entryOf("*.w.example.org.", half()), entryOf("a.ent.example.org.", atOrigin))})
	const n = 100_000
	names := rand.New(rand.NewPCG(1, 2))
	flood := func() {
		for i := range n {
			q := question(fmt.Sprintf("%x.%s", names.Uint64(), []string{"example.org.", "w.example.org.", "x.w.example.org.", "ent.example.org.", "www.example.org."}[i%5]), dns.TypeA)
			b.ServeDNS(context.Background(), new(unread), q)
		}
	}
	flood() // what is made once is made now
	before := b.holds(t)
	flood()
	after := b.holds(t)
	if grown := int64(after.heap) - int64(before.heap); grown > 1<<20 {
		t.Errorf("Expected the heap to stay, got %d octets more", grown)
	}
	for end := time.Now().Add(10 * time.Second); after.goroutines > before.goroutines && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // one that is about to end is no growth
		after = b.holds(t)
	}
	if after.goroutines > before.goroutines || after.series != before.series {
		t.Errorf("Expected %+v, got %+v", before, after)
	}
}
