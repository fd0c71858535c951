package control_test

import (
	"math"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// flap is slow for long enough to enter, and fast until it is back: with a
// failback delay of 120 s it takes 160 s, of which 130 s at the CDN.
const flap = "1*3 0.5*13"

// damping changes a site's damping.
func damping(change func(*site.Damping)) func(*site.Site) {
	return func(s *site.Site) { change(&s.Damping) }
}

// stays returns how long a history stayed at the CDN, stay by stay; the one
// under way is left out.
func (h *history) stays() []time.Duration {
	var stays []time.Duration
	for i, t := range h.turns {
		if t.side == site.SideOrigin && i > 0 && h.turns[i-1].side == site.SideCDN {
			stays = append(stays, t.at-h.turns[i-1].at)
		}
	}
	return stays
}

// decayed is what is left of a penalty after age.
func decayed(penalty float64, age, halfLife time.Duration) float64 {
	return penalty * math.Exp2(-float64(age)/float64(halfLife))
}

// wantStays compares stays to the millisecond.
func wantStays(t *testing.T, h *history, want ...time.Duration) {
	t.Helper()
	got := h.stays()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || (got[i]-want[i]).Abs() > time.Millisecond {
			t.Fatalf("\n got %v\nwant %v", got, want)
		}
	}
}

func TestDamping(t *testing.T) {
	const usual = 130 * time.Second
	const cycle = 160 * time.Second

	// held is how long the third stay of three flaps lasts.
	held := func(halfLife time.Duration, reuse float64) time.Duration {
		penalty := decayed(decayed(1, cycle, halfLife)+1, cycle, halfLife) + 1
		return time.Duration(float64(halfLife) * math.Log2(penalty/reuse))
	}
	for _, tt := range []struct {
		name  string
		site  *site.Site
		third time.Duration
	}{
		{"by default", newSite(t, 1, lastOnly), held(10*time.Minute, 0.75)},
		{"off", newSite(t, 1, lastOnly, undamped), usual},
		{"half_life", newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.HalfLife, d.Max = 20*time.Minute, time.Hour })), held(20*time.Minute, 0.75)},
		{"a short half_life", newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.HalfLife = 5 * time.Minute })), usual},
		{"suppress is not reached", newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.Suppress = 2.53 })), usual},
		{"reuse", newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.Reuse = 1.5 })), held(10*time.Minute, 1.5)},
		{"max", newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.Max = 5 * time.Minute })), 5 * time.Minute},
		{"max by default", newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.Reuse = 0.001 })), 30 * time.Minute},
		{"a max below the usual stay", newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.Max = time.Second })), usual},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(tt.site)
			h.play("0.5 "+flap+" "+flap+" "+flap+" 0.5*300", side)
			wantStays(t, h, usual, usual, tt.third)
		})
	}
}

// At the entry that reaches suppress the return is blocked, though v is calm.
func TestDampingFromSuppressOn(t *testing.T) {
	at := func(suppress float64) func(*site.Site) {
		return damping(func(d *site.Damping) { d.Suppress = suppress })
	}
	for _, tt := range []struct {
		suppress float64
		held     bool
	}{{1, true}, {1.001, false}} {
		h := observe(newSite(t, 1, lastOnly, at(tt.suppress)))
		h.play("0.5 "+flap+" 0.5*60", side)
		if got := h.stays()[0] > 130*time.Second; got != tt.held {
			t.Errorf("a first entry with suppress %g: stayed %s", tt.suppress, h.stays()[0])
		}
	}
}

// By default the times are those of the failback delay: 5 x and 15 x.
func TestDampingScalesWithTheFailbackDelay(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, failback(30*time.Second)))
	h.play("0.5 1*3 0.5*4 1*3 0.5*4 1*3 0.5*200", side)
	penalty := decayed(decayed(1, 70*time.Second, 150*time.Second)+1, 70*time.Second, 150*time.Second) + 1
	if penalty >= 2.5 {
		t.Fatalf("the third of such flaps has a penalty of %g: the test is wrong", penalty)
	}
	h.play("1*3 0.5*200", side)
	wantStays(t, h, 40*time.Second, 40*time.Second, 40*time.Second, 40*time.Second)

	h = observe(newSite(t, 1, lastOnly, failback(30*time.Second), damping(func(d *site.Damping) { d.Suppress, d.Reuse = 1, 0.5 })))
	h.play("0.5 1*3 0.5*200", side)
	wantStays(t, h, 150*time.Second) // one half-life: from 1 to 0.5

	h = observe(newSite(t, 1, lastOnly, failback(30*time.Second), damping(func(d *site.Damping) { d.Suppress, d.Reuse = 1, 0.001 })))
	h.play("0.5 1*3 0.5*200", side)
	wantStays(t, h, 450*time.Second)
}

// A site that enters once in a while is never held.
func TestDampingForgetsOldEntries(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly))
	h.play("0.5", side)
	for range 30 {
		h.play(flap+" 0.5*30", side)
	}
	for i, stay := range h.stays() {
		if stay != 130*time.Second {
			t.Errorf("stay %d took %s", i, stay)
		}
	}
	if got := len(h.stays()); got != 30 {
		t.Errorf("%d stays, want 30", got)
	}
}

