package control_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The data is missing from the third silent period on.
func TestMissingData(t *testing.T) {
	const after = 5 * time.Minute
	origin := newSite(t, 1, lastOnly, noData(site.NoDataOrigin, after))
	cdn := newSite(t, 1, lastOnly, noData(site.NoDataCDN, after))
	stay := newSite(t, 1, lastOnly, noData(site.NoDataStay, after))
	run(t, side, []scriptTest{
		{"origin by default, after 10 minutes", newSite(t, 1, lastOnly), "1 -*63", "C*63 o", site.CauseNoData},
		{"origin, from the CDN", origin, "1 -*33", "C*33 o", site.CauseNoData},
		{"origin, from the origin", origin, "0.5 -*100", "o*101", site.CauseBelow},
		{"origin, from nothing", origin, "-*100", "?*100", site.CauseStart},
		{"cdn, from the CDN", cdn, "1 -*100", "C*101", site.CauseThreshold},
		{"cdn, from the origin", cdn, "0.5 -*33", "o*33 C", site.CauseNoData},
		{"cdn, from nothing", cdn, "-*30", "?*29 C", site.CauseNoData},
		{"stay, from the CDN", stay, "1 -*1000", "C*1001", site.CauseThreshold},
		{"stay, from the origin", stay, "0.5 -*1000", "o*1001", site.CauseBelow},
		{"stay, from nothing", stay, "-*1000", "?*1000", site.CauseStart},
		{"after 0s", newSite(t, 1, lastOnly, noData(site.NoDataOrigin, 0)), "1 -*3", "C*3 o", site.CauseNoData},
		{"cdn after 0s waits for the first round", newSite(t, 1, lastOnly, noData(site.NoDataCDN, 0)), "-*2 0.5*2", "?*2 C*2", site.CauseNoData},
		{"NaN all along", origin, "1 nan*33", "C*33 o", site.CauseNoData},
		{"data in time", origin, "1 -*31 1 -*31 1", "C*65", site.CauseThreshold},
		{"data comes back slow, at the origin", origin, "1 -*33 1*3", "C*33 o*3 C", site.CauseThreshold},
		{"data comes back very slow, at the origin", origin, "0.5 2*2 -*33 2*2", "o*2 C*33 o*2 C", site.CauseThreshold},
		{"data comes back fast, at the origin", origin, "1 -*33 0.5*9", "C*33 o*10", site.CauseNoData},
		{"data comes back fast, at the CDN", cdn, "0.5 -*33 0.5*13", "o*33 C*13 o", site.CauseRecovered},
		{"data comes back slow, at the CDN", cdn, "0.5 -*33 0.9*30", "o*33 C*31", site.CauseNoData},
		{"one address goes on", newSite(t, 2, lastOnly, noData(site.NoDataCDN, after)), "0.5 0.5/-*50", "o*51", site.CauseBelow},
	})
}

// The first round is over when the slowest source can have spoken: until then
// nothing is missing.
func TestMissingDataWaitsForTheSlowestSource(t *testing.T) {
	s := newSite(t, 1, noData(site.NoDataCDN, 0), secondProbe, func(s *site.Site) { s.Probes[0].Every = 3 * period })
	h := observe(s)
	h.wait(time.Hour)
	wantTurns(t, h, turn{9 * period, site.SideCDN, site.CauseNoData})
}

// The time counts from the moment at which the last source turned stale.
func TestMissingDataIsNoticedOnTime(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, noData(site.NoDataOrigin, 100*time.Second)))
	h.play("1", side)
	h.wait(time.Hour)
	wantTurns(t, h,
		turn{10 * time.Second, site.SideCDN, site.CauseThreshold},
		turn{140 * time.Second, site.SideOrigin, site.CauseNoData})
}

// Without data an origin that was down is not known to be down any more.
func TestMissingDataOfAnOriginThatIsDown(t *testing.T) {
	run(t, side, []scriptTest{
		{"origin", newSite(t, 1), "0.5*3 x*3 -*63", "o*5 C*63 o", site.CauseNoData},
		{"stay", newSite(t, 1, noData(site.NoDataStay, 0)), "0.5*3 x*3 -*63", "o*5 C*64", site.CauseDown},
	})
}

// What was known of an address before the rule applied is forgotten: the first
// good sample after a long silence finds it up, not still down.
func TestAfterTheRuleThePathsAreUnknown(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, noData(site.NoDataOrigin, 5*time.Minute)))
	h.play("0.5*3 x*3", side)
	if got := side(h.last()); got != "C" {
		t.Fatalf("at %s with a dead origin", got)
	}
	h.play("-*60 0.5*3", side)
	if got := side(h.last()); got != "o" {
		t.Errorf("at %s after the silence", got)
	}
}

// A monitor that may be blind brings nobody back because it hears nothing, and
// makes up for it once it sees again.
func TestNobodyComesBackWhileBlind(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly, noData(site.NoDataOrigin, 0)))
	h.play("1", side)
	for range 100 {
		h.now = h.now.Add(period)
		in := h.input(control.None)
		in.Hold = control.HoldAll
		h.state, _ = control.Decide(h.site, h.state, in)
	}
	if got := side(h.last()); got != "C" || h.state.Waiting() {
		t.Fatalf("at %s, waiting %t", got, h.state.Waiting())
	}
	if wait := h.state.Due.Sub(h.now); wait <= 0 || wait > time.Second {
		t.Errorf("looks again after %s", wait)
	}
	h.wait(time.Second)
	if got := side(h.last()); got != "o" {
		t.Errorf("at %s once it sees", got)
	}
}
