package site

import "slices"

// link is where a CNAME of a site may point to.
type link struct{ property, target string }

func (s *Site) links() []link {
	links := make([]link, 0, len(s.CDNs)+1)
	for _, c := range s.CDNs {
		links = append(links, link{"cdn '" + c.Name + "'", c.Target})
	}
	if s.Answer.Form == FormCNAME && s.Alias() == "" {
		links = append(links, link{"'answer cname'", s.Answer.Host})
	}
	return links
}

// MaxChain is how many CNAMEs one answer may hold, and how many may lead to the
// addresses of a name that is looked up.
const MaxChain = 8

// CheckPath walks from site to site over all their targets. It refuses the way
// back to where it began, and a way of too many sites.
func (set *Set) CheckPath(start *Site) *Clash {
	if !set.leads(start) {
		return nil
	}
	before := map[*Site]*Site{}      // on the shortest way
	depth := map[*Site]int{start: 1} // CNAMEs up to that of the site
	next := []*Site{start}
	for len(next) > 0 {
		s := next[0]
		next = next[1:]
		if depth[s] > MaxChain {
			return set.onTheWay(before, s, start, "the targets of site '%s' lead over more than %d sites, up to '%s'", start.Name(), MaxChain, s.Name())
		}
		for _, l := range s.links() {
			t := set.names.of(l.target)
			if t == start {
				return set.onTheWay(before, s, s, "target '%s' of %s leads back to the site '%s'", l.target, l.property, start.Name())
			}
			if t != nil && depth[t] == 0 {
				before[t], depth[t] = s, depth[s]+1
				next = append(next, t)
			}
		}
	}
	return nil
}

// leads reports whether any target of a site is a site's.
func (set *Set) leads(s *Site) bool {
	for _, c := range s.CDNs {
		if set.names.of(c.Target) != nil {
			return true
		}
	}
	return s.Answer.Form == FormCNAME && s.Alias() == "" && set.names.of(s.Answer.Host) != nil
}

// onTheWay is a clash of all sites on the way to one of them.
func (set *Set) onTheWay(before map[*Site]*Site, end, at *Site, format string, args ...any) *Clash {
	c := clash(at, nil, format, args...)
	c.Sites = nil
	for s := end; s != nil; s = before[s] {
		c.Sites = append(c.Sites, s)
		for _, l := range s.links() {
			c.Targets = append(c.Targets, l.target)
		}
	}
	slices.Reverse(c.Sites)
	return c
}

// Before returns the sites whose ways may lead over one of the names, and so may
// be other ones when that name comes or goes.
func (set *Set) Before(names []string) []*Site {
	var all []*Site
	var known map[*Site]bool
	for range MaxChain {
		var next []string
		for _, s := range set.targets.to(names) {
			if known == nil {
				known = make(map[*Site]bool)
			}
			if !known[s] {
				known[s] = true
				all = append(all, s)
				next = append(next, s.Names...)
			}
		}
		if names = next; len(names) == 0 {
			break
		}
	}
	return all
}
