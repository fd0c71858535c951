package control_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// cdnHistory feeds samples of one CDN to DecideCDN in virtual time.
type cdnHistory struct {
	cdn     *site.WatchedCDN
	state   control.CDNState
	now     time.Time
	sources []control.Source
}

// probed returns a CDN that is probed every 10 s, and has more to it.
func probed(more ...func(*site.WatchedCDN)) *cdnHistory {
	c := site.NewWatchedCDN("big")
	c.Watch.Probes = []site.Source{{
		Kind: "http", URL: "http://big.example/", Every: 10 * time.Second, Timeout: 5 * time.Second, Ask: site.Ask{Status: site.DefaultStatus()},
	}}
	for _, change := range more {
		change(c)
	}
	c.Finish()
	h := &cdnHistory{cdn: c, now: begin, sources: sourcesOf(c.Watch)}
	h.decide(control.None)
	return h
}

// used gives the CDN a capacity of 10 Gbit/s, and a feed of what is used.
func used(c *site.WatchedCDN) {
	c.Capacity = 10e9
	c.Watch.Feeds = []site.Source{{Kind: "json", URL: "http://big.example/use", Every: 10 * time.Second, Timeout: 5 * time.Second, Ask: site.Ask{Signal: site.UsedBandwidth, Query: "now"}}}
}

func (h *cdnHistory) decide(path int) {
	h.state = control.DecideCDN(h.cdn, h.state, control.Input{Now: h.now, Sources: h.sources, New: path})
}

// pass has time go by, and decides whenever it is due.
func (h *cdnHistory) pass(d time.Duration) {
	for end := h.now.Add(d); h.now.Before(end); {
		h.now = h.now.Add(time.Second)
		if due := h.state.Due; !due.IsZero() && !due.After(h.now) {
			h.decide(control.None)
		}
	}
}

// probe has one probe come in, and then 10 s go by.
func (h *cdnHistory) probe(good bool) {
	s := site.Sample{At: h.now, Signal: site.ResponseTime, Value: 0.1}
	if !good {
		s.Value, s.Failure, s.Detail = 5, site.FailureConnect, "connection refused"
	}
	h.hear(0, s)
	h.pass(10 * time.Second)
}

// use has the feed say what is used.
func (h *cdnHistory) use(rate float64) {
	h.hear(1, site.Sample{At: h.now, Signal: site.UsedBandwidth, Value: rate})
	h.probe(true)
}

func (h *cdnHistory) hear(path int, s site.Sample) {
	h.sources[path].Samples = append(h.sources[path].Samples, s)
	h.decide(path)
}

func (h *cdnHistory) wantOut(t *testing.T, out bool, when string) {
	t.Helper()
	if h.state.Out() != out {
		t.Fatalf("%s: Expected out %v, got %v since %s: %s", when, out, h.state.Out(), h.state.Since(), h.state.Reason())
	}
}

func (h *cdnHistory) wantPart(t *testing.T, part float64, when string) {
	t.Helper()
	if got := h.state.Part(h.now); got < part-0.05 || got > part+0.05 {
		t.Errorf("%s: Expected %g of its clients, got %g", when, part, got)
	}
}

// TestACDNIsLeftLaterThanAnAddress: five probes in a row, or half of a minute's.
func TestACDNIsLeftLaterThanAnAddress(t *testing.T) {
	h := probed()
	for range 12 {
		h.probe(true)
	}
	for i := range 5 {
		h.wantOut(t, false, "after fewer than five")
		h.probe(false)
		if i == 2 && h.state.Out() {
			t.Fatal("Expected three failures to be too few")
		}
	}
	h.wantOut(t, true, "after five")
	if r := h.state.Reason(); r.Cause != site.CauseDown || r.Detail != "connection refused" {
		t.Errorf("Expected the probes as the reason, got %q", r)
	}
}

func TestOneProbeOfTwoIsTooFew(t *testing.T) {
	h := probed()
	for range 30 {
		h.probe(true)
		h.probe(false)
	}
	h.wantOut(t, true, "after half of twenty")
	if h.state.Reason().Signal != site.ErrorRatio {
		t.Errorf("Expected the ratio of errors as the reason, got %s", h.state.Reason())
	}
}

