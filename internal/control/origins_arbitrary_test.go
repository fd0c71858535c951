package control_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// capacity is that of every origin with a feed, and least what must be left.
const (
	capacity  = 10e9
	least     = 1e9
	loadLimit = 4
)

// exporter is a feed of several signals at once.
func exporter(url string, every time.Duration) site.Source {
	return site.Source{
		Kind: "map", URL: url, Every: every, Timeout: every / 2,
		Ask: site.Ask{Map: "node_exporter", Status: site.DefaultStatus()},
	}
}

// loads and leaves are thresholds of what an exporter says.
func loads(rule site.NoData) site.Threshold {
	return site.Threshold{Signal: site.Load, Statistic: site.Last, Limit: loadLimit, Recover: 0.8 * loadLimit, NoData: rule}
}

func leaves(rule site.NoData) site.Threshold {
	return site.Threshold{Signal: site.AvailableBandwidth, Statistic: site.Last, Limit: least, Recover: 2 * least, NoData: rule}
}

// manySite draws a valid site of several origins, with thresholds, feeds and
// rules for missing data of the site and of each origin.
func manySite(t *rapid.T) *site.Site {
	return anySite(t, func(s *site.Site) {
		n := rapid.IntRange(1, 3).Draw(t, "origins")
		s.Origins = make([]site.Origin, n)
		weighted := rapid.Bool().Draw(t, "weighted")
		for i := range s.Origins {
			s.Origins[i] = anyOrigin(t, i, weighted)
		}
		if rapid.Bool().Draw(t, "feed of the site") {
			s.Feeds = []site.Source{exporter("http://stats.example.net/", span(t, 1, 60, "every of the feed"))}
			s.Thresholds = append(s.Thresholds, loads(anyRule(t)))
		}
		if rapid.Bool().Draw(t, "errors") {
			s.Thresholds = append(s.Thresholds, site.Threshold{Signal: site.ErrorRatio, Limit: 0.5, Recover: 0.3, NoData: anyRule(t)})
		}
		s.Thresholds[0].NoData = anyRule(t)
	})
}

func anyOrigin(t *rapid.T, i int, weighted bool) site.Origin {
	o := site.Origin{Name: string(rune('a' + i)), Priority: rapid.IntRange(0, 2).Draw(t, "priority")}
	if weighted {
		o.Weight = rapid.IntRange(1, 9).Draw(t, "weight")
	}
	for k := range rapid.IntRange(1, 2).Draw(t, "addresses of the origin") {
		o.Addresses = append(o.Addresses, netip.AddrFrom4([4]byte{198, 51, 100, byte(10*i + k + 1)}))
	}
	if rapid.Bool().Draw(t, "feed of the origin") {
		o.Capacity = capacity
		o.Feeds = []site.Source{exporter("http://"+o.Name+".example.net/", span(t, 1, 60, "every of its feed"))}
		o.Thresholds = []site.Threshold{leaves(anyRule(t))}
	}
	return o
}

// anyRule draws a threshold's own rule for missing data, or none.
func anyRule(t *rapid.T) site.NoData {
	action := rapid.SampledFrom([]site.NoDataAction{"", site.NoDataOrigin, site.NoDataCDN, site.NoDataStay}).Draw(t, "rule")
	if action == "" {
		return site.NoData{}
	}
	return site.NoData{Action: action, After: span(t, 0, 300, "after")}
}

// mood is what is heard on a path for a while.
type mood struct {
	v      float64 // of every signal
	failed bool    // of a probe; a feed that fails is silent
	silent bool
	part   bool // of a feed: it has left out the load
}

var moodsOfMany = []mood{
	{v: 0.3}, {v: 0.3}, {v: 0.9}, {v: 1.2}, {v: 3}, {v: math.NaN()}, {failed: true}, {silent: true}, {v: 0.3, part: true},
}

// batch is what is heard on a path in a mood; nothing if it is silent.
func (h *history) batch(path int, m mood) []site.Sample {
	p := h.site.Paths()[path]
	s := site.Sample{At: h.now, Signal: site.ResponseTime}
	switch {
	case m.silent || m.failed && p.Target.IsFeed():
		return nil
	case m.failed:
		s.Value, s.Failure = p.Target.Timeout.Seconds(), site.FailureTimeout
	case p.Target.IsFeed():
		used := site.Sample{At: h.now, Signal: site.UsedBandwidth, Value: capacity - least/m.v}
		s.Signal, s.Value = site.Load, m.v*loadLimit
		if m.part {
			return []site.Sample{used}
		}
		return []site.Sample{s, used}
	default:
		s.Value = m.v * h.site.Thresholds[0].Limit
	}
	return []site.Sample{s}
}

// stretch is a while in which the moods of all paths stay.
type stretch struct {
	gaps  []time.Duration // before each round of samples
	moods []mood          // by path
	ready []bool
	hold  control.Hold
}

func anyStretches(s *site.Site) *rapid.Generator[[]stretch] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) stretch {
		var st stretch
		gap := rapid.SampledFrom([]time.Duration{time.Second, s.Probes[0].Every, 3 * s.Probes[0].Every, time.Minute}).Draw(t, "gap")
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			st.gaps = append(st.gaps, gap)
		}
		if rapid.IntRange(0, 4).Draw(t, "silence") == 0 {
			st.gaps[0] = span(t, 0, 1200, "of")
		}
		for range s.Paths() {
			st.moods = append(st.moods, rapid.SampledFrom(moodsOfMany).Draw(t, "mood"))
		}
		if rapid.Bool().Draw(t, "are CDNs out") {
			st.ready = rapid.SliceOfN(rapid.Bool(), len(s.CDNs), len(s.CDNs)).Draw(t, "ready")
		}
		st.hold = max(0, control.Hold(rapid.IntRange(-5, 2).Draw(t, "hold")))
		return st
	}), 4, 20)
}

// round lets all be heard once.
func (h *history) hearAll(moods []mood) {
	for path, m := range moods {
		if batch := h.batch(path, m); batch != nil {
			h.add(path, batch...)
		}
	}
}

// live lets a stretch happen; wait is how time passes.
func (h *history) live(st stretch, wait func(time.Duration)) {
	h.ready, h.hold = st.ready, st.hold
	h.decide(control.None)
	for _, gap := range st.gaps {
		wait(gap)
		h.hearAll(st.moods)
	}
}

// names writes the origins of a decision.
func names(origins []site.Served) string {
	var all []string
	for _, o := range origins {
		all = append(all, o.Name)
	}
	return fmt.Sprint(all)
}

// reversed returns the site with its origins in the opposite order.
func reversed(s *site.Site) *site.Site {
	other := *s
	other.Origins = slices.Clone(s.Origins)
	slices.Reverse(other.Origins)
	return &other
}
