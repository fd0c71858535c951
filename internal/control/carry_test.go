package control_test

import (
	"reflect"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// reload goes on with the history under another configuration. What was heard
// on a path that stays is kept.
func (h *history) reload(s *site.Site) {
	old, now := h.site.Paths(), s.Paths()
	sources := sourcesOf(s)
	for i, p := range now {
		for j, o := range old {
			if o.Target == p.Target && o.Address == p.Address {
				sources[i].Samples = h.sources[j].Samples
			}
		}
	}
	h.state = control.Carry(h.state, h.site, s)
	h.site, h.sources = s, sources
	h.decide(control.None)
}

// origins sets the addresses of the origin by their last digits.
func origins(digits ...int) func(*site.Site) {
	return func(s *site.Site) {
		s.Origins = []site.Origin{{}}
		for _, digit := range digits {
			s.Origins[0].Addresses = append(s.Origins[0].Addresses, address(digit-1))
		}
	}
}

func TestCarryKeepsThePaths(t *testing.T) {
	up := control.Path{Health: control.HealthUp, Goods: 7, Seen: 2}
	failing := control.Path{Health: control.HealthUp, Fails: 2, Seen: 2}
	down := control.Path{Health: control.HealthDown, Fails: 3, Seen: 2}
	unknown := control.Path{Health: control.HealthUnknown}
	old := newSite(t, 0, origins(1, 2, 3))

	anotherTimeout := newSite(t, 0, origins(1, 2, 3), func(s *site.Site) { s.Probes[0].Timeout = timeout + 1 })
	anotherPeriod := newSite(t, 0, origins(1, 2, 3), func(s *site.Site) { s.Probes[0].Every = 2 * period })
	wholeOfTheFirst := newSite(t, 0, origins(1), func(s *site.Site) { s.Probes[0].URL = "http://192.0.2.1/" })
	for _, tt := range []struct {
		name string
		now  *site.Site
		want []control.Path
	}{
		{"the same", old, []control.Path{up, failing, down}},
		{"another order", newSite(t, 0, origins(3, 1, 2)), []control.Path{down, up, failing}},
		{"one fewer", newSite(t, 0, origins(2, 3)), []control.Path{failing, down}},
		{"one more", newSite(t, 0, origins(4, 2, 1, 3)), []control.Path{unknown, failing, up, down}},
		{"a second probe", newSite(t, 0, origins(1, 2, 3), secondProbe), []control.Path{up, failing, down, unknown, unknown, unknown}},
		{"all new", newSite(t, 0, origins(4)), []control.Path{unknown}},
		{"another question", anotherTimeout, []control.Path{unknown, unknown, unknown}},
		{"the first for the whole", wholeOfTheFirst, []control.Path{unknown}},
		{"another period", anotherPeriod, []control.Path{up, failing, down}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := control.State{
				Side: site.SideCDN, Origins: []control.Standing{{Side: site.SideCDN, Penalty: 1.5}},
				Counts: []control.Count{{Over: 2}}, Paths: []control.Path{up, failing, down},
			}
			got := control.Carry(st, old, tt.now)
			if !reflect.DeepEqual(got.Paths, tt.want) {
				t.Errorf("paths %+v, want %+v", got.Paths, tt.want)
			}
			if got.Side != st.Side || !reflect.DeepEqual(got.Origins, st.Origins) || !reflect.DeepEqual(got.Counts, st.Counts) {
				t.Errorf("the rest changed: %+v", got)
			}
			if len(got.Paths) > 0 {
				got.Paths[0].Fails = 99
			}
			if !reflect.DeepEqual(st.Paths, []control.Path{up, failing, down}) {
				t.Error("the old state changed")
			}
		})
	}
}

// A state in which no decision was taken yet has no paths to carry.
func TestCarryOfNothing(t *testing.T) {
	s := newSite(t, 2)
	got := control.Carry(control.State{}, s, s)
	if want := []control.Path{{Health: control.HealthUnknown}, {Health: control.HealthUnknown}}; !reflect.DeepEqual(got.Paths, want) {
		t.Errorf("got %+v, want %+v", got.Paths, want)
	}
}

