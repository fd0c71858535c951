package control_test

import (
	"math"
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
			s.Divert = rapid.SampledFrom([]site.Divert{site.DivertAll, site.DivertNone}).Draw(t, "divert")
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
	d.Suppress = rapid.Float64Range(0.5, 5).Draw(t, "suppress")
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
	sample site.Sample
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
	e.sample.At = h.now
	h.add(e.path, e.sample)
}

// anyEvent draws events of any kind: good and failed probes, what is no
// measurement at all, silence, CDNs that come and go.
func anyEvent(s *site.Site) *rapid.Generator[event] {
	return rapid.Custom(func(t *rapid.T) event {
		e := event{gap: anyGap(s).Draw(t, "gap"), path: rapid.IntRange(control.None, len(s.Paths())-1).Draw(t, "path")}
		if rapid.Bool().Draw(t, "are CDNs out") {
			e.ready = rapid.SliceOfN(rapid.Bool(), len(s.CDNs), len(s.CDNs)).Draw(t, "ready")
		}
		e.sample = anySample(s).Draw(t, "sample")
		return e
	})
}

// anyGap draws the times between two events: many short, few long ones.
func anyGap(s *site.Site) *rapid.Generator[time.Duration] {
	milliseconds := func(most time.Duration) *rapid.Generator[time.Duration] {
		return rapid.Map(rapid.Int64Range(0, most.Milliseconds()), func(ms int64) time.Duration {
			return time.Duration(ms) * time.Millisecond
		})
	}
	every := s.Probes[0].Every
	return rapid.OneOf(rapid.Just(every), milliseconds(every), milliseconds(every), milliseconds(4*every), milliseconds(20*time.Minute))
}

// anySample draws a measurement, a failure or nonsense.
func anySample(s *site.Site) *rapid.Generator[site.Sample] {
	limit, failed := s.Thresholds[0].Limit, s.Probes[0].Timeout.Seconds()
	good := func(from, to float64) *rapid.Generator[site.Sample] {
		return rapid.Map(rapid.Float64Range(from*limit, to*limit), func(value float64) site.Sample {
			return site.Sample{Signal: site.ResponseTime, Value: value}
		})
	}
	failure := site.Sample{Signal: site.ResponseTime, Value: failed, Failure: site.FailureTimeout}
	nonsense := rapid.Map(rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1}), func(value float64) site.Sample {
		return site.Sample{Signal: site.ResponseTime, Value: value}
	})
	return rapid.OneOf(good(0, 1), good(0, 0.3), good(0.9, 1.1), good(1, 12), rapid.Just(failure), rapid.Just(failure), nonsense)
}
