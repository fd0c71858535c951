package control

import (
	"cmp"
	"hash/fnv"
	"io"
	"math"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Candidate is how one of a site's CDNs is at the moment.
type Candidate struct {
	Out     bool    // it takes nobody
	Lost    bool    // its target leads nowhere, or back to the site: no override sends anybody there
	Spare   bool    // it is out, but serves: better than an origin that is down
	Unknown bool    // nothing is known of it: it comes after those of which something is
	Untried bool    // it is out for no other reason than that its gate was never checked
	Room    float64 // of the sites that are not there yet, which part may come, 0 to 1: 0 while it is full
	Part    float64 // of its clients that it takes: below 1 while it comes back, never 0
}

// Good is a candidate of which nothing bad is known.
func Good() Candidate { return Candidate{Room: 1, Part: 1} }

// choose returns the CDNs that take a site's clients, with their parts of them as
// weights. The lowest priority comes first, then the order of lines; those come
// last of which nothing is known, and, for an origin that is down, those that are
// only slow. What a CDN that comes back does not take yet is for the others of its
// priority, or for those behind it where there are none; one that is alone takes
// everybody.
//
// What a CDN costs will have its say here, once that is known.
func (d *deciding) choose() []site.CDN {
	cdns, candidates := d.s.CDNs, d.candidates()
	if candidates == nil {
		return pick(cdns, foremost(cdns, ordered(cdns, func(int) bool { return true })))
	}
	taken, drawn := d.st.Decision().CDNs, draw(d.s.Name())
	able := func(i int) bool { return !candidates[i].Out && !candidates[i].Unknown }
	room := func(i int) bool { return candidates[i].Room > drawn || holds(taken, cdns[i]) }
	order := ordered(cdns, func(i int) bool { return able(i) && room(i) })
	order = append(order, ordered(cdns, func(i int) bool { return able(i) && !room(i) })...)
	if len(order) == 0 {
		order = ordered(cdns, func(i int) bool { return !candidates[i].Out })
	}
	if len(order) == 0 && d.down() {
		order = ordered(cdns, func(i int) bool { return candidates[i].Spare })
	}
	first := foremost(cdns, order)
	if !slices.ContainsFunc(first, func(i int) bool { return candidates[i].Part < 1 }) {
		return pick(cdns, first)
	}
	return share(cdns, order, candidates)
}

// candidates returns how the CDNs are. After a restart those that the site was at stay
// as they were until something is heard of them.
func (d *deciding) candidates() []Candidate {
	if d.in.CDNs == nil || !d.expecting(d.patience) {
		return d.in.CDNs
	}
	candidates, taken := slices.Clone(d.in.CDNs), d.st.Decision().CDNs
	for i, c := range candidates {
		if holds(taken, d.s.CDNs[i]) && (c.Untried || c.Unknown && !c.Out) {
			candidates[i] = Good()
		}
	}
	return candidates
}

func holds(cdns []site.CDN, c site.CDN) bool {
	return slices.ContainsFunc(cdns, func(o site.CDN) bool { return o.Name == c.Name })
}

// draw returns a number from 0 to below 1 that follows from a site's name: sites
// come to a CDN that has room again one by one.
func draw(name string) float64 {
	hash := fnv.New64a()
	io.WriteString(hash, name)
	return float64(hash.Sum64()>>11) / (1 << 53)
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

// foremost returns the beginning of order that is preferred alike: one CDN, or
// those of its priority that share the clients by weight.
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
const wholeWeight = 10_000

// share shares the clients group by group. Each CDN takes its part; the rest is
// for those of the group that are back, or for the next group.
func share(cdns []site.CDN, order []int, candidates []Candidate) []site.CDN {
	var chosen []site.CDN
	weight := func(i int) float64 { return float64(max(1, cdns[i].Weight)) }
	for left := 1.; left > 0 && len(order) > 0; {
		group := foremost(cdns, order)
		order = order[len(group):]
		sum, whole, taken := 0., 0., 0. // weights of all, of those that are back, and what all take
		for _, i := range group {
			sum += weight(i)
		}
		for _, i := range group {
			taken += weight(i) / sum * candidates[i].Part
			if candidates[i].Part == 1 {
				whole += weight(i)
			}
		}
		for _, i := range group {
			part := weight(i) / sum * candidates[i].Part
			if candidates[i].Part == 1 {
				part += (1 - taken) * weight(i) / whole
			}
			c := cdns[i]
			c.Weight = max(1, int(math.Round(wholeWeight*left*part)))
			chosen = append(chosen, c)
		}
		if left *= 1 - taken; whole > 0 {
			left = 0
		}
	}
	if len(chosen) == 1 {
		chosen[0].Weight = 0 // all
	}
	return chosen
}
