package health_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// spare is how many more things a host may be asked than are under way while it
// answers none of them, and room a part of those.
const (
	spare = 8
	room  = 1.25
)

// atHost returns n targets at one host, with one period.
func atHost(host string, n int, period time.Duration) map[site.Target]time.Duration {
	set := make(map[site.Target]time.Duration, n)
	for i := range n {
		set[named(fmt.Sprintf("http://%s/%d", host, i))] = period
	}
	return set
}

// gauge counts what is under way.
type gauge struct {
	mu        sync.Mutex
	now, most int
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.most = max(g.most, g.now)
}

// read returns how many are under way, and were at most.
func (g *gauge) read() (now, most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now, g.most
}

// counted has the gauge count a probe.
func (g *gauge) counted(probe health.Probe) health.Probe {
	return func(ctx context.Context, t site.Target) health.Result {
		g.add(1)
		defer g.add(-1)
		return probe(ctx, t)
	}
}

// A dead host with very many targets is asked no more than it takes, and yet
// about each of them on time, but for the first round.
func TestADeadHostIsFoundDeadInTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const n, period = 1000, 30 * time.Second
		var g gauge
		began := make(map[string][]time.Time)
		slow := g.counted(taking(4 * time.Second))
		m := newMonitor(health.Config{}, func(ctx context.Context, target site.Target) health.Result {
			g.mu.Lock()
			began[target.URL] = append(began[target.URL], time.Now())
			g.mu.Unlock()
			return slow(ctx, target)
		})
		m.Set(atHost("dead:80", n, period))
		m.run(t, 10*time.Minute)
		if most := spare + int(math.Floor(room*n*4/30)); g.most > most {
			t.Errorf("%d probes under way, want at most %d", g.most, most)
		}
		for url, starts := range began {
			times := m.times(url)
			wantGrid(t, times[1:], period, 17, 20)
			for i := 3; i < len(times); i++ {
				if late := starts[i].Sub(times[i]); late > time.Second {
					t.Fatalf("%s: probe %d began %s late", url, i, late)
				}
				if gap := times[i].Sub(times[i-1]); gap != period {
					t.Fatalf("%s: probes %s apart", url, gap)
				}
			}
		}
	})
}

// A host that is slow holds up nobody else's probes.
func TestADeadHostHoldsUpNoOther(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		slow := taking(4 * time.Second)
		m := newMonitor(health.Config{}, func(ctx context.Context, target site.Target) health.Result {
			if target.URL == "http://alive:80/0" {
				return good(ctx, target)
			}
			return slow(ctx, target)
		})
		set := atHost("dead:80", 500, 10*time.Second)
		set[named("http://alive:80/0")] = 10 * time.Second
		m.Set(set)
		m.run(t, 99*time.Second)
		wantGrid(t, m.times("http://alive:80/0")[1:], 10*time.Second, 8, 10)
	})
}

// Those that wait for others at their host are forgotten with their removal,
// and come back as new ones.
func TestRemovedWhileWaitingAtTheHost(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const n = 50
		var g gauge
		m := newMonitor(health.Config{}, g.counted(taking(3*time.Second)))
		m.Set(atHost("slow:80", n, time.Hour)) // only the spare ones at once
		stop := m.start(t)
		wait(time.Second)
		if now, _ := g.read(); now != spare {
			t.Fatalf("%d under way, want %d", now, spare)
		}
		m.Set(nil)
		wait(time.Minute)
		if now, _ := g.read(); now != 0 || len(m.samples) != 0 {
			t.Errorf("%d under way, and samples of %d removed targets", now, len(m.samples))
		}
		m.Set(atHost("slow:80", n, time.Hour))
		wait(time.Minute)
		stop()
		if _, most := g.read(); len(m.samples) != n || most != spare {
			t.Errorf("samples of %d targets, want %d; %d under way at most, want %d", len(m.samples), n, most, spare)
		}
	})
}

// A period that changes while a target waits counts from then on, and so does
// what the host may be asked at once.
func TestPeriodChangesWhileWaitingAtTheHost(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const n = 50
		var g gauge
		m := newMonitor(health.Config{}, g.counted(taking(3*time.Second)))
		m.Set(atHost("slow:80", n, time.Hour))
		stop := m.start(t)
		wait(time.Second)
		m.Set(atHost("slow:80", n, 10*time.Second)) // 4 s of 10 s each
		wait(2 * time.Minute)
		if _, most := g.read(); most > spare+int(math.Floor(room*n*4/10)) {
			t.Errorf("%d under way at most", most)
		}
		for target := range atHost("slow:80", n, 0) {
			if got := len(m.times(target.URL)); got < 9 {
				t.Errorf("%s: %d samples in two minutes", target.URL, got)
			}
		}
		m.Set(atHost("slow:80", n, time.Hour))
		wait(time.Minute)
		before := m.times("http://slow:80/0")
		wait(10 * time.Minute)
		stop()
		if after := m.times("http://slow:80/0"); len(after) > len(before)+1 {
			t.Errorf("%d samples in ten minutes", len(after)-len(before))
		}
	})
}

// Where a dead host would need more places than there are, half of them are left
// to the others.
func TestADeadHostTakesNotAllPlaces(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const period = 10 * time.Second
		slow := taking(4 * time.Second)
		m := newMonitor(health.Config{Concurrency: 20}, func(ctx context.Context, target site.Target) health.Result {
			if strings.HasPrefix(target.URL, "http://dead:80/") {
				return slow(ctx, target)
			}
			return good(ctx, target)
		})
		set := atHost("dead:80", 200, period) // would take 80 places
		maps.Copy(set, targets(100, period))
		m.Set(set)
		m.run(t, 99*time.Second)
		for target := range targets(100, 0) {
			times := m.times(target.URL)
			wantGrid(t, times[1:], period, 8, 10)
			if last := times[len(times)-1]; last.Sub(times[1]) != time.Duration(len(times)-2)*period {
				t.Errorf("%s: a probe was skipped", target.URL)
			}
		}
	})
}
