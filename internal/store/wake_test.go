package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// waken listens for changes until the test is over.
func waken(t *testing.T, s *store.Store) (woken chan struct{}) {
	woken = make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() {
		s.Wake(ctx, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
	})
	t.Cleanup(func() {
		cancel()
		listening.Wait()
	})
	return woken
}

// wakes repeats a change until somebody has woken up: who has only begun to
// listen may miss one.
func wakes(t *testing.T, what string, woken chan struct{}, change func()) {
	t.Helper()
	for deadline := time.Now().Add(generous); ; {
		for len(woken) > 0 {
			<-woken
		}
		change()
		select {
		case <-woken:
			return
		case <-time.After(500 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("Waited in vain to be woken by %s", what)
		}
	}
}

func TestWake(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		woken, v := waken(t, s), operator(s)
		base := int64(0)
		wakes(t, "a publication", woken, func() { base = publish(t, v, base, siteOf("www.example.org", "")) })
		wakes(t, "an override", woken, func() {
			_, err := v.SetOverride(t.Context(), freeze("o1"))
			must(t, err)
		})
		wakes(t, "a confirmation", woken, func() { must(t, v.Confirm(t.Context(), 1, "")) })
		take(t, s, "ns1", time.Hour)
		wakes(t, "a decision", woken, func() {
			must(t, s.WriteDecisions(t.Context(), "ns1", 1, []store.Decided{{Site: "a"}}))
		})
	})
}

func TestWakeOfAnotherServer(t *testing.T) {
	cfg := postgresConfig(t, postgresServer(t))
	here, there := open(t, cfg), open(t, cfg)
	base := int64(0)
	wakes(t, "a publication", waken(t, here), func() { base = publish(t, operator(there), base, siteOf("www.example.org", "")) })
}