// What is held returns with the rest of its penalty: the next entry but one
// is held again.
func TestDampingGoesOn(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly))
	h.play("0.5", side)
	for range 3 {
		h.play(flap, side)
	}
	h.play("0.5*120", side)
	for range 3 {
		h.play(flap, side)
	}
	stays := h.stays()
	if len(stays) != 5 || stays[2] < 15*time.Minute || stays[3] != 130*time.Second || stays[4] != 130*time.Second || side(h.last()) != "C" {
		t.Errorf("stayed %v and then at %s: want the third and the sixth to be held", stays, h.last().Side)
	}
}

// However high the penalty is, an entry takes as long as the first one did.
func TestDampingNeverDelaysProtection(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.HalfLife, d.Max = time.Hour, time.Minute })))
	for i := range 20 {
		if got := h.play("0.5 1*3", side); got != "o*3 C" {
			t.Fatalf("entry %d: %s, want o*3 C", i, got)
		}
		if got := h.play("0.5*13", side); got != "C*12 o" {
			t.Fatalf("return %d: %s, want C*12 o", i, got)
		}
	}
	if h.state.Origins[0].Penalty < 6 {
		t.Errorf("the penalty is %g: nothing was damped", h.state.Origins[0].Penalty)
	}
}

// An origin that was down did not flap, whichever rule noticed it first.
func TestDampingDoesNotCountAnOriginThatWasDown(t *testing.T) {
	for _, tt := range []struct {
		name  string
		site  *site.Site
		first site.Cause
	}{
		{"the threshold noticed first", newSite(t, 1, lastOnly), site.CauseThreshold},
		{"the address did", newSite(t, 1, lastOnly, slowToFail), site.CauseDown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(tt.site)
			for range 10 {
				h.play("0.5 x*3 0.5*14", side)
			}
			for i, turned := range h.turns {
				if turned.side == site.SideCDN && turned.cause != tt.first {
					t.Fatalf("entry %d because of %s, want %s", i, turned.cause, tt.first)
				}
			}
			stays := h.stays()
			if len(stays) != 10 {
				t.Fatalf("%d stays, want 10", len(stays))
			}
			for _, stay := range stays {
				if stay > 150*time.Second {
					t.Fatalf("stayed %v: the return was blocked", stays)
				}
			}
			if h.state.Origins[0].Penalty != 0 {
				t.Errorf("a penalty of %g is left", h.state.Origins[0].Penalty)
			}
		})
	}
}

// Only the stay in which the origin was down is forgiven: the two before it
// count, and the one after it is the third.
func TestDampingForgivesOneStay(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, damping(func(d *site.Damping) { d.Suppress = 2 })))
	h.play("0.5 "+flap+" "+flap, side)
	h.play("x*3 0.5*14", side) // the second fail enters, at a penalty over 2
	if got := h.stays()[2]; got != 150*time.Second {
		t.Fatalf("stayed %s with an origin that was down: the return was blocked", got)
	}
	h.play(flap+" 0.5*200", side)
	entry := func(i int) time.Duration { return h.turns[2*i+1].at }
	penalty := decayed(1, entry(1)-entry(0), 10*time.Minute) + 1
	penalty = decayed(penalty, entry(3)-entry(1), 10*time.Minute) + 1
	want := time.Duration(float64(10*time.Minute) * math.Log2(penalty/0.75))
	if got := h.stays()[3]; (got - want).Abs() > time.Millisecond {
		t.Errorf("the third entry that counts stayed %s, want %s", got, want)
	}
}

// A stay that never counted takes nothing from the penalty of those that did.
func TestDampingForgivesNoOtherStay(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, slowToFail, damping(func(d *site.Damping) { d.HalfLife, d.Max = time.Hour, 30*time.Minute })))
	h.play("0.5 "+flap+" "+flap, side)
	h.play("x*3 0.5*14", side) // the third fail takes the origin down, before any count of v
	h.play(flap+" 0.5*300", side)
	if stays := h.stays(); len(stays) != 4 || stays[3] != 30*time.Minute {
		t.Errorf("stayed %v, want the fourth to be held", stays)
	}
}

// Where there is no delay, and no time is named, there is no damping.
func TestDampingWithoutDelay(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, enterAfter(1), failback(0)))
	h.play("0.5", side)
	for i := range 50 {
		if got := h.play("1 0.5", side); got != "C o" {
			t.Fatalf("flap %d: %s, want C o", i, got)
		}
	}
	if h.state.Origins[0].Penalty != 0 {
		t.Errorf("a penalty of %g", h.state.Origins[0].Penalty)
	}
}

// An origin that falls down while its return is blocked is free again.
func TestDampingForgivesLater(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly))
	h.play("0.5 "+flap+" "+flap+" "+flap+" 0.5*30", side)
	if side(h.last()) != "C" {
		t.Fatal("the third return was not blocked")
	}
	if got := h.play("x*3 0.5*14", side); got != "C*16 o" {
		t.Errorf("got %s, want C*16 o", got)
	}
}
