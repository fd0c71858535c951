package health_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/health"
)

// The wall clock may jump: what is reckoned between times that carry a reading
// of the monotonic clock (package time) does not notice. The clock of synctest
// has none, so this takes a moment of real time.
func TestF13SamplesCarryTheMonotonicClock(t *testing.T) {
	m := newMonitor(health.Config{}, good)
	m.Set(targets(3, time.Millisecond))
	stop := m.start(t)
	for deadline := time.Now().Add(generous); len(m.times("0")) < 3 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	stop()
	times := m.times("0")
	if len(times) < 3 {
		t.Fatalf("got samples of %v, want three", times)
	}
	for _, at := range times {
		if at == at.Round(0) { // which takes the reading away
			t.Errorf("the sample of %s has the wall clock alone", at)
		}
	}
}
