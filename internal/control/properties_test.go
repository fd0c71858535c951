package control_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Whatever happens to whatever site, the decision is one that can be answered.
func TestEveryDecisionCanBeAnswered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t))
		for _, e := range anyEvents(h.site).Draw(t, "events") {
			before := h.last()
			h.happen(e)
			wantAnswer(t, h, before.Epoch)
		}
	})
}

// wantAnswer checks what holds for every decision.
func wantAnswer(t *rapid.T, h *history, epoch uint64) {
	d, s := h.last(), h.site
	if d.Epoch < epoch {
		t.Fatalf("the epoch fell from %d to %d", epoch, d.Epoch)
	}
	if !slices.Contains([]time.Duration{s.TTL.Full, s.TTL.Diverted, s.TTL.Min}, d.TTL) {
		t.Fatalf("TTL %s is none of the site's", d.TTL)
	}
	if len(d.Addresses) == 0 {
		t.Fatalf("no addresses")
	}
	for _, addr := range d.Addresses {
		if !slices.Contains(s.Origins[0].Addresses, addr) {
			t.Fatalf("address %s is not the origin's", addr)
		}
	}
	partial := s.Divert.Mode == site.DivertFixed && d.Share == s.Divert.Share
	if d.Share != 0 && d.Share != 1 && !partial || d.Share > 0 && (s.Divert.Mode == site.DivertNone || d.Side != site.SideCDN) {
		t.Fatalf("share %g at side %q with divert %s", d.Share, d.Side, s.Divert.Mode)
	}
	for _, cdn := range d.CDNs {
		if i := slices.Index(s.CDNs, cdn); i < 0 || h.ready != nil && !h.ready[i] {
			t.Fatalf("diverted to %+v, ready are %v", cdn, h.ready)
		}
	}
	if d.Share > 0 && len(d.CDNs) == 0 {
		t.Fatalf("share %g is diverted to nowhere", d.Share)
	}
	if due := h.state.Due; !due.IsZero() && !due.After(h.now) {
		t.Fatalf("due at %s, which has come", due)
	}
	if v := d.Reason.V; !(v >= 0 && v <= 10) {
		t.Fatalf("v is %g", v)
	}
}

// The epoch counts on with everything that is new, and with nothing else.
func TestEpochIsOfTheNews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t))
		for _, e := range anyEvents(h.site).Draw(t, "events") {
			h.wait(e.gap)
			before := h.last()
			e.gap = 0
			h.happen(e)
			after, now := h.last(), h.untold()
			if news(after, now) {
				t.Fatalf("said %+v\n  is %+v", after, now)
			}
			want := before.Epoch
			if news(before, now) {
				want++
			}
			if after.Epoch != want {
				t.Fatalf("epoch %d -> %d, want %d:\nbefore %+v\n after %+v", before.Epoch, after.Epoch, want, before, after)
			}
		}
	})
}

// Who decides at the times that are due, and at no others, misses nothing: one
// who looks more often sees nothing new, and goes the same way.
func TestNothingChangesUnlessItIsDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySite(t)
		patient, curious := observe(s), observe(s)
		for _, e := range anyEvents(s).Draw(t, "events") {
			patient.happen(e)
			for part := time.Duration(4); part > 0; part-- {
				step := e.gap / part
				curious.wait(step)
				e.gap -= step
				before := curious.last()
				curious.decide(control.None)
				if after := curious.last(); after.Epoch != before.Epoch {
					t.Fatalf("after %s a look finds something new:\nbefore %+v\n after %+v", curious.now.Sub(begin), before, after)
				}
			}
			curious.happen(e)
			if a, b := fmt.Sprintf("%+v", patient.last()), fmt.Sprintf("%+v", curious.last()); a != b {
				t.Fatalf("after %s\n with due looks %s\nwith more looks %s", patient.now.Sub(begin), a, b)
			}
		}
	})
}

// restless has a site of any settings turn as often as they allow.
func restless(t *rapid.T) *site.Site {
	return anySite(t, lastOnly, func(s *site.Site) {
		s.Enter = min(s.Enter, 2)
		s.FailbackDelay = span(t, 0, 40, "short failback_delay")
		s.NoData.After = span(t, 0, 40, "short after")
	})
}

// A stay at the CDN ends in two ways only: with a recovery, which takes the
// failback delay, and by the rule for missing data, which takes the rule's
// time. So the entries within a time T are at most 1 + T/S, S being the
// shorter of these two (the failback delay alone where the rule is not to go
// to the origin), and the flips twice as many.
func TestFlipsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(restless(t))
		for _, e := range anyEvents(h.site).Draw(t, "events") {
			h.happen(e)
		}
		for i, turned := range h.turns {
			if turned.side == site.SideCDN || i == 0 {
				continue
			}
			stay := turned.at - h.turns[i-1].at
			switch turned.cause {
			case site.CauseRecovered:
				if stay < h.site.FailbackDelay {
					t.Fatalf("back after %s, want at least %s: %v", stay, h.site.FailbackDelay, h.turns)
				}
			case site.CauseNoData:
				if stay < h.site.NoData.After || h.site.NoData.Action != site.NoDataOrigin {
					t.Fatalf("back without data after %s, want at least %s: %v", stay, h.site.NoData.After, h.turns)
				}
			default:
				t.Fatalf("turned to the origin because of %s", turned.cause)
			}
		}
	})
}

