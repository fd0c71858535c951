package engine

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// sourceFailed tells the operator, once until it is heard again, that a target
// yields no samples.
func (e *Engine) sourceFailed(t site.Target, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	src := e.sources[t]
	if src == nil {
		return
	}
	told := src.failed != nil
	src.failed, src.partly = err, true
	if told {
		return
	}
	e.cfg.Log.Warningf("%s: %v", t.Kind, err)
}

// sourceBack tells the operator that a target yields samples again. Those that
// may have come along with a failure do not say so.
func (e *Engine) sourceBack(src *source) {
	if src.partly {
		src.partly = false
		return
	}
	if src.failed != nil {
		src.failed = nil
		e.cfg.Log.Infof("%s: '%s' is heard again", src.target.Kind, src.target.Shown())
	}
}

// surveyEvery is how often all sources are looked at.
const surveyEvery = 5 * time.Second

// survey sets the gauges of sources that have fallen silent.
func (e *Engine) survey(now time.Time) {
	e.surveyed = now
	stale, oldest := 0, time.Duration(0)
	for _, src := range e.sources {
		age, heard := src.age(now)
		if !heard || age >= src.staleAfter() {
			stale++
		}
		if heard && src.target.IsFeed() {
			oldest = max(oldest, age-src.delay())
		}
	}
	e.cfg.Metrics.stale.Set(float64(stale))
	e.cfg.Metrics.age.Set(oldest.Seconds())
	e.surveyCDNs(now)
	e.cfg.Metrics.recountGates(e.current)
}

// age returns how old a source's newest sample is, if it has one.
func (src *source) age(now time.Time) (age time.Duration, heard bool) {
	samples := src.window.Within(1)
	if len(samples) == 0 {
		return 0, false
	}
	return now.Sub(samples[len(samples)-1].At), true
}
