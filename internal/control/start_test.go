package control_test

import (
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestStart(t *testing.T) {
	one, two := newSite(t, 1), newSite(t, 2)
	run(t, side, []scriptTest{
		{"fast", one, "0.999", "o", site.CauseBelow},
		{"between recover level and limit", one, "0.9", "o", site.CauseBelow},
		{"slow", one, "1", "C", site.CauseThreshold},
		{"failed", one, "x", "C", site.CauseDown},
		{"nothing", one, "-*9", "?*9", site.CauseStart},
		{"nothing usable", one, "nan*2 0.5", "?*2 o", site.CauseBelow},
		{"both fast", two, "0.5", "o", site.CauseBelow},
		{"both slow", two, "1", "C", site.CauseThreshold},
		{"one slow", two, "1.4/0.5", "o", site.CauseBelow},
		{"one failed", two, "0.5/x", "o", site.CauseBelow},
		{"the other failed", two, "x/0.5", "o", site.CauseBelow},
		{"both failed", two, "x", "C", site.CauseDown},
		{"one silent, the other fast", two, "0.5/-*2", "? o", site.CauseBelow},
		{"one silent, the other slow", two, "-/1*2", "? C", site.CauseThreshold},
		{"one silent, the other failed", two, "-/x*2", "? C", site.CauseThreshold},
		{"one unusable, the other fast", two, "0.5/nan*2", "? o", site.CauseBelow},
		{"one late", two, "0.5/- 0.5/1", "? o", site.CauseBelow},
		{"the whole origin first", newSite(t, 1, wholeProbe), "-/0.5*2", "? o", site.CauseBelow},
	})
}

// A site of which nothing is known answers with its origin, for a short time.
func TestStartAnswers(t *testing.T) {
	h := observe(newSite(t, 2))
	d := h.last()
	if answer(d) != "12" || d.TTL != h.site.TTL.Min || d.Epoch != 1 {
		t.Errorf("got %+v, want both addresses with the short TTL", d)
	}
	if got := h.play("0.5", ttl); got != "30s" {
		t.Errorf("a first round that is over: TTL %s, want 30s", got)
	}
}

// The zero State needs nothing but a site.
func TestStartWithoutSources(t *testing.T) {
	_, d := control.Decide(newSite(t, 1), control.State{}, control.Input{Now: begin, New: control.None})
	if d.Side != site.SideUnknown || d.Share != 0 || len(d.Addresses) != 1 {
		t.Errorf("got %+v", d)
	}
}
