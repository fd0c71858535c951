package control_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// slowFeed is the period of the origins' exporters in these tests.
const slowFeed = time.Minute

// withExporters gives the site origins of these names, one address each, whose
// exporters tell load and what bandwidth is left.
func withExporters(names string, rules ...site.NoData) func(*site.Site) {
	rules = append(rules, site.NoData{}, site.NoData{})
	return func(s *site.Site) {
		s.Origins = nil
		for i, name := range strings.Split(names, "") {
			s.Origins = append(s.Origins, site.Origin{
				Name: name, Addresses: []netip.Addr{address(i)}, Priority: i, Capacity: capacity,
				Feeds:      []site.Source{exporter("http://"+name+".example.net/", slowFeed)},
				Thresholds: []site.Threshold{loads(rules[0]), leaves(rules[1])},
			})
		}
	}
}

// tell lets so many seconds pass, in each of which the probes find v, and at
// the end of each minute the exporters of the origins say what they do; NaN is
// silence.
func (h *history) tell(seconds int, probes, feeds []float64) {
	for range seconds {
		h.wait(time.Second)
		for path, p := range h.site.Paths() {
			v := probes[p.Origin]
			if p.Target.IsFeed() {
				v = feeds[p.Origin]
			}
			due := h.now.Sub(begin)%p.Every == 0
			if due && !math.IsNaN(v) {
				h.add(path, h.batch(path, mood{v: v, failed: math.IsInf(v, 1)})...)
			}
		}
	}
}

var (
	silence = math.NaN()
	dead    = math.Inf(1) // what a probe finds
)

func everySecond(s *site.Site) {
	s.Probes[0].Every, s.Probes[0].Timeout = time.Second, 500*time.Millisecond
	s.Thresholds[0].Limit, s.Thresholds[0].Recover = 0.3, 0.24
}

func one(v float64) []float64 { return []float64{v} }

// wantTold checks where visitors are, and who says why.
func (h *history) wantTold(t *testing.T, what, at string, cause site.Cause, told string) {
	t.Helper()
	d := h.last()
	got := "cdn"
	if d.Side == site.SideOrigin {
		got = strings.Trim(names(d.Origins), "[]")
	}
	if got != at || d.Reason.Cause != cause || d.Reason.Signal != "" && d.Reason.Origin != told {
		t.Errorf("%s, after %s: at %s because of %s, want %s because of %s of %q", what, h.now.Sub(begin), got, d.Reason, at, cause, told)
	}
}

// A value of a feed once a minute takes minutes to count, however often probes
// are heard meanwhile, and the batch of a reading counts once.
func TestCountsAreOfTheirOwnSamples(t *testing.T) {
	for v, want := range map[float64]int{1.2: 3, 3: 2} {
		h := observe(newSite(t, 0, withExporters("a"), everySecond))
		h.tell(120, one(0.1), one(0.3))
		h.tell(60*want-1, one(0.1), one(v))
		h.wantTold(t, "before", "a", site.CauseBelow, "a")
		h.tell(1, one(0.1), one(v))
		h.wantTold(t, "after", "cdn", site.CauseThreshold, "a")
		r := h.last().Reason
		if r.Signal != site.Load || math.Abs(r.V-v) > 1e-9 || r.Value != v*loadLimit || r.Limit != loadLimit || r.Age != 0 {
			t.Errorf("got %+v, want v %g of the load", r, v)
		}
	}
}

// Samples of a feed do not lengthen the row of the probe's.
func TestAFeedDoesNotCountForAProbe(t *testing.T) {
	h := observe(newSite(t, 0, withExporters("a"), everySecond, lastOnly, enterAfter(5)))
	h.tell(60, one(0.1), one(0.3))
	for range 4 {
		h.tell(1, one(1.2), one(silence))
	}
	for range 9 {
		h.add(1, h.batch(1, mood{v: 0.9})[0])
	}
	if c := h.state.Counts[0]; c.Over != 4 {
		t.Errorf("four samples over the limit count %d", c.Over)
	}
}