// An entry that reaches suppress holds the site until its penalty has decayed
// to reuse, or for the longest block. So the penalty is at most P: before an
// entry it is under suppress, or what the longest block left of it.
//
//	P = max(suppress + 1, 1 / (1 - 2^(-max/half_life)))
//
// Every entry adds 1 to the penalty, which loses at most P ln2/half_life a
// second. So there are at most P (1 + T ln2/half_life) entries within T, be the
// failback delay as short as it likes. The rule for missing data is no flap,
// and is left out here, as are origins that were down.
func TestFlipsAreDamped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := restless(t)
		s.Damping = site.Damping{
			HalfLife: span(t, 1, 600, "half_life"),
			Max:      span(t, 1, 600, "max"),
			Suppress: rapid.Float64Range(0.5, 4).Draw(t, "suppress"),
		}
		s.Damping.Reuse = s.Damping.Suppress * rapid.Float64Range(0.1, 0.9).Draw(t, "reuse of suppress")
		s.NoData.Action = site.NoDataStay
		h := observe(s)
		for _, e := range anyEvents(s).Draw(t, "events") {
			e.failed = false
			h.happen(e)
		}

		d := s.Damping
		halfLife, longest := d.HalfLife.Seconds(), d.Max.Seconds()
		penalty, entries := 0.0, 0
		for i, turned := range h.turns {
			if i == 0 || turned.side != site.SideCDN {
				continue
			}
			since := h.now.Sub(begin)
			if entries++; entries > 1 {
				since = turned.at - h.turns[i-2].at
			}
			penalty = decayed(penalty, since, d.HalfLife) + 1
			held := 0.0
			if penalty >= d.Suppress {
				held = min(halfLife*math.Log2(penalty/d.Reuse), longest)
			}
			if i+1 < len(h.turns) && (h.turns[i+1].at-turned.at).Seconds() < held-1e-6 {
				t.Fatalf("turned %v: entry %d with penalty %g is to be held for %g s", h.turns, entries, penalty, held)
			}
		}
		most := max(d.Suppress+1, 1/(1-math.Exp2(-longest/halfLife)))
		if most *= 1 + h.now.Sub(begin).Seconds()*math.Ln2/halfLife; float64(entries) > most {
			t.Fatalf("%d entries, want at most %g", entries, most)
		}
	})
}

// round feeds every path a sample that next draws, a gap after the one before.
func (h *history) round(gap time.Duration, next func() site.Sample) {
	h.wait(gap)
	for path := range h.sources {
		s := next()
		s.At, s.Signal = h.now, site.ResponseTime
		h.add(path, s)
	}
}

// longestWindow is how far back any threshold of the site looks.
func longestWindow(s *site.Site) time.Duration {
	var longest time.Duration
	for _, p := range s.Probes {
		longest = max(longest, control.Window(p.Every))
	}
	for _, t := range s.Thresholds {
		longest = max(longest, t.Window)
	}
	return longest
}

// After whatever happened: where all is well for the failback delay, and for
// the longest block of damping, visitors are at the origin.
func TestWellForLongEnoughMeansOrigin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t, func(s *site.Site) {
			s.Damping.Max = span(t, 1, 900, "max")
		}))
		for _, e := range anyEvents(h.site).Draw(t, "events") {
			h.happen(e)
		}
		well := rapid.Float64Range(0, 0.999*h.site.Thresholds[0].Recover)
		gap := h.site.Probes[0].Every * 2
		patience := longestWindow(h.site) + 2*gap + h.site.FailbackDelay
		if !h.site.Damping.Off {
			patience = max(patience, longestWindow(h.site)+2*gap+h.site.Damping.Max)
		}
		for end := h.now.Add(patience); !h.now.After(end); {
			h.round(gap, func() site.Sample { return site.Sample{Value: well.Draw(t, "well")} })
		}
		if d := h.last(); d.Side != site.SideOrigin || d.Share != 0 {
			t.Fatalf("well for %s, and at %s: %+v", patience, d.Side, h.state)
		}
	})
}

// After whatever happened: where all is slow or failing for a window and for
// as many samples as enter says, the decision is the CDN.
func TestBadForLongEnoughMeansCDN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t))
		for _, e := range anyEvents(h.site).Draw(t, "events") {
			h.happen(e)
		}
		limit, failed := h.site.Thresholds[0].Limit, h.site.Probes[0].Timeout.Seconds()
		bad := rapid.OneOf(
			rapid.Map(rapid.Float64Range(limit, 1.4*limit), func(value float64) site.Sample { return site.Sample{Value: value} }),
			rapid.Just(site.Sample{Value: failed, Failure: site.FailureTimeout}))
		gap := h.site.Probes[0].Every
		rounds := 1 + int(longestWindow(h.site)/gap) + h.site.Enter
		for range rounds {
			h.round(gap, func() site.Sample { return bad.Draw(t, "bad") })
		}
		if d := h.last(); d.Side != site.SideCDN {
			t.Fatalf("bad for %d rounds, and at %q: %+v", rounds, d.Side, h.state)
		}
	})
}

// A site that was never at or above its limit, never down and never silent
// has never been diverted.
func TestNeverDivertedWithoutAReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t, func(s *site.Site) { s.NoData.After += time.Minute }))
		good := rapid.Float64Range(0, 0.999*h.site.Thresholds[0].Limit)
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			gap := time.Duration(rapid.Int64Range(0, int64(h.site.Probes[0].Every)).Draw(t, "gap"))
			h.round(gap, func() site.Sample { return site.Sample{Value: good.Draw(t, "good")} })
			if d := h.last(); d.Side == site.SideCDN || d.Share != 0 || len(d.Addresses) != len(h.site.Origins[0].Addresses) {
				t.Fatalf("got %+v", d)
			}
		}
	})
}
