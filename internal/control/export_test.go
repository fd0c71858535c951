package control

import "github.com/cdnredirect/cdnredirect/internal/site"

// Choose is choose for a site of that name, whose origin is down or not.
func Choose(name string, cdns []site.CDN, candidates []Candidate, taken []site.CDN, down bool) []site.CDN {
	s := site.New(name)
	s.CDNs = cdns
	health := HealthUp
	if down {
		health = HealthDown
	}
	d := &deciding{s: s, st: &State{Last: &site.Decision{CDNs: taken}}, in: Input{CDNs: candidates}, origins: []judging{{health: []Health{health}}}}
	return d.choose()
}

// Draw is draw.
var Draw = draw
