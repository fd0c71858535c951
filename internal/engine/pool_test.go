package engine

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// rounds is a pool of one target that is probed each second, at a time of its own.
type rounds struct {
	*pool
	t    *testing.T
	now  time.Time
	dead map[string]bool
	how  pooling
	gone bool
}

func newRounds(t *testing.T) *rounds {
	return &rounds{pool: newPool(), t: t, now: time.Unix(1_800_000_000, 0), dead: map[string]bool{}, how: pooling{period: time.Second, stale: 4 * time.Second}}
}

var theRound = round{7, site.ResponseTime}

// hears has a server hear a value; below zero: it fails.
func (r *rounds) hears(server string, value float64) { r.hearsAt(server, value, r.now) }

func (r *rounds) hearsAt(server string, value float64, at time.Time) {
	s := site.Sample{At: at, Signal: site.ResponseTime, Value: value}
	if value < 0 {
		s.Value, s.Failure = 3, site.FailureTimeout
	}
	r.add(server, control.Heard{Target: 7, Samples: []site.Sample{s}}, r.now)
}

func (r *rounds) end() (site.Sample, bool) {
	alive := func(server string) bool { return !r.dead[server] }
	h, over := r.close(theRound, r.now, alive, func(uint64) (pooling, bool) { return r.how, !r.gone })
	if !over {
		return site.Sample{}, false
	}
	return h.Samples[0], true
}

func (r *rounds) wantOpen(why string) {
	r.t.Helper()
	if s, over := r.end(); over {
		r.t.Errorf("Expected the round to wait for %s, got %+v", why, s)
	}
}

// wantValue expects a round to be over; below zero: with a failure.
func (r *rounds) wantValue(value float64) {
	r.t.Helper()
	s, over := r.end()
	if !over || (s.Failure != "") != (value < 0) || value >= 0 && s.Value != value {
		r.t.Errorf("Expected the value %g, got %+v, over: %v", value, s, over)
	}
	if r.open[theRound] == over {
		r.t.Errorf("Expected the round to be open until it is over: %v, %v", r.open[theRound], over)
	}
}

func TestARoundOfOneServerIsOverAtOnce(t *testing.T) {
	r := newRounds(t)
	r.hears("a", 1)
	r.wantValue(1)
}

func TestARoundIsOverWhenAllHaveSaidSomethingNew(t *testing.T) {
	r := newRounds(t)
	r.hears("a", 1)
	r.hears("b", 2)
	r.wantValue(1.5)
	r.now = r.now.Add(500 * time.Millisecond)
	r.hears("b", 4)
	r.wantOpen("a")
	r.hears("a", 2)
	r.wantValue(3)
}

// TestTwoThirdsOfThreeServersMustFail and else the median of the others counts.
func TestTwoThirdsOfThreeServersMustFail(t *testing.T) {
	r := newRounds(t)
	for _, server := range []string{"a", "b", "c"} { // they get to know each other
		r.hears(server, 1)
	}
	r.wantValue(1)
	for _, tc := range []struct{ a, b, c, want float64 }{{1, 2, 9, 2}, {-1, 2, 4, 3}, {-1, -1, 1, -1}, {-1, -1, -1, -1}} {
		r.now = r.now.Add(time.Second)
		r.hears("a", tc.a)
		r.hears("b", tc.b)
		r.wantOpen("c")
		r.hears("c", tc.c)
		r.wantValue(tc.want)
	}
}

// TestASilentServerIsWaitedForAPeriod and its old sample counts until it is stale.
func TestASilentServerIsWaitedForAPeriod(t *testing.T) {
	r := newRounds(t)
	r.hears("a", 1)
	r.hears("b", 3)
	r.wantValue(2)
	r.now = r.now.Add(time.Second)
	r.hears("a", 2)
	r.wantOpen("b")
	r.now = r.now.Add(r.how.period)
	r.wantValue(2.5)
	r.now = r.now.Add(r.how.stale)
	r.hears("a", 4)
	r.wantValue(4)
}

func TestADeadServerIsNotWaitedFor(t *testing.T) {
	r := newRounds(t)
	r.hears("a", 1)
	r.hears("b", 3)
	r.wantValue(2)
	r.dead["b"] = true
	r.now = r.now.Add(time.Second)
	r.hears("a", 2)
	r.wantValue(2)
}

// TestALateReportIsOfTheNextRound and one that is stale on its arrival is of none.
func TestALateReportIsOfTheNextRound(t *testing.T) {
	r := newRounds(t)
	r.hears("a", 1)
	r.hears("b", 3)
	r.wantValue(2)
	r.hears("a", 2)
	r.now = r.now.Add(r.how.period)
	r.wantValue(2.5)
	r.hearsAt("b", 5, r.now.Add(-900*time.Millisecond))
	r.wantOpen("a")
	r.hears("a", 1)
	r.wantValue(3)
	r.hearsAt("c", 100, r.now.Add(-time.Minute))
	r.hears("a", 1)
	r.hears("b", 3)
	r.wantValue(2)
}

func TestOfAFeedTheNewestCounts(t *testing.T) {
	r := newRounds(t)
	r.how.feed = true
	r.hears("a", 9)
	r.hearsAt("b", 1, r.now.Add(-time.Second))
	r.hearsAt("c", 2, r.now.Add(-2*time.Second))
	r.wantValue(9)
}

// TestAPoolDoesNotGrow with targets and servers that come and go.
func TestAPoolDoesNotGrow(t *testing.T) {
	r := newRounds(t)
	r.hears("a", 1)
	r.wantValue(1)
	r.forget(7)
	if len(r.rounds) != 0 || len(r.open) != 0 {
		t.Errorf("Expected nothing of a target that is gone, got %v, %v", r.rounds, r.open)
	}
	r.hears("b", 1)
	r.gone = true
	r.wantOpen("nobody: the target is gone")
	if len(r.rounds) != 0 || len(r.open) != 0 {
		t.Errorf("Expected nothing of a target that only others hear, got %v, %v", r.rounds, r.open)
	}
	r.gone = false
	for _, server := range []string{"a", "b", "c", "d"} {
		r.hears(server, 1)
		r.wantValue(1)
		r.dead[server] = true
		r.now = r.now.Add(time.Second)
	}
	if n := len(r.rounds[theRound].servers); n > 1 {
		t.Errorf("Expected servers that are dead to be forgotten, got %d", n)
	}
}

// TestWhatWasSeenLongBeforeSaysNothing has a server report late, after a sleep, that all
// was well before.
func TestWhatWasSeenLongBeforeSaysNothing(t *testing.T) {
	r := newRounds(t)
	r.hears("a", -1)
	r.hearsAt("b", 1, r.now.Add(-3500*time.Millisecond))
	r.wantValue(-1)
	r.now = r.now.Add(time.Second)
	r.hears("a", -1)
	r.hearsAt("b", 1, r.now.Add(-2*time.Second)) // by a slow way, but of now
	r.wantValue(1)
}
