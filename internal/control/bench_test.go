package control_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// One decision on a new sample of a site that is well, with two addresses and
// full windows: what the engine does most.
func BenchmarkDecide(b *testing.B) {
	h := observe(newSite(b, 2))
	h.play("0.5*3", side)
	for i := range h.sources {
		h.sources[i].Samples = h.sources[i].Samples[len(h.sources[i].Samples)-3:]
	}
	in := h.input(0)
	st := h.state
	b.ReportAllocs()
	for b.Loop() {
		st, _ = control.Decide(h.site, st, in)
	}
	if st.Side != site.SideOrigin || st.Last.Epoch != h.last().Epoch {
		b.Fatalf("the site was not steady: %+v", st)
	}
}
