package control_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/control"
)

// Decide changes nothing that its caller holds, and says the same again to the
// same question.
func TestDecideIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := observe(anySite(t))
		for _, e := range anyEvents(h.site).Draw(t, "events") {
			h.happen(e)
			path := rapid.IntRange(control.None, len(h.sources)-1).Draw(t, "path")
			if path >= 0 && len(h.sources[path].Samples) == 0 {
				path = control.None
			}
			// As text, in which NaN equals itself.
			before := fmt.Sprintf("%+v %s %+v", *h.site, text(h.state), h.input(path))
			st1, d1 := control.Decide(h.site, h.state, h.input(path))
			if after := fmt.Sprintf("%+v %s %+v", *h.site, text(h.state), h.input(path)); after != before {
				t.Fatalf("what the caller holds changed:\nbefore %s\n after %s", before, after)
			}
			st2, _ := control.Decide(h.site, h.state, h.input(path))
			first, second := text(st1), text(st2)
			if first != second {
				t.Fatalf("the same question, two answers:\n first %s\nsecond %s", first, second)
			}
			if st1.Last != d1 {
				t.Fatalf("State.Last is not the decision: %+v, %+v", st1.Last, d1)
			}
		}
	})
}

// text writes a state with its decision.
func text(st control.State) string {
	d := st.Decision()
	st.Last = nil
	return fmt.Sprintf("%+v %+v", st, d)
}
