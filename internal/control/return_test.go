package control_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The failback delay is 120 s: the 13th word that is calm is the first after it.
func TestReturn(t *testing.T) {
	one := newSite(t, 1, lastOnly)
	run(t, side, []scriptTest{
		{"at the recover level", one, "1 0.8*13", "C*13 o", site.CauseRecovered},
		{"just above it", one, "1 0.801*60", "C*61", site.CauseThreshold},
		{"a recover level of its own", newSite(t, 1, lastOnly, recoverAt(0.5)), "1 0.51*20 0.5*13", "C*33 o", site.CauseRecovered},
		{"the limit as the recover level", newSite(t, 1, lastOnly, recoverAt(1)), "1*20 0.999*13", "C*32 o", site.CauseRecovered},
		{"a break", one, "1 0.8*11 0.9 0.8*13", "C*25 o", site.CauseRecovered},
		{"a break over the limit", one, "1 0.8*11 9 0.8*13", "C*25 o", site.CauseRecovered},
		{"an unusable sample", one, "1 0.8*6 nan 0.8*6", "C*13 o", site.CauseRecovered},
		{"a sample left out", one, "1 0.8*6 - 0.8*6", "C*13 o", site.CauseRecovered},
		{"missing data", one, "1 0.8*6 -*3 0.8*13", "C*22 o", site.CauseRecovered},
		{"a window to leave first", newSite(t, 1), "1*3 0.5*14", "C*16 o", site.CauseRecovered},
		{"slow again a moment later", one, "1 0.8*11 1", "C*13", site.CauseThreshold},
		{"without delay", newSite(t, 1, lastOnly, failback(0)), "1 0.8", "C o", site.CauseRecovered},
		{"shorter than a period", newSite(t, 1, lastOnly, failback(time.Second)), "1 0.8*2", "C*2 o", site.CauseRecovered},
		{"it was down", newSite(t, 1, lastOnly), "x 0.5*14", "C*14 o", site.CauseRecovered},
		{"down in between", newSite(t, 1, lastOnly), "x 0.5*12 x 0.5*13", "C*26 o", site.CauseRecovered},
		{"one address is enough", newSite(t, 2, lastOnly), "x 0.5/x*14", "C*14 o", site.CauseRecovered},
		{"healthy, but a probe of the whole fails", newSite(t, 1, wholeProbe, lastOnly, func(s *site.Site) {
			s.Thresholds[0].Statistic = site.Min
		}), "0.5/x*40", "C*40", site.CauseDown},
	})
}

// recoverAt sets the recover level.
func recoverAt(v float64) func(*site.Site) {
	return func(s *site.Site) { s.Thresholds[0].Recover = v * s.Thresholds[0].Limit }
}

// wantTurns compares when a history turned, where to and why.
func wantTurns(t *testing.T, h *history, want ...turn) {
	t.Helper()
	for i := range max(len(h.turns), len(want)) {
		if i >= len(h.turns) || i >= len(want) || h.turns[i] != want[i] {
			t.Fatalf("\n got %v\nwant %v", h.turns, want)
		}
	}
}

// The return needs no sample: it comes when the delay is over, to the moment.
func TestReturnIsOnTime(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, failback(25*time.Second)))
	h.play("1 0.5*4", side)
	wantTurns(t, h,
		turn{10 * time.Second, site.SideCDN, site.CauseThreshold},
		turn{45 * time.Second, site.SideOrigin, site.CauseRecovered})
}

// A signal of which nothing is known may be as bad as it likes.
func TestReturnNeedsEveryThreshold(t *testing.T) {
	s := withLoad(newSite(t, 1, lastOnly))
	s.Thresholds[1].Window = 2 * period
	h := observe(s)
	// hear feeds a period's samples of both signals; a negative load is none.
	hear := func(response, ofLoad float64) {
		h.wait(period)
		h.add(0, site.Sample{At: h.now, Signal: site.ResponseTime, Value: response})
		if ofLoad >= 0 {
			h.add(0, site.Sample{At: h.now, Signal: load, Value: ofLoad})
		}
	}
	hear(1, 0)
	for _, tt := range []struct {
		name           string
		response, load float64
		want           site.Side
	}{
		{"no load", 0.5, -1, site.SideCDN},
		{"load above its recover level", 0.5, 1.7, site.SideCDN},
		{"response time above its recover level", 0.9, 1.6, site.SideCDN},
		{"both under theirs", 0.8, 1.6, site.SideOrigin},
	} {
		for range 13 {
			hear(tt.response, tt.load)
		}
		hear(tt.response, tt.load)
		if got := h.last().Side; got != tt.want {
			t.Fatalf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The origin that turned calm before the entry must still wait for its whole
// stay: the shortest one is the failback delay.
func TestShortestStay(t *testing.T) {
	for _, delay := range []time.Duration{30 * time.Second, 2 * time.Minute, time.Hour} {
		h := observe(newSite(t, 1, failback(delay), undamped))
		h.play("0.5*3 2*3 0.1*900", side)
		if len(h.turns) != 3 {
			t.Fatalf("turned %v, want there and back", h.turns)
		}
		if stay := h.turns[2].at - h.turns[1].at; stay < delay || stay > delay+3*period {
			t.Errorf("stayed %s, want %s and a little more", stay, delay)
		}
	}
}
