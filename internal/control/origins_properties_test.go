package control_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Whatever happens to a site of several origins, the decision is one that can
// be answered, follows from how they stand, and says why.
func TestDecisionFollowsFromHowOriginsStand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := manySite(t)
		h := observe(s)
		h.each = func(before, after site.Decision) {
			wantServed(t, h)
			wantReason(t, h, before, after)
			if news(before, after) != (before.Epoch != after.Epoch) {
				t.Fatalf("epoch %d -> %d:\nbefore %+v\n after %+v", before.Epoch, after.Epoch, before, after)
			}
		}
		for _, st := range anyStretches(s).Draw(t, "stretches") {
			h.live(st, h.wait)
			wantShare(t, h)
		}
	})
}

// wantServed checks that those origins serve which should.
func wantServed(t *rapid.T, h *history) {
	d, first := h.last(), 1000
	var in []string
	unknown, out := 0, 0
	for i, o := range h.state.Origins {
		switch {
		case o.Side == site.SideUnknown:
			unknown++
		case o.Side == site.SideCDN:
			out++
		default:
			first = min(first, h.site.Origins[i].Priority)
		}
	}
	for i, o := range h.state.Origins {
		if c := h.site.Origins[i]; o.Side == site.SideOrigin && c.Priority == first && (c.Weight > 0 || in == nil) {
			in = append(in, c.Name)
		}
	}
	switch {
	case d.Side == site.SideUnknown && unknown == 0, in == nil && unknown == 0 && d.Side != site.SideCDN,
		in != nil && d.Side == site.SideCDN, d.Side == site.SideOrigin && names(d.Origins) != fmt.Sprint(in), len(d.Addresses) == 0:
		t.Fatalf("%d unknown, %d out, %v in: at %q with %+v", unknown, out, in, d.Side, d.Origins)
	}
}

// wantReason checks that the reason is that of an origin whose turn led here.
func wantReason(t *rapid.T, h *history, before, after site.Decision) {
	if after.Side == site.SideUnknown {
		if after.Reason != (site.Reason{Cause: site.CauseStart}) || !after.Since.IsZero() {
			t.Fatalf("nothing is known, and yet %+v since %s", after.Reason, after.Since)
		}
		return
	}
	told, o := h.state.Origins[h.state.Told], h.site.Origins[h.state.Told]
	if !after.Since.Equal(told.Since) || after.Reason.Signal != "" && after.Reason.Origin != o.Name {
		t.Fatalf("told by %s: %+v\nwhich stands so: %+v", o.Name, after, told)
	}
	moved := before.Side != after.Side || names(before.Origins) != names(after.Origins)
	if moved && before.Side != site.SideUnknown && (before.Side != after.Side || after.Side == site.SideOrigin) && !after.Since.Equal(h.now) {
		t.Fatalf("moved at %s by what turned at %s:\nbefore %+v\n after %+v", h.now, after.Since, before, after)
	}
}

// wantShare checks who is diverted where to.
func wantShare(t *rapid.T, h *history) {
	d, s := h.last(), h.site
	partial := s.Divert.Mode == site.DivertFixed && d.Share == s.Divert.Share
	if d.Share != 0 && d.Share != 1 && !partial || d.Share > 0 && (s.Divert.Mode == site.DivertNone || d.Side != site.SideCDN || len(d.CDNs) == 0) {
		t.Fatalf("share %g at side %q with divert %s", d.Share, d.Side, s.Divert.Mode)
	}
	if due := h.state.Due; !due.IsZero() && !due.After(h.now) {
		t.Fatalf("due at %s, which has come", due)
	}
	for _, o := range d.Origins {
		i := slices.IndexFunc(s.Origins, func(c site.Origin) bool { return c.Name == o.Name })
		for _, addr := range o.Addresses {
			if i < 0 || !slices.Contains(s.Origins[i].Addresses, addr) || !slices.Contains(d.Addresses, addr) {
				t.Fatalf("address %s of %s in %+v", addr, o.Name, d)
			}
		}
	}
}

