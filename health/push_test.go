package health_test

import (
	"errors"
	"math"
	"testing"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// pushTarget is what a feed of a host's load reads.
func pushTarget(host string) site.Target {
	return site.Target{Kind: "push", URL: "push://" + host, Ask: unique.Make(site.Ask{Signal: site.Load})}
}

func TestPushesAreTakenOnceAndInOrder(t *testing.T) {
	now := time.Now()
	p := health.NewPushed()
	push := func(epoch, sequence int64, age time.Duration, load float64) error {
		return p.Put(site.Push{Host: "web1", Epoch: epoch, Sequence: sequence, At: now.Add(-age), Values: map[site.Signal]float64{site.Load: load}}, now)
	}
	if err := push(1, 1, 0, 0.5); !errors.Is(err, health.ErrNoReader) {
		t.Errorf("Expected a push that nobody reads to be refused, got %v", err)
	}
	if r := p.Ask(t.Context(), pushTarget("web1")); r.Failure != site.FailureConnect {
		t.Errorf("Expected nothing so far, got %+v", r)
	}
	for _, c := range []struct {
		name            string
		epoch, sequence int64
		age             time.Duration
		load            float64
		err             error
	}{
		{"the first, with the number 0", 1, 0, 0, 0.5, nil},
		{"the same again", 1, 0, 0, 0.5, health.ErrRepeated},
		{"the next", 1, 1, 0, 0.6, nil},
		{"one that was overtaken", 1, 0, time.Second, 0.5, health.ErrRepeated},
		{"numbers that began anew", 2, 0, 0, 0.7, nil},
		{"one of the epoch before", 1, 9, 0, 0.5, health.ErrRepeated},
		{"one that is as old as may be", 2, 1, time.Minute, 0.8, nil},
		{"an older one", 2, 2, time.Minute + time.Millisecond, 0.5, health.ErrOutOfTime},
		{"a clock a little ahead", 2, 3, -time.Second, 0.9, nil},
		{"a clock ahead", 2, 4, -time.Second - time.Millisecond, 0.5, health.ErrOutOfTime},
		{"a negative value", 2, 5, 0, -1, health.ErrImprobable},
		{"no number", 2, 6, 0, math.NaN(), health.ErrImprobable},
	} {
		err := push(c.epoch, c.sequence, c.age, c.load)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: Expected %v, got %v", c.name, c.err, err)
		}
		if err != nil {
			continue
		}
		r := p.Ask(t.Context(), pushTarget("web1"))
		if len(r.Readings) != 1 || r.Readings[0].Value != c.load || !r.Readings[0].At.Equal(now.Add(-c.age)) {
			t.Errorf("%s: Expected it to be read, got %+v", c.name, r)
		}
	}
	other := pushTarget("web1")
	other.Ask = unique.Make(site.Ask{Signal: site.Connections})
	if r := p.Ask(t.Context(), other); r.Failure != site.FailureContent {
		t.Errorf("Expected a signal that was not pushed to be missing, got %+v", r)
	}
	if err := push(2, 7, 0, 0.1); err != nil {
		t.Errorf("Expected what was refused to leave no trace, got %v", err)
	}
}

func TestAHostGoesByItsAddress(t *testing.T) {
	now := time.Now()
	p := health.NewPushed()
	p.Ask(t.Context(), pushTarget("[2001:db8::10]"))
	if err := p.Put(site.Push{Host: "2001:db8::10", At: now, Values: map[site.Signal]float64{site.Load: 0.5}}, now); err != nil {
		t.Errorf("Expected its push to be read, got %v", err)
	}
}
