package control_test

import (
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The order of the CDNs is the preference, of those that are ready.
func TestCDNOfPreference(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ready []bool
		want  string
	}{
		{"nothing is known of them", nil, "edge"},
		{"both ready", []bool{true, true}, "edge"},
		{"the first is out", []bool{false, true}, "big"},
		{"the second is out", []bool{true, false}, "edge"},
		{"all out: the origin", []bool{false, false}, "12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(newSite(t, 2, twoCDNs))
			h.ready = tt.ready
			if got := h.play("0.5 0.9", answer); got != "12*2" {
				t.Errorf("answered with %s before the entry, want the origin", got)
			}
			h.play("2*3", answer)
			if d := h.last(); answer(d) != tt.want || d.Side != site.SideCDN {
				t.Errorf("%s answers with %s, want cdn with %s", d.Side, answer(d), tt.want)
			}
		})
	}
}

// A CDN that comes and goes moves the visitors at once, and is no new entry.
func TestCDNsComeAndGo(t *testing.T) {
	h := observe(newSite(t, 1, twoCDNs, lastOnly))
	h.play("2", answer)
	entered := h.last()
	for _, step := range []struct {
		ready []bool
		want  string
		cause site.Cause
	}{
		{[]bool{false, true}, "big", site.CauseThreshold},
		{[]bool{false, false}, "1", site.CauseNoCDN},
		{[]bool{true, false}, "edge", site.CauseThreshold},
		{[]bool{true, true}, "edge", site.CauseThreshold},
	} {
		h.ready = step.ready
		h.decide(control.None)
		d := h.last()
		if answer(d) != step.want || d.Reason.Cause != step.cause || d.Side != site.SideCDN || !d.Since.Equal(entered.Since) {
			t.Errorf("ready %v: %s because of %s since %s, want %s because of %s", step.ready, answer(d), d.Reason.Cause, d.Since, step.want, step.cause)
		}
	}
}

// Without a CDN the decision goes on as ever: only the answer is the origin.
func TestWithoutCDNTheDecisionGoesOn(t *testing.T) {
	h := observe(newSite(t, 1, lastOnly))
	h.ready = []bool{false}
	h.play("0.5 1*3 0.5*13", answer)
	wantTurns(t, h,
		turn{10 * time.Second, site.SideOrigin, site.CauseBelow},
		turn{40 * time.Second, site.SideCDN, site.CauseNoCDN},
		turn{170 * time.Second, site.SideOrigin, site.CauseRecovered})
}

// A site that diverts nobody takes the same decisions at the same times.
func TestDivertNoneDecidesAndShows(t *testing.T) {
	const script = "0.5 1*3 0.5*13 x*3 0.5*14 -*80 2*9"
	diverts, shows := observe(newSite(t, 1)), observe(newSite(t, 1, divertNone))
	if a, b := diverts.play(script, side), shows.play(script, side); a != b {
		t.Errorf("the sides differ:\ndivert all  %s\ndivert none %s", a, b)
	}
	wantTurns(t, shows, diverts.turns...)
	if d := diverts.last(); answer(d) != "edge" || d.Share != 1 {
		t.Errorf("divert all ends with %s, share %g: the test says nothing", answer(d), d.Share)
	}
	if d := shows.last(); answer(d) != "1" || d.Share != 0 || len(d.CDNs) != 1 || d.CDNs[0].Name != "edge" || d.Reason.Cause != site.CauseThreshold {
		t.Errorf("divert none ends with %s, share %g, CDNs %v, cause %s", answer(d), d.Share, d.CDNs, d.Reason.Cause)
	}

	shows = observe(newSite(t, 1, divertNone))
	if got := shows.play(script, answer); got != compress(expand("1*123")) {
		t.Errorf("divert none answered with %s, want the origin all the time", got)
	}
}

// The reason is that of the side: it stays while the side does.
func TestReasonStaysWithTheSide(t *testing.T) {
	h := observe(newSite(t, 1, func(s *site.Site) { s.Thresholds[0].Statistic = site.Last }))
	h.play("0.5 1.1*2", side)
	h.wait(period)
	h.add(0, site.Sample{At: h.now.Add(-time.Second), Signal: site.ResponseTime, Value: 1.2})
	want := site.Reason{Cause: site.CauseThreshold, Signal: site.ResponseTime, Value: 1.2, Limit: 1, V: 1.2, Age: time.Second}
	if got := h.last().Reason; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	h.play("3 0.1*5", side)
	if got := h.last().Reason; got != want {
		t.Errorf("later: got %+v, want %+v", got, want)
	}
	if got, want := h.last().Since, begin.Add(40*time.Second); !got.Equal(want) {
		t.Errorf("since %s, want %s", got, want)
	}
}

// The age and what failed are of the newest sample of the pool.
func TestReasonIsOfTheNewestSample(t *testing.T) {
	h := observe(newSite(t, 2, lastOnly, slowToFail, enterAfter(1)))
	h.play("0.5", side)
	h.wait(period)
	h.hear(1, "0.5")
	h.wait(2 * time.Second)
	h.add(0, site.Sample{At: h.now.Add(-time.Second), Signal: site.ResponseTime, Value: 4.8, Failure: site.FailureConnect, Detail: "refused"})
	if side(h.last()) != "o" {
		t.Fatal("one of two is slow, and the lower middle one of the pool is not")
	}
	h.wait(period - 2*time.Second)
	h.add(1, site.Sample{At: h.now.Add(-time.Second), Signal: site.ResponseTime, Value: 4.4})
	r := h.last().Reason
	if r.Value != 4.4 || r.V != 1.1 || r.Age != time.Second || r.Detail != "" {
		t.Errorf("got %+v, want 4.4, v 1.1, age 1s, no failure", r)
	}
}