// TestSlowReturn: 50 % of its clients half-way.
func TestSlowReturn(t *testing.T) {
	h := probed()
	h.probe(true)
	h.wantPart(t, 1, "at the start")
	for range 8 {
		h.probe(false)
	}
	h.wantOut(t, true, "after eight")
	for h.state.Out() {
		h.probe(true)
	}
	at := h.state.Back
	h.now = at
	h.wantPart(t, 0.05, "at first")
	h.pass(50 * time.Second)
	h.wantPart(t, 0.5, "half-way")
	h.pass(25 * time.Second)
	h.wantPart(t, 0.75, "after three quarters")
	h.pass(25 * time.Second)
	h.wantPart(t, 1, "at the end")
	if h.probe(true); !h.state.Back.IsZero() {
		t.Error("Expected the return to be over")
	}
}

// TestFirstRoundOfACDNIsTakenAtFaceValue and so is one that is dead at the start.
func TestFirstRoundOfACDNIsTakenAtFaceValue(t *testing.T) {
	for _, good := range []bool{true, false} {
		h := probed()
		h.wantOut(t, false, "before anything was heard")
		h.probe(good)
		h.wantOut(t, !good, "after one probe")
		h.wantPart(t, 1, "at the start")
	}
}

// TestAFlappingCDNStaysOutLonger flaps for two hours, 30 s up and 30 s down; then
// with long good times between.
func TestAFlappingCDNStaysOutLonger(t *testing.T) {
	h := probed()
	transitions, was := 0, false
	for range 120 {
		for _, good := range []bool{true, true, true, false, false, false} {
			h.probe(good)
			if h.state.Out() != was {
				was = h.state.Out()
				transitions++
			}
		}
	}
	if transitions > 16 {
		t.Errorf("Expected at most 8 transitions an hour, got %d in two", transitions)
	}
}

// TestEjectionsGrow fails a CDN again and again: each time it is out longer, up to
// five minutes and a fifth, and what is long past is forgotten.
func TestEjectionsGrow(t *testing.T) {
	h := probed()
	h.probe(true)
	out := func() time.Duration {
		for !h.state.Out() {
			h.probe(false)
		}
		since := h.state.Since()
		for h.state.Out() {
			h.probe(true)
		}
		return h.state.Since().Sub(since)
	}
	var last time.Duration
	for n := 1; n <= 14; n++ {
		took := out()
		base := min(30*time.Second*time.Duration(n), 5*time.Minute)
		if took < base || took > base+base/5+time.Minute || took+base/5 < last {
			t.Errorf("Expected ejection %d to last %s and a little, got %s", n, base, took)
		}
		last = took
	}
	for range 6 * 60 * 2 {
		h.probe(true)
	}
	if took := out(); took > 2*time.Minute {
		t.Errorf("Expected two good hours to be remembered, and an ejection of half a minute, got %s", took)
	}
}

// TestACapacityIsALimit: at the soft one it gets no further sites, at the hard one
// it is out.
func TestACapacityIsALimit(t *testing.T) {
	h := probed(used)
	for _, step := range []struct {
		rate      float64
		full, out bool
	}{
		{7.9e9, false, false}, {8e9, true, false}, {9.9e9, true, false}, {7e9, true, false}, {6.3e9, false, false}, {10e9, true, true}, {12e9, true, true},
	} {
		for range 4 {
			h.use(step.rate)
		}
		if h.state.Full != step.full || h.state.Out() != step.out {
			t.Errorf("At %s: Expected full %v and out %v, got %v and %v: %s", site.FormatRate(step.rate), step.full, step.out, h.state.Full, h.state.Out(), h.state.Reason())
		}
	}
	if got := h.state.Reason(); got.Signal != site.UsedBandwidth || got.Limit != 10e9 {
		t.Errorf("Expected the capacity as the reason, got %s", got)
	}
}

// TestAWaveringRateFillsACDNOnce: it gets sites again well below its soft limit.
func TestAWaveringRateFillsACDNOnce(t *testing.T) {
	h := probed(used)
	changes, was := 0, false
	for i := range 60 {
		h.use(7.95e9 + float64(i%4/2)*0.1e9)
		if h.state.Full != was {
			was = h.state.Full
			changes++
		}
	}
	if changes != 1 {
		t.Errorf("Expected it full once, got %d changes", changes)
	}
	for range 4 {
		h.use(6e9)
	}
	if room := h.state.Candidate(h.now).Room; h.state.Full || room > 0.3 {
		t.Errorf("Expected room for a few sites at first, got %g", room)
	}
	h.pass(100 * time.Second)
	if room := h.state.Candidate(h.now).Room; room != 1 {
		t.Errorf("Expected room for all after a while, got %g", room)
	}
}

