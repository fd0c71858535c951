package health

import (
	"slices"
	"sort"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Window keeps the newest samples of one signal from one source, newest last.
// It is not safe for concurrent use.
type Window struct {
	span    time.Duration
	samples []site.Sample // in order of At, no two at the same time
}

// NewWindow returns a window that keeps each sample for which
// newest.At - sample.At < span: over three periods, three samples.
func NewWindow(span time.Duration) *Window { return &Window{span: span} }

// SetSpan changes how far back the window reaches. A larger span keeps what
// there is and fills up from now on.
func (w *Window) SetSpan(span time.Duration) {
	w.span = span
	w.trim()
}

// Add puts a sample in its place by time, which is the end for all but a late
// one; of two samples at the same time, the one added later stays. A sample
// that is already too old is not kept.
func (w *Window) Add(s site.Sample) {
	i := len(w.samples)
	for i > 0 && w.samples[i-1].At.After(s.At) {
		i--
	}
	if i > 0 && w.samples[i-1].At.Equal(s.At) {
		w.samples[i-1] = s
		return
	}
	w.samples = slices.Insert(w.samples, i, s)
	w.trim()
}

// trim moves the samples to the front of their array, so that the memory in
// use follows what is kept.
func (w *Window) trim() {
	w.samples = slices.Delete(w.samples, 0, w.outside(w.span))
}

// outside counts the samples that are too old for span.
func (w *Window) outside(span time.Duration) int {
	newest, _ := w.Newest()
	return sort.Search(len(w.samples), func(i int) bool { return newest.At.Sub(w.samples[i].At) < span })
}

// Within returns the samples for which newest.At - sample.At < span, oldest
// first. They are the window's own: valid until the next Add or SetSpan, and
// not to be changed.
func (w *Window) Within(span time.Duration) []site.Sample {
	return slices.Clip(w.samples[w.outside(span):])
}

// Newest returns the newest sample, and false if there is none.
func (w *Window) Newest() (site.Sample, bool) {
	if len(w.samples) == 0 {
		return site.Sample{}, false
	}
	return w.samples[len(w.samples)-1], true
}

// minStale keeps a source with a short period from being stale at every hiccup.
const minStale = 5 * time.Second

// StaleAfter returns the age at which a sample no longer counts: three periods
// of its source, at least 5 s.
func StaleAfter(period time.Duration) time.Duration { return max(3*period, minStale) }

// Fresh reports whether the newest sample is not stale at now.
func (w *Window) Fresh(now time.Time, period time.Duration) bool {
	newest, ok := w.Newest()
	return ok && now.Sub(newest.At) < StaleAfter(period)
}
