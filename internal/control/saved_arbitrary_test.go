package control_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// oneOf draws one of some values.
func oneOf[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

func anyMoment(t *rapid.T, label string) time.Time {
	return oneOf(t, label, time.Time{}, begin.Add(-time.Minute), begin.Add(-24*time.Hour), begin.Add(time.Hour), begin, time.Unix(0, 0), time.Time{}.Add(1), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
}

func anyAmount(t *rapid.T, label string) float64 {
	return oneOf(t, label, 0, 0, 0.5, 1, 3, 1e6, math.MaxFloat64, -1, math.NaN())
}

func anyCount(t *rapid.T, label string) int32 { return oneOf[int32](t, label, 0, 0, 1, 2, 1e9, -1) }

func anySavedDecision(t *rapid.T) *control.SavedDecision {
	d := &control.SavedDecision{
		Epoch: oneOf[uint64](t, "epoch", 1, 2, 9, 1<<62), Side: oneOf(t, "side", site.SideUnknown, site.SideOrigin, site.SideCDN),
		Share: oneOf(t, "share", 0, 0, 0.5, 1), TTL: control.Span(oneOf(t, "ttl", 0, time.Second, 30*time.Second)), Since: anyMoment(t, "since"),
		Reason: control.SavedReason{Cause: oneOf(t, "cause", site.CauseStart, site.CauseThreshold, site.CauseDown)},
	}
	for _, name := range oneOf(t, "cdns", nil, []string{"edge"}, []string{"edge", "last"}, []string{"other"}, []string{"big", "other", "edge"}) {
		d.CDNs = append(d.CDNs, control.SavedCDN{Name: name, Weight: oneOf(t, "weight", 0, 1, 1_000_000_000)})
	}
	addresses := oneOf(t, "addresses", nil, []netip.Addr{address(0)}, []netip.Addr{address(1), address(0)}, []netip.Addr{address(7)}, []netip.Addr{{}})
	for _, name := range oneOf(t, "serving", nil, nil, []string{"a"}, []string{"b", "a"}, []string{"c"}) {
		d.Origins = append(d.Origins, control.SavedServed{Name: name, Weight: oneOf(t, "weight", 0, 1, 1_000_000_000), Addresses: addresses})
	}
	d.Addresses = addresses
	if d.Share > 0 && len(d.CDNs) > 0 {
		d.Side = site.SideCDN // mostly what is accepted
	}
	return d
}

func anySavedOrigin(t *rapid.T, name string) control.SavedOrigin {
	o := control.SavedOrigin{
		Name: name, Told: rapid.IntRange(0, 3).Draw(t, "told") == 0, Side: oneOf(t, "side", site.SideUnknown, site.SideOrigin, site.SideCDN), Since: anyMoment(t, "since"),
		Reason: &control.SavedReason{Cause: oneOf(t, "cause", site.CauseThreshold, site.CauseDown, site.CauseNoData)},
		Calm:   anyMoment(t, "calm"), Penalty: oneOf(t, "penalty", 0, 0, 0.1, 3, 1e6), PenaltyAt: anyMoment(t, "penalty_at"),
		Counted: rapid.Bool().Draw(t, "counted"), Held: when(rapid.Bool().Draw(t, "is held"), anyMoment(t, "held")),
	}
	for _, signal := range []site.Signal{site.ResponseTime, site.Load} {
		o.Counts = append(o.Counts, control.SavedCount{Signal: signal, Own: rapid.Bool().Draw(t, "own"), Over: max(0, anyCount(t, "over")), Hard: max(0, anyCount(t, "hard")),
			Heard: rapid.Bool().Draw(t, "heard"), Silent: anyMoment(t, "silent")})
	}
	return o
}

// anySaved draws what may have been saved, and what cannot have been.
func anySaved(t *rapid.T, s *site.Site) control.Saved {
	saved := control.Saved{At: anyMoment(t, "at"), Decision: anySavedDecision(t), Paths: make(map[string]control.SavedPath)}
	if rapid.Bool().Draw(t, "is frozen") {
		saved.Frozen = anySavedDecision(t)
	}
	if rapid.Bool().Draw(t, "is forced") {
		o := forced(site.OverrideFreeze)
		saved.Forced = anySavedDecision(t)
		saved.Forced.Reason = control.SavedReason{Cause: site.CauseOverride, Override: &o}
	}
	for _, o := range s.Origins {
		saved.Origins = append(saved.Origins, anySavedOrigin(t, o.Name))
	}
	for _, name := range s.PathNames() {
		saved.Paths[name] = control.SavedPath{Health: oneOf(t, "health", "up", "up", "down", "unknown"), Once: rapid.Bool().Draw(t, "once"), Fails: max(0, anyCount(t, "fails")), Goods: max(0, anyCount(t, "goods"))}
	}
	switch rapid.IntRange(0, 9).Draw(t, "nonsense") {
	case 0:
		saved.Decision.Share = anyAmount(t, "share")
	case 1:
		saved.Origins[0].Penalty = anyAmount(t, "penalty")
	case 2:
		saved.Paths["http"] = control.SavedPath{Health: "up", Fails: anyCount(t, "fails")}
	case 3:
		saved.Decision.Reason.V = anyAmount(t, "v")
	}
	return saved
}

// Whatever is restored leads to answers, and once all is well for long enough to the
// origin: nothing waits for ever.
func TestRestoreOfAnything(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		s := newSite(t, 2, threeCDNs, func(s *site.Site) {
			s.Answer.Keyed = rapid.Bool().Draw(t, "keyed")
			if rapid.Bool().Draw(t, "two origins") {
				s.Origins = []site.Origin{{Name: "a", Addresses: s.Origins[0].Addresses, Weight: 1}, {Name: "b", Addresses: []netip.Addr{address(2)}, Weight: 2}}
			}
		})
		saved := anySaved(t, s)
		h := &history{site: s, now: begin, sources: sourcesOf(s)}
		state, err := control.Restore(s, saved, begin)
		if err != nil {
			if text(state) != text(control.State{}) {
				t.Fatalf("refused, and got %+v", state)
			}
			return
		}
		accepted++
		h.state = state
		if !isAnswerable(s, *state.Answer()) {
			t.Fatalf("restored: nobody can be answered with %+v", state.Answer())
		}
		ruled := &ruled{history: h}
		h.then = ruled.overrule
		h.each = func(_, _ site.Decision) {
			if !isAnswerable(s, *h.state.Answer()) {
				t.Fatalf("nobody can be answered with %+v", h.state.Answer())
			}
		}
		h.decide(control.None)
		for range 200 { // beyond the longest block of damping
			h.round(period, func() site.Sample { return site.Sample{Value: 0.5} })
		}
		if d := h.state.Answer(); d.Side != site.SideOrigin || d.Share != 0 {
			t.Fatalf("well for 2000 s, and at %+v: %+v", d, h.state)
		}
	})
	if accepted == 0 {
		t.Error("All were refused: the test tells nothing")
	}
}
