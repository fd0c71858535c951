package control_test

import (
	"encoding/json"
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

// What one site costs each time that all states are saved, and once at a start.
func BenchmarkSave(b *testing.B) {
	h := observe(newSite(b, 2))
	h.play("0.5*3", side)
	b.ReportAllocs()
	for b.Loop() {
		text, err := json.Marshal(control.Save(h.site, h.state))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(text)), "B/site")
	}
}

func BenchmarkRestore(b *testing.B) {
	h := observe(newSite(b, 2))
	h.play("0.5*3", side)
	text := []byte(asJSON(b, control.Save(h.site, h.state)))
	b.ReportAllocs()
	for b.Loop() {
		var saved control.Saved
		if err := json.Unmarshal(text, &saved); err != nil {
			b.Fatal(err)
		}
		if _, err := control.Restore(h.site, saved, h.now); err != nil {
			b.Fatal(err)
		}
	}
}
