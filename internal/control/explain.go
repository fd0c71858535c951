package control

import (
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// View is how one origin of a site looks at a moment, for people.
type View struct {
	Standing   Standing
	Health     []Health // of its addresses, in their order
	Thresholds []Verdict
	Back       time.Time // when it comes back if all stays as it is; zero: that is not in sight
}

// Verdict is what one threshold says.
type Verdict struct {
	site.Threshold
	Statistic site.Statistic // the one in force
	NoData    site.NoData    // the one in force
	Count     Count
	Samples   int // that count; 0: its data is missing
	Value, V  float64
	Age       time.Duration // of the newest sample
}

// Explain returns how the origins of a site look. It decides nothing.
func Explain(s *site.Site, st State, in Input) []View {
	d := begin(s, &st, in)
	views := make([]View, len(d.origins))
	for i := range d.origins {
		j := &d.origins[i]
		j.survey()
		views[i] = View{Standing: *j.st, Health: j.health, Back: j.returnDue()}
		for k := range j.counts {
			views[i].Thresholds = append(views[i].Thresholds, j.verdict(k))
		}
	}
	return views
}

func (j *judging) verdict(k int) Verdict {
	t := threshold(j.s, j.i, k)
	m := j.measure(t)
	v := Verdict{
		Threshold: *t, Statistic: inForce(t, m.samples), NoData: j.rule(k),
		Count: j.counts[k], Samples: m.samples, Value: m.value, V: m.v,
	}
	if m.samples > 0 {
		v.Age = j.in.Now.Sub(m.last.At)
	}
	return v
}

// ExplainCDN returns how the nodes of a CDN look, or the CDN as a whole. It decides
// nothing.
func ExplainCDN(c *site.WatchedCDN, st CDNState, in Input) []View {
	return Explain(judged(c, &st, in), st.State, in)
}
