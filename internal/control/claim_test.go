package control_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Claim 1 of US 7,657,622 in its literal form: below the threshold the
// origin's address, at or above it the CDN, and nothing in between.
func TestClaim1LiteralForm(t *testing.T) {
	literal := newSite(t, 1, lastOnly, enterAfter(1), recoverAt(1), failback(0), undamped)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.Float64Range(0, 20),
			rapid.Float64Range(0.99, 1.01),
			rapid.SampledFrom([]float64{0, 0.8, below(1), 1, above(1), 1.5, 10}))
		h := observe(literal)
		for _, v := range rapid.SliceOfN(value, 1, 100).Draw(t, "values") {
			h.wait(period)
			h.add(0, site.Sample{At: h.now, Signal: site.ResponseTime, Value: v})
			want := "edge"
			if v < 1 {
				want = "1"
			}
			if got := answer(h.last()); got != want {
				t.Fatalf("v is %v: answered with %s, want %s", v, got, want)
			}
		}
	})
}

// below and above are the nearest neighbours of v.
func below(v float64) float64 { return math.Nextafter(v, math.Inf(-1)) }
func above(v float64) float64 { return math.Nextafter(v, math.Inf(1)) }
