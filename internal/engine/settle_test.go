package engine

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/prometheus/client_golang/prometheus"
)

// settling returns an engine, without its tasks, and a runner of a site whose
// origin the next plugin has at 192.0.2.1.
func settling() (*Engine, *runner) {
	s := site.New("www.example.org.")
	s.Zone, s.Origins = "example.org.", []site.Origin{{Next: true, Addresses: addrs("192.0.2.1")}}
	g := &Generation{opened: true, zones: make(map[string]*zone)}
	e := &Engine{
		api:       api.New(api.Config{}),
		cfg:       Config{Log: new(lines), Metrics: NewMetrics(prometheus.NewRegistry())},
		scheduler: health.NewScheduler(health.Config{}),
		sources:   make(map[site.Target]*source),
		current:   g,
		moving:    make(map[*runner][]netip.Addr),
	}
	r := e.newRunner(g, s, nil, nil)
	g.runners = []*runner{r}
	return e, r
}

func addrs(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// TestOfSeveralMovesTheLastCounts finds other addresses, the old ones, and
// others again before they settle.
func TestOfSeveralMovesTheLastCounts(t *testing.T) {
	for _, last := range []string{"192.0.2.1", "192.0.2.3"} {
		e, r := settling()
		for _, found := range []string{"192.0.2.2", "192.0.2.1", last} {
			e.originFound(r, addrs(found))
		}
		e.settle(time.Now())
		if got := fmt.Sprint(r.site.Origins[0].Addresses); got != "["+last+"]" {
			t.Errorf("Expected the address %s, got %s", last, got)
		}
	}
}

// TestWhatIsOverDoesNotMove settles a runner whose generation has gone.
func TestWhatIsOverDoesNotMove(t *testing.T) {
	e, r := settling()
	e.originFound(r, addrs("192.0.2.2"))
	e.current = &Generation{}
	e.settle(time.Now())
	if got := fmt.Sprint(r.site.Origins[0].Addresses); got != "[192.0.2.1]" {
		t.Errorf("Expected the old address, got %s", got)
	}
}

// TestAPanicWhileSettlingHoldsNobodyUp breaks one runner by hand.
func TestAPanicWhileSettlingHoldsNobodyUp(t *testing.T) {
	e, r := settling()
	e.moving[r] = addrs("192.0.2.2")
	r.site = nil
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Expected a panic")
			}
		}()
		e.settle(time.Now())
	}()
	if !e.mu.TryLock() {
		t.Error("Expected the lock free after a panic")
	}
}