// Each threshold has its own rule for missing data.
func TestMissingDataOfOneThreshold(t *testing.T) {
	const after = 5 * time.Minute // and 3 minutes until what is heard once a minute is missing
	origin, cdn := site.NoData{Action: site.NoDataOrigin, After: after}, site.NoData{Action: site.NoDataCDN, After: after}
	stay := site.NoData{Action: site.NoDataStay}
	for _, tt := range []struct {
		name        string
		load, left  site.NoData
		probe, feed float64 // at first, for three minutes
		then        float64 // what the probe finds while the feed is silent
		soon, late  string  // where visitors are just before the rule applies, and two minutes and a second after
		cause       site.Cause
	}{
		{"origin, at the origin", origin, origin, 0.1, 0.3, 0.1, "a", "a", site.CauseBelow},
		{"origin, at the CDN: the probe decides", origin, origin, 0.1, 1.2, 0.1, "cdn", "a", site.CauseRecovered},
		{"origin, at the CDN: the probe says no", origin, origin, 0.1, 1.2, 0.9, "cdn", "cdn", site.CauseThreshold},
		{"origin, down", origin, origin, dead, 0.3, dead, "cdn", "cdn", site.CauseDown},
		{"cdn, at the origin", cdn, cdn, 0.1, 0.3, 0.1, "a", "cdn", site.CauseNoData},
		{"cdn, at the CDN", cdn, cdn, 0.1, 1.2, 0.1, "cdn", "cdn", site.CauseThreshold},
		{"stay, at the origin", stay, stay, 0.1, 0.3, 0.1, "a", "a", site.CauseBelow},
		{"stay, at the CDN", stay, stay, 0.1, 1.2, 0.1, "cdn", "cdn", site.CauseThreshold},
		{"origin and cdn", origin, cdn, 0.1, 0.3, 0.1, "a", "cdn", site.CauseNoData},
		{"stay and cdn", stay, cdn, 0.1, 0.3, 0.1, "a", "cdn", site.CauseNoData},
		{"origin and stay", origin, stay, 0.1, 1.2, 0.1, "cdn", "cdn", site.CauseThreshold},
		{"the origin dies while the feed is missing", origin, stay, 0.1, 0.3, dead, "cdn", "cdn", site.CauseDown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := observe(newSite(t, 0, withExporters("a", tt.load, tt.left), everySecond))
			h.tell(180, one(tt.probe), one(tt.feed))
			h.tell(8*60-1, one(tt.then), one(silence))
			if got := side(h.last()); got != map[string]string{"a": "o", "cdn": "C"}[tt.soon] {
				t.Errorf("before the rule: at %s, want %s", got, tt.soon)
			}
			h.tell(122, one(tt.then), one(silence))
			h.wantTold(t, "after the rule", tt.late, tt.cause, "a")
		})
	}
}

// Who was sent to the CDN for want of data comes back once it is there and calm.
func TestBackFromMissingData(t *testing.T) {
	rule := site.NoData{Action: site.NoDataCDN, After: time.Minute}
	h := observe(newSite(t, 0, withExporters("a", rule, rule), everySecond))
	h.tell(60, one(0.1), one(0.3))
	h.tell(4*60-1, one(0.1), one(silence))
	h.wantTold(t, "in time", "a", site.CauseBelow, "a")
	h.tell(1, one(0.1), one(silence))
	h.wantTold(t, "then", "cdn", site.CauseNoData, "a")
	h.tell(60+119, one(0.1), one(0.3))
	h.wantTold(t, "calm, not for long", "cdn", site.CauseNoData, "a")
	h.tell(1, one(0.1), one(0.3))
	h.wantTold(t, "calm", "a", site.CauseRecovered, "a")
}

// A feed that was never heard is missing after three of its periods.
func TestAFeedThatWasNeverHeard(t *testing.T) {
	rule := site.NoData{Action: site.NoDataCDN}
	h := observe(newSite(t, 0, withExporters("a", rule, rule), everySecond))
	h.tell(179, one(0.1), one(silence))
	h.wantTold(t, "in time", "a", site.CauseBelow, "a")
	h.tell(1, one(0.1), one(silence))
	h.wantTold(t, "then", "cdn", site.CauseNoData, "a")
}

// That a probe found the origin down does not count for ever once it is silent,
// while a feed says that all is well.
func TestASilentProbeDoesNotKeepAnOriginDown(t *testing.T) {
	h := observe(newSite(t, 0, withExporters("a"), everySecond, noData(site.NoDataOrigin, 5*time.Minute)))
	h.tell(60, one(0.1), one(0.3))
	h.tell(60, one(dead), one(0.3))
	h.wantTold(t, "down", "cdn", site.CauseDown, "a")
	h.tell(5*60+4+119, one(silence), one(0.3))
	h.wantTold(t, "silent", "cdn", site.CauseDown, "a")
	h.tell(2, one(silence), one(0.3))
	h.wantTold(t, "for long", "a", site.CauseRecovered, "a")
}

