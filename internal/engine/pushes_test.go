package engine_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

func TestAPushIsRefusedWithItsReason(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld()
		e, _ := w.engine(t)
		s := newSite(www, "192.0.2.1")
		s.Feeds = []site.Source{{Kind: "push", URL: "push://acme/web1", Every: time.Second, Timeout: 500 * time.Millisecond, Ask: site.Ask{Signal: site.Load}}}
		offer(e, s)
		push := func(host string, sequence int64, ago time.Duration, load float64) error {
			return e.Resources().Pushes.Push(site.Push{Host: host, Sequence: sequence, At: time.Now().Add(-ago), Values: map[site.Signal]float64{site.Load: load}})
		}
		for _, c := range []struct {
			err, want error
		}{
			{push("acme/web1", 7, 0, 0.5), nil},
			{push("web1", 1, 0, 0.5), api.ErrNoReader},
			{push("acme/web1", 7, 0, 0.5), api.ErrRepeated},
			{push("acme/web1", 8, time.Hour, 0.5), api.ErrImprobable},
			{push("acme/web1", 8, -time.Hour, 0.5), api.ErrImprobable},
			{push("acme/web1", 8, 0, math.NaN()), api.ErrImprobable},
			{push("acme/web1", 8, 0, 0.5), nil},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("Expected %v, got %v", c.want, c.err)
			}
		}
	})
}
