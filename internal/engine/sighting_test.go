package engine

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestWhoWaitsSharesALook, but none that began before he came.
func TestWhoWaitsSharesALook(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newSighting()
		looks := 0
		see := func() (api.Servers, error) {
			looks++
			seen := looks
			time.Sleep(10 * time.Millisecond)
			return api.Servers{Servers: make([]api.ServerState, seen)}, nil
		}
		all := sync.WaitGroup{}
		for range 100 {
			all.Go(func() {
				began := time.Now()
				for time.Since(began) < time.Second {
					l.share(began, see)
					time.Sleep(lookAgain)
				}
			})
		}
		all.Wait()
		if most := int(time.Second / lookAgain); looks > most {
			t.Errorf("Expected %d looks at most, got %d", most, looks)
		}
		before := looks
		go l.share(time.Now(), see)
		synctest.Wait()
		time.Sleep(time.Millisecond)
		if got, _ := l.share(time.Now(), see); len(got.Servers) != before+2 {
			t.Errorf("Expected a look of his own, the number %d, got %d", before+2, len(got.Servers))
		}
		if got, _ := l.share(time.Now().Add(-15*time.Millisecond), see); len(got.Servers) != before+2 {
			t.Errorf("Expected the same look, got number %d", len(got.Servers))
		}
	})
}
