package health

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// entry is one target of a Scheduler. Its times are counted from the
// scheduler's base.
type entry struct {
	target  site.Target // does not change
	hash    uint64      // of target
	period  time.Duration
	due     time.Duration // when the next probe is to begin
	last    time.Duration // when the latest probe was due, or never
	stale   time.Duration // how old a sample of it may get
	discard bool          // the target was removed while the probe in flight was under way
	host    *host         // that the target is at
	meter   *meter        // of a feed
	wanted  bool          // it is among the targets; else its probe is in flight still
	index   int           // in the queue, or inFlight, or atHost
}

// needs returns how many probes of the target are under way on the average at a
// period if none is answered; 0 without a period.
func (e *entry) needs(period time.Duration) float64 {
	if period == 0 {
		return 0
	}
	return e.target.Timeout.Seconds() / period.Seconds()
}

// never is the last of an entry that has not been probed yet.
const never = -1

// The index of an entry that is with its probe, and of one that waits for
// others at its host.
const (
	inFlight = -1
	atHost   = -2
)

// soon is how long after its first reading a feed is read again whose counters
// say nothing the first time.
const soon = time.Second

// samples returns what a result is worth. A failed probe counts as the worst
// that it can measure; a feed that fails, or a probe that this machine could not
// or must not make, says nothing.
func (e *entry) samples(at time.Time, r Result) ([]site.Sample, error) {
	switch {
	case r.Failure == site.FailureLocal, r.Failure == site.FailureForbidden, r.Failure != "" && e.target.IsFeed():
		return nil, cmp.Or(r.Err, errors.New(string(r.Failure)))
	case e.target.IsFeed():
		return e.metered(at, r.Readings)
	}
	s := site.Sample{At: at, Signal: site.ResponseTime, Value: r.Total.Seconds(), Failure: r.Failure}
	if e.target.Kind == "download" {
		s.Signal, s.Value = site.AvailableBandwidth, r.Goodput
	}
	if r.Failure != "" {
		s.Value = s.Signal.Worst(e.target.Timeout)
	}
	if r.Err != nil {
		s.Detail = r.Err.Error()
	}
	return []site.Sample{s}, nil
}

// metered returns what readings are worth, and says which of them cannot be true.
func (e *entry) metered(at time.Time, readings []Reading) ([]site.Sample, error) {
	if e.meter == nil {
		e.meter = newMeter()
	}
	e.meter.longest, e.meter.behind = e.stale, e.target.Ask.Value().Delay
	samples, rejected := e.meter.samples(at, time.Now(), readings)
	var failed error
	for _, r := range rejected {
		failed = errors.Join(failed, fmt.Errorf("reading '%s': %s: %s", e.target.Shown(), r.Signal, r.Why))
	}
	return samples, failed
}

// Samples returns what a result is worth by itself, where there was none before.
func Samples(t site.Target, at time.Time, r Result) []site.Sample {
	e := entry{target: t}
	samples, err := e.samples(at, r)
	if err != nil {
		return nil
	}
	return samples
}

// grain is what phases are multiples of, from periods of a second up. Probes
// that begin together wake the process once; one by one, the waking would cost
// more than the probes do.
const grain = 10 * time.Millisecond

// slot returns the first time of the entry's grid that is not before t: those
// for which time mod period is the phase, itself the target's hash mod period.
func (e *entry) slot(t time.Duration) time.Duration {
	phase := time.Duration(e.hash % uint64(e.period))
	if e.period >= time.Second {
		phase -= phase % grain
	}
	periods := (t - phase + e.period - 1) / e.period
	return phase + periods*e.period
}

// begin settles which slot a probe that begins now is for. Of several that
// have passed it is the last; the others are skipped.
func (e *entry) begin(now time.Duration) {
	e.last = max(e.due, e.slot(now+1)-e.period)
	e.stale = site.StaleAfter(e.period) // for the probe, which must not read the period itself: Set may change it
}

// rearm sets the next slot that can still be kept. Where the last one lies off
// the grid, being the first of all or that of another period, the next is less
// than a period away: never do two probes lie further apart than that, or
// detection would take longer than the periods that were promised.
func (e *entry) rearm(now time.Duration) {
	e.due = e.slot(max(e.last+1, now))
	if e.meter != nil && e.meter.wait {
		e.due = min(e.due, now+soon)
	}
}

// queue is a heap of entries (container/heap), the one that is due first at
// its head.
type queue []*entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is for package heap.
func (q *queue) Push(x any) {
	e := x.(*entry)
	e.index = len(*q)
	*q = append(*q, e)
}

// Pop is for package heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	e.index = inFlight
	return e
}
