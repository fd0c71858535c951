package corefile

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// candidate is a site or a CDN that is to change. old and new are forms; nil: there
// is none.
type candidate struct {
	key      objectKey
	want     *site.Object // the text that new was made of; empty: none
	old, new any

	order int      // in the batch
	in    bool     // new is in force
	lost  *refused // why it does not change
	rival bool     // another candidate was the reason
}

// batch is candidates that change together: names may move from one to another,
// even crosswise. At first all that was is taken out and all that is new is put in.
// Whoever clashes loses: what it was comes back, and whoever has taken a name of
// that loses in turn. What was in force goes together, so this comes to an end.
type batch struct {
	o     *Overlay
	all   []*candidate // whoever comes first has the right of way
	by    map[objectKey]*candidate
	walks []*site.Site // whose ways are to be checked
	known map[*site.Site]bool
}

// settle has candidates change as far as they go together, with each other and
// with what is in force. Those that only clashed with others that lost get a
// second chance, one by one.
func (o *Overlay) settle(all []*candidate) {
	o.try(all)
	for _, c := range all {
		if c.lost != nil && c.rival {
			first := *c
			c.lost, c.rival = nil, false
			o.try([]*candidate{c})
			if c.lost != nil {
				c.lost.needs = append(c.lost.needs, first.lost.needs...)
			}
		}
	}
}

func (o *Overlay) try(all []*candidate) {
	b := &batch{o: o, all: all, by: make(map[objectKey]*candidate), known: make(map[*site.Site]bool)}
	for i, c := range all {
		c.order, b.by[c.key] = i, c
		o.take(c.old)
	}
	for _, c := range all {
		b.enter(c)
	}
	for _, c := range all {
		b.walk(c)
	}
	for b.check() {
	}
}

// enter puts in what is new, if it goes with what is there.
func (b *batch) enter(c *candidate) {
	if clash := b.o.put(c.new); clash != nil {
		b.lose(c, clash)
		return
	}
	c.in = true
	if r := b.o.tooMuch(c.new); r != nil {
		b.back(c, r, len(b.all) > 1)
	}
}

// lose takes c back for a clash.
func (b *batch) lose(c *candidate, clash *site.Clash) {
	b.back(c, refuse(c.new, clash), b.rival(c, clash) != nil)
}

// back puts in again what c was, and takes back whoever is in the way of that.
func (b *batch) back(c *candidate, why *refused, rival bool) {
	if c.in {
		b.o.take(c.new)
	}
	c.in, c.lost, c.rival = false, why, rival
	for clash := b.o.put(c.old); clash != nil; clash = b.o.put(c.old) {
		other := b.rival(c, clash)
		if other == nil {
			c.old = nil // what was in force goes together, so this does not happen
			break
		}
		b.back(other, refuse(other.new, clash), true)
	}
	b.walk(c)
}

// rival returns the last other candidate of those that take part in a clash.
func (b *batch) rival(c *candidate, clash *site.Clash) *candidate {
	for _, other := range slices.Backward(b.partners(clash)) {
		if other != c {
			return other
		}
	}
	return nil
}

// partners returns the candidates whose new form takes part in a clash, in order.
func (b *batch) partners(clash *site.Clash) []*candidate {
	var all []*candidate
	for _, s := range clash.Sites {
		if c := b.by[keyOfSite(s)]; c != nil && c.in && c.new == any(s) {
			all = append(all, c)
		}
	}
	for _, cdn := range clash.CDNs {
		if c := b.by[objectKey{site.ObjectCDN, cdn.Name}]; c != nil && c.in && c.new == any(cdn) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(x, y *candidate) int { return x.order - y.order })
	return all
}

// walk has the ways be checked that may have changed with c.
func (b *batch) walk(c *candidate) {
	var sites []*site.Site
	for _, form := range []any{c.old, c.new} {
		if s, ok := form.(*site.Site); ok {
			sites = append(sites, s)
		}
	}
	for _, s := range append(sites, b.o.set.Before(c.names())...) {
		if !b.known[s] {
			b.known[s] = true
			b.walks = append(b.walks, s)
		}
	}
}

// names returns all names that come and go with c.
func (c *candidate) names() []string {
	var names []string
	for _, form := range []any{c.old, c.new} {
		if s, ok := form.(*site.Site); ok {
			names = append(names, s.Names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// check looks for something that takes more than two to see, and reports whether
// somebody lost by it.
func (b *batch) check() bool {
	for len(b.walks) > 0 {
		s := b.walks[0]
		b.walks = b.walks[1:]
		delete(b.known, s)
		if !b.o.set.Has(s) {
			continue
		}
		if clash := b.o.set.CheckPath(s); clash != nil && b.blame(clash) {
			b.walks = append(b.walks, s)
		}
	}
	return b.checkBounds()
}

// blame takes back the last candidate that may be the reason for a clash on the
// way from site to site: one that is on it, or one that has left it.
func (b *batch) blame(clash *site.Clash) bool {
	c := b.rival(nil, clash)
	if c == nil {
		c = b.last(func(c *candidate) bool { return c.leaves(clash.Targets) })
	}
	if c == nil {
		return false // what was in force goes together, so this does not happen
	}
	b.back(c, refuse(c.new, clash), len(b.all) > 1)
	return true
}

// last returns the last candidate that is not lost and of which something is true.
func (b *batch) last(is func(*candidate) bool) *candidate {
	for _, c := range slices.Backward(b.all) {
		if c.lost == nil && is(c) {
			return c
		}
	}
	return nil
}

// leaves reports whether a candidate has given up a name that is led to.
func (c *candidate) leaves(targets []string) bool {
	old, ok := c.old.(*site.Site)
	return ok && slices.ContainsFunc(targets, func(target string) bool { return dns.IsFqdn(target) && old.Serves(target) })
}

// checkBounds takes back the last of those by which something became too much.
func (b *batch) checkBounds() bool {
	c := b.last(func(c *candidate) bool { return c.in && b.o.tooMuch(c.new) != nil })
	if c == nil {
		return false
	}
	b.back(c, b.o.tooMuch(c.new), len(b.all) > 1)
	return true
}

// changes returns what changes when a candidate does: objects may wait for it.
func (c *candidate) changes() []objectKey {
	keys := []objectKey{c.key, {kind: needsDownloads}}
	for _, name := range c.names() {
		keys = append(keys, objectKey{needsName, name})
	}
	if s, ok := c.old.(*site.Site); ok {
		for _, line := range s.CDNs {
			if line.Service != "" {
				keys = append(keys, objectKey{needsService, line.Name})
			}
		}
	}
	return keys
}
