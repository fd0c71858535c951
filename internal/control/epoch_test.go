package control_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/control"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// says is all that a decision tells those who read it, but for the numbers
// behind the reason, which are those of the moment of the turn.
type says struct {
	side  site.Side
	share float64
	cdns  string
	ttl   time.Duration
	cause site.Cause
	since time.Time
}

// news reports whether b says anything that a did not.
func news(a, b site.Decision) bool {
	of := func(d site.Decision) says {
		return says{d.Side, d.Share, fmt.Sprint(d.CDNs), d.TTL, d.Reason.Cause, d.Since}
	}
	return of(a) != of(b) || !slices.Equal(a.Addresses, b.Addresses) || fmt.Sprint(a.Origins) != fmt.Sprint(b.Origins)
}

// untold returns the decision as it is now, said to someone who has heard of
// none before.
func (h *history) untold() site.Decision {
	st := h.state
	st.Last = nil
	_, d := control.Decide(h.site, st, h.input(control.None))
	return *d
}

func TestEpochCountsWhatIsNew(t *testing.T) {
	h := observe(newSite(t, 2, twoCDNs, lastOnly))
	step := func(what string, epoch uint64, do func()) {
		t.Helper()
		before := h.last()
		do()
		if got := h.last().Epoch; got != epoch {
			t.Fatalf("%s: epoch %d, want %d", what, got, epoch)
		}
		if after := h.last(); before.Epoch == after.Epoch && news(before, after) {
			t.Fatalf("%s: news without an epoch", what)
		}
	}
	play := func(script string) func() { return func() { h.play(script, side) } }
	cdns := func(ready ...bool) func() {
		return func() {
			h.ready = ready
			h.decide(control.None)
		}
	}
	step("begin", 1, func() {})
	step("nothing heard", 1, func() { h.decide(control.None) })
	step("the first round", 2, play("0.5"))
	step("more of the same", 2, play("0.6 0.7 0.5*9"))
	step("a count begins: the TTL", 3, play("1.2/0.5 1.2/0.5 0.5/1.2 1.2"))
	step("it ends", 4, play("0.5"))
	step("an address fails: the TTL", 5, play("0.5/x*2"))
	step("it is down", 6, play("0.5/x"))
	step("it stays so", 6, play("0.5/x*5"))
	step("a CDN that nobody needs", 6, cdns(false, false))
	step("all CDNs ready", 6, cdns())
	step("the entry, after a count", 8, play("1.2/x*3"))
	step("higher still", 8, play("9/x*9"))
	step("the next CDN", 9, cdns(false, true))
	step("no CDN, and the TTL", 10, cdns(false, false))
}
