package control

import (
	"cmp"
	"math"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Candidate is how one of a site's CDNs is at the moment.
type Candidate struct {
	Out  bool    // it takes nobody
	Full bool    // it gets no further sites while another CDN takes them
	Part float64 // of its clients that it takes: below 1 while it comes back, never 0
}

// choose returns the CDNs that take a site's clients, with their parts of them as
// weights. The lowest priority comes first, then the order of lines. What a CDN
// that comes back does not take yet is for the others of its priority, or for
// those behind it where there are none; one that is alone takes everybody. taken
// are those that have the site's clients now.
//
// What a CDN costs will have its say here, once that is known.
func choose(cdns []site.CDN, candidates []Candidate, taken []site.CDN) []site.CDN {
	able := func(i int) bool { return candidates == nil || !candidates[i].Out }
	order := ordered(cdns, func(i int) bool {
		return able(i) && (candidates == nil || !candidates[i].Full || holds(taken, cdns[i]))
	})
	if len(order) == 0 {
		order = ordered(cdns, able)
	}
	first := foremost(cdns, order)
	if candidates == nil || !slices.ContainsFunc(first, func(i int) bool { return candidates[i].Part < 1 }) {
		return pick(cdns, first)
	}
	return share(cdns, order, candidates)
}

func holds(cdns []site.CDN, c site.CDN) bool {
	return slices.ContainsFunc(cdns, func(o site.CDN) bool { return o.Name == c.Name })
}

// ordered returns the indices of the fit CDNs in the order of preference.
func ordered(cdns []site.CDN, fit func(int) bool) []int {
	order := make([]int, 0, len(cdns))
	for i := range cdns {
		if fit(i) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(cdns[i].Priority, cdns[j].Priority) })
	return order
}

// foremost returns the beginning of order that is preferred alike: one CDN, or those
// of its priority that share the clients by weight.
func foremost(cdns []site.CDN, order []int) []int {
	n := min(1, len(order))
	for n < len(order) && cdns[order[n]].Weight > 0 && cdns[order[n]].Priority == cdns[order[0]].Priority {
		n++
	}
	return order[:n]
}

// pick returns some of the CDNs, without a copy of one.
func pick(cdns []site.CDN, indices []int) []site.CDN {
	if len(indices) == 1 {
		i := indices[0]
		return cdns[i : i+1 : i+1]
	}
	var picked []site.CDN
	for _, i := range indices {
		picked = append(picked, cdns[i])
	}
	return picked
}

// wholeWeight is the weight of all clients together where they are shared with a
// CDN that comes back.
const wholeWeight = 1000

// share shares the clients rank by rank: each takes what the readiest CDN of it
// does, and leaves the rest to the next.
func share(cdns []site.CDN, order []int, candidates []Candidate) []site.CDN {
	var chosen []site.CDN
	weight := func(i int) float64 { return float64(max(1, cdns[i].Weight)) * candidates[i].Part }
	for left := 1.; left > 0 && len(order) > 0; {
		group := foremost(cdns, order)
		order = order[len(group):]
		most, sum := 0., 0.
		for _, i := range group {
			most, sum = max(most, candidates[i].Part), sum+weight(i)
		}
		for _, i := range group {
			c := cdns[i]
			c.Weight = max(1, int(math.Round(wholeWeight*left*most*weight(i)/sum)))
			chosen = append(chosen, c)
		}
		left *= 1 - most
	}
	if len(chosen) == 1 {
		chosen[0].Weight = 0 // all
	}
	return chosen
}
