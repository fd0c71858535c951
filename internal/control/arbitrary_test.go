package control_test

import (
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// span draws a time in whole seconds.
func span(t *rapid.T, from, to int, label string) time.Duration {
	return time.Duration(rapid.IntRange(from, to).Draw(t, label)) * time.Second
}

// anySite draws a valid site of any settings but for the changes.
func anySite(t *rapid.T, changes ...func(*site.Site)) *site.Site {
	settings := []func(*site.Site){
		func(s *site.Site) { anyProbe(t, s) },
		func(s *site.Site) { anyThreshold(t, s) },
		func(s *site.Site) { anyDamping(t, s) },
		func(s *site.Site) { anyTTL(t, s) },
		func(s *site.Site) {
			s.Enter = rapid.IntRange(1, 5).Draw(t, "enter")
			s.FailbackDelay = span(t, 0, 300, "failback_delay")
			s.Divert.Mode = rapid.SampledFrom([]site.DivertMode{site.DivertAll, site.DivertFixed, site.DivertNone}).Draw(t, "divert")
			s.Divert.Share = rapid.Float64Range(0, 1).Draw(t, "share")
			s.Answer.Keyed = true
			s.NoData.Action = rapid.SampledFrom([]site.NoDataAction{site.NoDataOrigin, site.NoDataCDN, site.NoDataStay}).Draw(t, "no_data")
			s.NoData.After = span(t, 0, 600, "after")
			if rapid.Bool().Draw(t, "second CDN") {
				twoCDNs(s)
			}
		},
	}
	return newSite(t, rapid.IntRange(1, 3).Draw(t, "addresses"), append(settings, changes...)...)
}

// anyProbe draws one or two probes, of which the second speaks for the origin
// as a whole or for each address.
func anyProbe(t *rapid.T, s *site.Site) {
	s.Probes[0].Every = span(t, 1, 30, "every")
	s.Probes[0].Timeout = s.Probes[0].Every / 2
	if rapid.IntRange(0, 3).Draw(t, "second probe") == 0 {
		rapid.SampledFrom([]func(*site.Site){secondProbe, wholeProbe}).Draw(t, "of what")(s)
		s.Probes[1].Every += span(t, 0, 30, "every of the second")
	}
}

func anyThreshold(t *rapid.T, s *site.Site) {
	th := &s.Thresholds[0]
	statistics := append(site.Statistics(), site.StatisticAuto)
	th.Statistic = rapid.SampledFrom(statistics).Draw(t, "statistic")
	th.Limit = s.Probes[0].Timeout.Seconds() * rapid.Float64Range(0.1, 0.9).Draw(t, "limit of the timeout")
	th.Recover = th.Limit * rapid.Float64Range(0.3, 1).Draw(t, "recover of the limit")
	if rapid.Bool().Draw(t, "window") {
		longest := s.Probes[len(s.Probes)-1].Every
		th.Window = longest + span(t, 0, 200, "window beyond the period")
	}
}

func anyDamping(t *rapid.T, s *site.Site) {
	d := &s.Damping
	if d.Off = rapid.Bool().Draw(t, "damping off"); d.Off {
		return
	}
	d.HalfLife, d.Max = span(t, 0, 3600, "half_life"), span(t, 0, 3600, "max")
	d.Suppress = rapid.Float64Range(0.5, 3).Draw(t, "suppress")
	d.Reuse = d.Suppress * rapid.Float64Range(0.01, 0.99).Draw(t, "reuse of suppress")
}

func anyTTL(t *rapid.T, s *site.Site) {
	s.TTL.Full, s.TTL.Diverted = span(t, 0, 300, "ttl"), span(t, 0, 300, "diverted")
	s.TTL.Min = span(t, 0, int(min(s.TTL.Full, s.TTL.Diverted)/time.Second), "min")
}

// event is something that happens to a site after a while.
type event struct {
	gap    time.Duration
	path   int // control.None: nothing is heard
	value  float64
	failed bool
	ready  []bool
}

// happen lets the event happen.
func (h *history) happen(e event) {
	h.wait(e.gap)
	h.ready = e.ready
	if e.path == control.None {
		h.decide(control.None)
		return
	}
	s := site.Sample{At: h.now, Signal: site.ResponseTime, Value: e.value}
	if e.failed {
		s.Failure = site.FailureTimeout
	}
	h.add(e.path, s)
}

// anyEvents draws a history of events: one mood after the other, each for a
// few samples. They come on all paths in turn or on one of them, in the rhythm
// of the probe or in another one; CDNs come and go, and now and then there is
// silence.
func anyEvents(s *site.Site) *rapid.Generator[[]event] {
	return rapid.Map(rapid.SliceOfN(anyStretch(s), 6, 40), func(stretches [][]event) []event {
		return slices.Concat(stretches...)
	})
}

// anyStretch draws events of one mood.
func anyStretch(s *site.Site) *rapid.Generator[[]event] {
	return rapid.Custom(func(t *rapid.T) []event {
		mood := rapid.SampledFrom(moods(s)).Draw(t, "mood")
		every := s.Probes[0].Every
		gap := rapid.SampledFrom([]time.Duration{0, every / 7, every, every, 2 * every, 4 * every}).Draw(t, "gap")
		paths := len(s.Paths())
		only := rapid.IntRange(control.None, paths-1).Draw(t, "only path")
		var ready []bool
		if rapid.Bool().Draw(t, "are CDNs out") {
			ready = rapid.SliceOfN(rapid.Bool(), len(s.CDNs), len(s.CDNs)).Draw(t, "ready")
		}
		events := make([]event, rapid.IntRange(1, 4*paths).Draw(t, "samples"))
		for i := range events {
			e := event{gap: gap, path: only, ready: ready}
			if only == control.None {
				e.path = i % paths
				if e.path > 0 {
					e.gap = 0
				}
			}
			e.value, e.failed = mood(t)
			events[i] = e
		}
		if rapid.IntRange(0, 4).Draw(t, "silence") == 0 {
			events[0] = event{gap: span(t, 0, 1200, "of"), path: control.None, ready: ready}
		}
		return events
	})
}

// moods are what the samples of a stretch are like.
func moods(s *site.Site) []func(*rapid.T) (value float64, failed bool) {
	limit, rec, failure := s.Thresholds[0].Limit, s.Thresholds[0].Recover, s.Probes[0].Timeout.Seconds()
	between := func(from, to float64) func(*rapid.T) (float64, bool) {
		return func(t *rapid.T) (float64, bool) { return rapid.Float64Range(from, to).Draw(t, "value"), false }
	}
	nonsense := func(t *rapid.T) (float64, bool) {
		return rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1}).Draw(t, "nonsense"), rapid.Bool().Draw(t, "failed")
	}
	failing := func(*rapid.T) (float64, bool) { return failure, true }
	mixed := func(t *rapid.T) (float64, bool) {
		return rapid.SampledFrom([]func(*rapid.T) (float64, bool){
			between(0, rec), between(rec, limit), between(limit, 12*limit), failing, nonsense,
		}).Draw(t, "of the mix")(t)
	}
	return []func(*rapid.T) (float64, bool){
		between(0, rec), between(0, rec), between(rec, limit), between(limit, 1.4*limit), between(1.5*limit, 12*limit), failing, nonsense, mixed,
	}
}