// Who decides at the times that are due, and at no others, misses nothing, with
// several origins, thresholds, feeds and rules either.
func TestNothingOfSeveralOriginsChangesUnlessItIsDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := manySite(t)
		patient, curious := observe(s), observe(s)
		for _, st := range anyStretches(s).Draw(t, "stretches") {
			patient.live(st, patient.wait)
			curious.live(st, func(gap time.Duration) {
				for part := time.Duration(4); part > 0; part-- {
					curious.wait(gap / part)
					gap -= gap / part
					before := curious.last()
					curious.decide(control.None)
					if after := curious.last(); after.Epoch != before.Epoch {
						t.Fatalf("after %s a look finds something new:\nbefore %+v\n after %+v", curious.now.Sub(begin), before, after)
					}
				}
			})
			if a, b := fmt.Sprintf("%+v", patient.last()), fmt.Sprintf("%+v", curious.last()); a != b {
				t.Fatalf("after %s\n with due looks %s\nwith more looks %s", patient.now.Sub(begin), a, b)
			}
		}
	})
}

// said is what does not depend on the order of origins of different priorities.
func said(d site.Decision) string {
	return fmt.Sprintf("%s %g %v %s %v %v", d.Side, d.Share, d.CDNs, d.TTL, d.Origins, d.Addresses)
}

// The order of origins decides nothing that priorities decide.
func TestOrderOfOriginsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := manySite(t)
		for i := range s.Origins {
			s.Origins[i].Priority = i
		}
		one, other := observe(s), observe(reversed(s))
		there := other.site.Paths()
		for _, st := range anyStretches(s).Draw(t, "stretches") {
			same := stretch{ready: st.ready, hold: st.hold, moods: make([]mood, len(st.moods))}
			at := make([]int, len(st.moods)) // path by path, where it is in the other
			for path, p := range s.Paths() {
				at[path] = slices.IndexFunc(there, func(o site.Path) bool { return o.Target == p.Target })
			}
			one.live(stretch{ready: st.ready, hold: st.hold}, nil)
			other.live(same, nil)
			for _, gap := range st.gaps {
				one.wait(gap)
				other.wait(gap)
				for path, m := range st.moods {
					if batch := one.batch(path, m); batch != nil {
						one.add(path, batch...)
						other.add(at[path], batch...)
					}
					if a, b := said(one.last()), said(other.last()); a != b {
						t.Fatalf("after %s\n in order %s\nreversed %s", one.now.Sub(begin), a, b)
					}
				}
			}
		}
	})
}

// A site with one origin goes on as it always did, whether that has a name.
func TestOneOriginWithAName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySite(t)
		with := *s
		with.Origins = slices.Clone(s.Origins)
		with.Origins[0].Name, with.Origins[0].Priority, with.Origins[0].Weight = "a", 3, 5
		plain, named := observe(s), observe(&with)
		for _, e := range anyEvents(s).Draw(t, "events") {
			plain.happen(e)
			named.happen(e)
			a, b := plain.last(), named.last()
			if names(b.Origins) != "[a]" || !slices.Equal(b.Origins[0].Addresses, b.Addresses) {
				t.Fatalf("served by %+v", b.Origins)
			}
			b.Origins, b.Reason.Origin = nil, ""
			if a, b := fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b); a != b {
				t.Fatalf("without a name %s\n   with a name %s", a, b)
			}
		}
	})
}

// After whatever happened: where all is well for long enough, the preferred
// origins serve, and where all is bad, a CDN does.
func TestSeveralOriginsWellAndBadForLongEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := manySite(t)
		s.FailbackDelay, s.Damping.Max = span(t, 0, 60, "short failback_delay"), span(t, 1, 60, "short max")
		h := observe(s)
		for _, st := range anyStretches(s).Draw(t, "stretches") {
			h.live(st, h.wait)
		}
		h.hold = control.HoldNothing
		all := func(m mood, d time.Duration) {
			for end := h.now.Add(d); !h.now.After(end); {
				h.wait(4 * time.Second) // no source is stale by then
				h.hearAll(slices.Repeat([]mood{m}, len(h.sources)))
			}
		}
		settled := longestWindow(s) + 70*time.Second
		all(mood{v: 0.2}, settled+s.FailbackDelay+s.DampingMax())
		first := slices.MinFunc(s.Origins, func(a, b site.Origin) int { return a.Priority - b.Priority }).Priority
		var want []string
		for _, o := range s.Origins {
			if o.Priority == first && (o.Weight > 0 || want == nil) {
				want = append(want, o.Name)
			}
		}
		if d := h.last(); d.Side != site.SideOrigin || names(d.Origins) != fmt.Sprint(want) {
			t.Fatalf("all is well, and at %s %+v, not %v", d.Side, d.Origins, want)
		}
		all(mood{v: 1.2}, settled)
		if d := h.last(); d.Side != site.SideCDN {
			t.Fatalf("all is bad, and at %s %+v", d.Side, d.Origins)
		}
	})
}