// The origins of a site take over from each other, and a CDN from the last.
func TestOriginsTakeOver(t *testing.T) {
	h := observe(newSite(t, 0, withExporters("ab"), everySecond, undamped))
	step := func(what string, seconds int, a, b float64, at string, cause site.Cause, told string) {
		t.Helper()
		h.tell(seconds, []float64{a, b}, []float64{0.3, 0.3})
		h.wantTold(t, what, at, cause, told)
	}
	step("start", 180, 0.1, 0.1, "a", site.CauseBelow, "a")
	step("a is slow", 10, 1.2, 0.1, "b", site.CauseThreshold, "a")
	step("b is, too", 10, 1.2, 1.2, "cdn", site.CauseThreshold, "b")
	step("b is back", 125, 1.2, 0.1, "b", site.CauseRecovered, "b")
	step("a is back", 125, 0.1, 0.1, "a", site.CauseRecovered, "a")
	step("b is down, which nobody notices", 10, 0.1, dead, "a", site.CauseRecovered, "a")
	step("a is down", 10, dead, dead, "cdn", site.CauseDown, "a")
	if d := h.last(); len(d.Addresses) != 1 || d.Share != 1 {
		t.Errorf("all are down: %+v", d)
	}
	h.ready = []bool{false}
	step("a lives, without a CDN", 3, 0.1, dead, "cdn", site.CauseNoCDN, "a")
	if d := h.last(); d.Share != 0 || names(d.Origins) != "[a]" {
		t.Errorf("without a CDN: %+v, want the one that is not down", d)
	}
	step("b lives, without a CDN", 6, dead, 0.1, "cdn", site.CauseNoCDN, "a")
	if d := h.last(); d.Share != 0 || names(d.Origins) != "[b]" {
		t.Errorf("without a CDN: %+v, want the one that is not down", d)
	}
}

// The rest of a fixed share stays with the preferred origin that is not down.
func TestTheRestOfAFixedShare(t *testing.T) {
	h := observe(newSite(t, 0, withExporters("ab"), everySecond, func(s *site.Site) {
		s.Divert, s.Answer.Keyed = site.Divert{Mode: site.DivertFixed, Share: 0.5}, true
	}))
	feeds := []float64{0.3, 0.3}
	for _, step := range []struct {
		a, b   float64
		origin string
		share  float64
	}{{0.1, 0.1, "[a]", 0}, {1.2, 0.1, "[b]", 0}, {1.2, 1.2, "[a]", 0.5}, {dead, 1.2, "[b]", 0.5}, {dead, dead, "[a]", 1}} {
		h.tell(60, []float64{step.a, step.b}, feeds)
		if d := h.last(); names(d.Origins) != step.origin || d.Share != step.share {
			t.Errorf("%g and %g: share %g, the rest at %s, want %g and %s", step.a, step.b, d.Share, names(d.Origins), step.share, step.origin)
		}
	}
}

// An origin of which nothing is known takes nobody over, and is not waited for
// for ever.
func TestAnUnknownOrigin(t *testing.T) {
	only := func(s *site.Site) { s.Probes = nil; s.Thresholds = nil }
	h := observe(newSite(t, 0, withExporters("ab"), only))
	h.tell(179, nil2, []float64{silence, 0.3})
	if h.last().Side != site.SideUnknown {
		t.Errorf("a is waited for: %+v", h.last())
	}
	h.tell(1, nil2, []float64{silence, 0.3})
	h.wantTold(t, "not for ever", "b", site.CauseBelow, "b")
	h.tell(300, nil2, []float64{silence, 1.2})
	h.wantTold(t, "b leaves", "cdn", site.CauseThreshold, "b")
	h.tell(60, nil2, []float64{0.3, 1.2})
	h.wantTold(t, "a is heard", "a", site.CauseBelow, "a")
}

var nil2 = []float64{silence, silence}

// A reload that adds origins and removes them moves nobody to an unknown one.
func TestReloadWithOtherOrigins(t *testing.T) {
	h := observe(newSite(t, 0, withExporters("bc"), everySecond, undamped))
	both := func(b, c float64) ([]float64, []float64) { return []float64{b, c}, []float64{0.3, 0.3} }
	p, f := both(0.1, 0.1)
	h.tell(60, p, f)
	h.reload(newSite(t, 0, withExporters("abc"), everySecond, undamped))
	h.wantTold(t, "with a new one", "b", site.CauseBelow, "b")
	h.tell(60, []float64{0.1, 1.2, 1.2}, []float64{0.3, 0.3, 0.3})
	h.wantTold(t, "which is heard", "a", site.CauseBelow, "a")
	h.tell(60, []float64{1.2, 1.2, 1.2}, []float64{0.3, 0.3, 0.3})
	h.wantTold(t, "all out", "cdn", site.CauseThreshold, "a")
	epoch := h.last().Epoch
	h.reload(newSite(t, 0, withExporters("xcb"), everySecond, undamped))
	h.wantTold(t, "a gone, another order, and one more", "cdn", site.CauseThreshold, "b")
	if h.last().Epoch < epoch || h.state.Told == control.None || h.last().Reason.Signal == "" {
		t.Errorf("epoch %d, told by %d: %+v", h.last().Epoch, h.state.Told, h.last())
	}
	h.tell(60, []float64{0.1, 1.2, 1.2}, []float64{0.3, 0.3, 0.3})
	h.wantTold(t, "the new one is heard", "x", site.CauseBelow, "x")
}