// TestWhatIsSilentIsUnknown: one that was out does not come back for good because
// nobody can ask it.
func TestWhatIsSilentIsUnknown(t *testing.T) {
	h := probed()
	h.probe(true)
	for range 8 {
		h.probe(false)
	}
	h.wantOut(t, true, "after eight")
	h.pass(9 * time.Minute)
	h.wantOut(t, true, "after nine minutes of silence")
	h.pass(3 * time.Minute)
	if h.wantOut(t, false, "after the rule's ten"); !h.state.Candidate(h.now).Unknown {
		t.Error("Expected nothing to be known of it")
	}
	h.probe(true)
	if h.state.Candidate(h.now).Unknown {
		t.Error("Expected it to be known again")
	}
}

// TestWhatFallsSilentIsUnknown after the rule's time, and not out.
func TestWhatFallsSilentIsUnknown(t *testing.T) {
	h := probed()
	h.probe(true)
	for _, step := range []struct {
		silent  time.Duration
		unknown bool
	}{{9 * time.Minute, false}, {3 * time.Minute, true}, {time.Hour, true}} {
		h.pass(step.silent)
		if c := h.state.Candidate(h.now); c.Unknown != step.unknown || c.Out {
			t.Errorf("%s later: Expected unknown %v, got %+v", step.silent, step.unknown, c)
		}
	}
	h.probe(true)
	if c := h.state.Candidate(h.now); c.Unknown || c.Out || c.Part != 1 {
		t.Errorf("Expected it to take all as before, got %+v", c)
	}
}

// TestASlowCDNServes: what is over its limit says so, unless that is its capacity.
func TestASlowCDNServes(t *testing.T) {
	h := probed(func(c *site.WatchedCDN) {
		used(c)
		c.Watch.Thresholds = []site.Threshold{{Signal: site.ResponseTime, Limit: 0.05, Recover: 0.04}}
	})
	h.probe(true)
	h.probe(true)
	if h.wantOut(t, true, "slow"); !h.state.Candidate(h.now).Spare {
		t.Error("Expected it to serve all the same")
	}
	h = probed(used)
	for range 4 {
		h.use(11e9)
	}
	if h.wantOut(t, true, "at its capacity"); h.state.Candidate(h.now).Spare {
		t.Error("Expected nobody at a CDN that is at its capacity")
	}
	h = probed()
	h.probe(false)
	if h.wantOut(t, true, "dead"); h.state.Candidate(h.now).Spare {
		t.Error("Expected nobody at a CDN that is down")
	}
}

// TestAUselessCacheIsNotFull: a CDN whose cache answers little is out, and serves;
// what is left of its capacity is another matter.
func TestAUselessCacheIsNotFull(t *testing.T) {
	h := probed(used, func(c *site.WatchedCDN) {
		c.Watch.Feeds[0].Ask.Signal = site.HitRatio
		c.Capacity = 0
		c.Watch.Thresholds = []site.Threshold{{Signal: site.HitRatio, Limit: 0.6, Recover: 0.8}}
	})
	for range 4 {
		h.hear(1, site.Sample{At: h.now, Signal: site.HitRatio, Value: 0.95})
		h.probe(true)
	}
	h.wantOut(t, false, "while it is warm")
	for range 4 {
		h.hear(1, site.Sample{At: h.now, Signal: site.HitRatio, Value: 0.55})
		h.probe(true)
	}
	h.wantOut(t, true, "while it is cold")
	if c := h.state.Candidate(h.now); !c.Spare || h.state.Full {
		t.Errorf("Expected it to serve all the same, and not to be full, got %+v", c)
	}
}

// TestASilentFeedChangesNothing: a CDN that is full stays so, and one that is out
// comes back by the rule for missing data only.
func TestASilentFeedChangesNothing(t *testing.T) {
	h := probed(used)
	for range 4 {
		h.use(8.5e9)
	}
	for range 30 {
		h.probe(true)
	}
	if !h.state.Full || h.state.Out() {
		t.Errorf("Expected it full and not out, got %v and %v", h.state.Full, h.state.Out())
	}
	for range 4 {
		h.use(11e9)
	}
	for range 30 {
		h.probe(true)
	}
	h.wantOut(t, true, "five minutes after the feed fell silent")
	for range 60 {
		h.probe(true)
	}
	h.wantOut(t, false, "after the rule's ten minutes")
}
