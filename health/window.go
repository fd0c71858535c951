package health

import (
	"slices"
	"sort"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Window keeps the newest samples of one source, newest last. It is not safe for
// concurrent use.
type Window struct {
	span    time.Duration
	samples []site.Sample // in order of At, no two of one signal at the same time
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
// one; of two samples of a signal at the same time, the one added later stays. A
// sample that is already too old is not kept.
func (w *Window) Add(s site.Sample) {
	i := len(w.samples)
	for i > 0 && w.samples[i-1].At.After(s.At) {
		i--
	}
	for j := i - 1; j >= 0 && w.samples[j].At.Equal(s.At); j-- {
		if w.samples[j].Signal == s.Signal {
			w.samples[j] = s
			return
		}
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
	last := len(w.samples) - 1
	return sort.Search(len(w.samples), func(i int) bool { return w.samples[last].At.Sub(w.samples[i].At) < span })
}

// Within returns the samples for which newest.At - sample.At < span, oldest
// first. They are the window's own: valid until the next Add or SetSpan, and
// not to be changed.
func (w *Window) Within(span time.Duration) []site.Sample {
	return slices.Clip(w.samples[w.outside(span):])
}
