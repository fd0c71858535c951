package provision_test

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// history is what a store holds: of every revision all objects, those that were
// removed among them.
type history []map[string]site.Object

// drawHistory makes some revisions, each of which changes some objects.
func drawHistory(t *rapid.T) history {
	h := history{{}}
	for revision := range rapid.IntRange(1, 12).Draw(t, "revisions") {
		next := maps.Clone(h[revision])
		for range rapid.IntRange(1, 15).Draw(t, "changes") {
			name := fmt.Sprintf("s%d.example.org", rapid.IntRange(0, 14).Draw(t, "site"))
			text := rapid.SampledFrom([]string{"good", "better", "bad", "", ""}).Draw(t, "text")
			next[name] = object(name, text, int64(revision+1))
		}
		h = append(h, next)
	}
	return h
}

// since returns what changed after a revision, as it was at a later one.
func (h history) since(base, at int64) (changes []site.Object) {
	for _, o := range sorted(h[at]) {
		if o.Revision > base {
			changes = append(changes, o)
		}
	}
	return changes
}

// TestF25AnyOrderOfOffers: late, lost and repeated ones lead to the newest.
func TestF25AnyOrderOfOffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, o := drawHistory(t), newOverlay()
		newest := int64(len(h) - 1)
		p := provision.NewPublisher(o)
		for range rapid.IntRange(0, 20).Draw(t, "offers") {
			at := rapid.Int64Range(1, newest).Draw(t, "at")
			base := rapid.Int64Range(0, p.Revision()).Draw(t, "base")
			offer(t, p, o, at, h.since(base, at), rapid.Bool().Draw(t, "confirmed"))
		}
		before := maps.Clone(o.inForce)
		p.Offer(newest, h.since(p.Revision(), newest), true)
		wantNewest(t, h[newest], before, o.inForce)
	})
}

// offer offers, and checks what must hold each time.
func offer(t *rapid.T, p *provision.Publisher, o *overlay, at int64, changes []site.Object, confirmed bool) {
	revision, inForce := p.Revision(), maps.Clone(o.inForce)
	out := p.Offer(at, changes, confirmed)
	switch {
	case p.Revision() < revision:
		t.Fatalf("Revision %d came after %d", p.Revision(), revision)
	case out.Published && (p.Revision() != at || at <= revision):
		t.Fatalf("Revision %d is in force after %d was published over %d", p.Revision(), at, revision)
	case !out.Published && (p.Revision() != revision || !maps.Equal(o.inForce, inForce)):
		t.Fatalf("Something changed without a publication: %+v", out)
	case out.Old != (at < revision), out.Held != nil && (confirmed || at <= revision):
		t.Fatalf("Offer %d over %d was taken for %+v", at, revision, out)
	case out.Published && !confirmed && len(o.inForce) == 0 && len(inForce) > 0:
		t.Fatalf("All %d sites went away, and nobody had confirmed it", len(inForce))
	case out.Published && !confirmed && len(inForce) >= 10 && len(o.inForce)*2 < len(inForce):
		t.Fatalf("Of %d sites %d were left, and nobody had confirmed it", len(inForce), len(o.inForce))
	}
}

// wantNewest compares what is in force with the newest revision: a site that is
// refused there has the form it had before, if it had one.
func wantNewest(t *rapid.T, newest, before, inForce map[string]site.Object) {
	want := make(map[string]site.Object)
	for name, o := range newest {
		id := "site/" + name
		if last, had := before[id]; o.Text == "bad" && had {
			want[id] = last
		}
		if o.Text != "bad" && o.Text != "" {
			want[id] = o
		}
	}
	if !maps.Equal(inForce, want) {
		t.Fatalf("Expected %v, got %v", want, inForce)
	}
}
