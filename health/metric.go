package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// metric is what is looked for on a page of metrics.
type metric struct {
	signal site.Signal
	query  string   // selector; all series that match are added up
	plus   []string // selectors of what is added to that
	over   string   // selector of what that is divided by; empty: nothing
	rest   []string // selectors of what that is divided by together with itself; nil: nothing
	scale  float64  // 0: what follows from the metric's name
	kind   kind     // where the page does not say it
}

// selectors lists all of them.
func (m metric) selectors() []string { return slices.Concat([]string{m.query, m.over}, m.plus, m.rest) }

// reading looks for a metric. The extra matchers are for those metrics that
// have their label.
func (e exposition) reading(m metric, extra []site.Matcher) (Reading, site.Failure, error) {
	p, failure, err := e.sum(m, extra)
	if err != nil {
		return Reading{}, failure, err
	}
	if m.scale == 0 {
		m.scale = unit(m.signal, m.query)
	}
	whole, failure, err := e.whole(m, p, extra)
	switch {
	case err != nil:
		return Reading{}, failure, err
	case whole.series == nil:
		return m.plain(p), "", nil
	}
	return m.ratio(p, whole), "", nil
}

// whole picks what the metric is divided by, if it is.
func (e exposition) whole(m metric, p picked, extra []site.Matcher) (picked, site.Failure, error) {
	switch {
	case m.rest != nil:
		return e.with(p, m.query, m.rest, extra)
	case m.over == "":
		return picked{}, "", nil
	}
	over, err := e.pick(m.over, extra)
	if err != nil {
		return picked{}, site.FailureContent, err
	}
	if err := alike(p, over, m.query, m.over); err != nil {
		return picked{}, site.FailureInvalid, err
	}
	return over, "", nil
}

// sum picks what the metric is made of, without what it is divided by.
func (e exposition) sum(m metric, extra []site.Matcher) (picked, site.Failure, error) {
	p, err := e.pick(m.query, extra)
	if err != nil {
		return picked{}, site.FailureContent, err
	}
	return e.with(p, m.query, m.plus, extra)
}

// with adds more metrics to what was picked of one.
func (e exposition) with(p picked, first string, plus []string, extra []site.Matcher) (picked, site.Failure, error) {
	for _, query := range plus {
		more, err := e.pick(query, extra)
		if err != nil {
			return picked{}, site.FailureContent, err
		}
		if err := alike(p, more, first, query); err != nil {
			return picked{}, site.FailureInvalid, err
		}
		p.join(query, more)
	}
	return p, "", nil
}

// alike refuses two metrics that do not come about in one way.
func alike(a, b picked, first, second string) error {
	if a.kind != b.kind || a.kind == mean {
		return fmt.Errorf("'%s' and '%s' are neither two counters nor two gauges", first, second)
	}
	return nil
}

// join adds the series of another metric, whose labels may be the same.
func (p *picked) join(query string, more picked) {
	for _, c := range more.series {
		c.Series = query + "\xff" + c.Series
		p.series = append(p.series, c)
	}
	p.at = older(p.at, more.at)
}

// plain makes a reading of one metric.
func (m metric) plain(p picked) Reading {
	r := Reading{Signal: m.signal, At: p.at}
	if p.kind == gauge {
		r.Value = total(p.series) * m.scale
		return r
	}
	r.Scale, r.Num, r.Den = m.scale, p.series, p.counts
	return r
}

// ratio makes a reading of two metrics of one kind.
func (m metric) ratio(p, over picked) Reading {
	r := Reading{Signal: m.signal, At: older(p.at, over.at)}
	if p.kind == gauge {
		r.Value = total(p.series) / total(over.series) * m.scale
		return r
	}
	r.Scale, r.Num, r.Den = m.scale, p.series, over.series
	return r
}

func total(gauges []Counter) (sum float64) {
	for _, g := range gauges {
		sum += g.Value
	}
	return sum
}

// older returns the earlier of two times; a time that is not known does not count.
func older(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// unit returns what a metric is multiplied by to be in the signal's unit, by
// the words of its name: https://prometheus.io/docs/practices/naming/.
func unit(signal site.Signal, query string) float64 {
	words := strings.Split(metricOf(query), "_")
	has := func(word string) bool { return slices.Contains(words, word) }
	switch signal {
	case site.UsedBandwidth, site.AvailableBandwidth:
		if has("bytes") {
			return 8
		}
	case site.ResponseTime:
		if has("milliseconds") || has("ms") {
			return 1e-3
		}
	case site.ErrorRatio, site.HitRatio:
		if has("percent") {
			return 1e-2
		}
	}
	return 1
}