// A reload in the middle of anything leaves no trace: with the same
// configuration the history goes on as if nothing had been.
func TestReloadGoesOn(t *testing.T) {
	const script = "0.5/x 0.5 1*3 0.5*5 0.7*9 2*2 0.5*14 0.5/x*3 1*3 x*3 -*70 0.5"
	words := expand(script)
	undisturbed := observe(newSite(t, 2))
	reloaded := observe(newSite(t, 2))
	for i, word := range words {
		a, b := undisturbed.play(word, side), reloaded.play(word, side)
		if a != b || undisturbed.last().Epoch != reloaded.last().Epoch {
			t.Fatalf("word %d, %s: %s without and %s with reloads", i, word, a, b)
		}
		reloaded.reload(newSite(t, 2))
	}
	wantTurns(t, reloaded, undisturbed.turns...)
}

func TestReloadWithOtherAddresses(t *testing.T) {
	h := observe(newSite(t, 0, origins(1, 2)))
	h.play("0.5 0.5/x*3", answer)
	for _, step := range []struct {
		name string
		site *site.Site
		want string
	}{
		{"one more", newSite(t, 0, origins(3, 2, 1)), "31"},
		{"the down one is alone", newSite(t, 0, origins(2)), "edge"},
		{"all new", newSite(t, 0, origins(4, 5)), "edge"}, // until it has been calm for long enough
	} {
		h.reload(step.site)
		if got := answer(h.last()); got != step.want {
			t.Errorf("%s: answered with %s, want %s", step.name, got, step.want)
		}
	}
	if got := h.play("0.5*13", answer); got != "edge*12 45" {
		t.Errorf("got %s, want edge*12 45", got)
	}
}

// The first sample of a path that came with a reload is taken at face value.
func TestReloadWithANewAddressThatFails(t *testing.T) {
	h := observe(newSite(t, 0, origins(1)))
	h.play("0.5*2", answer)
	h.reload(newSite(t, 0, origins(1, 2)))
	if got := h.play("0.5/x 0.5*2", answer); got != "1*2 12" {
		t.Errorf("got %s, want 1*2 12", got)
	}
}

// A return that was blocked is free where damping is switched off.
func TestReloadWithoutDamping(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly))
	h.play("0.5 "+flap+" "+flap+" "+flap, side)
	if got := side(h.last()); got != "C" {
		t.Fatalf("the third return was not blocked: %s", got)
	}
	h.reload(newSite(t, 1, lastOnly, undamped))
	if got := side(h.last()); got != "o" {
		t.Errorf("still at %s", got)
	}
}

// A site that only showed its decision diverts as soon as it may, and tells.
func TestReloadThatDiverts(t *testing.T) {
	h := observe(newSite(t, 1, divertNone))
	h.play("2", side)
	shown := h.last()
	h.reload(newSite(t, 1))
	d := h.last()
	if answer(d) != "edge" || d.Epoch == shown.Epoch || !d.Since.Equal(shown.Since) {
		t.Errorf("got %+v after %+v", d, shown)
	}
	h.reload(newSite(t, 1, divertNone))
	if answer(h.last()) != "1" || h.last().Epoch == d.Epoch {
		t.Errorf("and back: got %+v after %+v", h.last(), d)
	}
}

// A count that ran under the old limit is not enough under the new one: a site
// below its threshold is not diverted by a reload.
func TestReloadDivertsNobodyBelowTheLimit(t *testing.T) {
	limit := func(limit float64) func(*site.Site) {
		return func(s *site.Site) { s.Thresholds[0].Limit, s.Thresholds[0].Recover = limit, limit }
	}
	h := observe(newSite(t, 1, lastOnly, limit(1)))
	h.play("0.5 1.2*2", side)
	h.reload(newSite(t, 1, lastOnly, limit(2), enterAfter(2)))
	if d := h.last(); d.Side != site.SideOrigin {
		t.Errorf("a v of %.1f diverts: %s", 1.2/2, d.Reason)
	}
}
