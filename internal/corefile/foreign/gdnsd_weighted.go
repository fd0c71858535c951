package foreign

import (
	"net/netip"
	"slices"
)

const maxWeight = 1<<20 - 1

// weighted: one of several, by weight.
func (g *gdnsd) weighted(name string, at place, sets []family) ([]step, bool) {
	s := step{place: at, services: servicesOf(sets)}
	var multi []bool
	for i, f := range sets {
		members, ok := g.weightedSet(name, f)
		if !ok {
			return nil, false
		}
		multi = append(multi, g.isMulti(f))
		if i == 0 {
			s.members = members
		} else if s.members, ok = join(s.members, members); !ok || multi[0] != multi[i] {
			g.lost(f.place, "addrs_v4 and addrs_v6 have other names or weights: an origin has the addresses of both families")
			return nil, false
		}
	}
	if multi[0] {
		if s.members = merged(s.members); s.members == nil {
			g.lost(at, "multi: weighted!%s answers with several addresses at a time, some of them at random", name)
			return nil, false
		}
	}
	for i, m := range s.members {
		if m.target == "" {
			s.members[i].name = name + "-" + m.name
		}
	}
	g.twoFamilies(at, sets)
	return []step{s}, true
}

func (g *gdnsd) isMulti(f family) bool {
	v, found := f.params["multi"]
	is, ok := boolean(v)
	if found && !ok {
		g.lost(v.place, "multi '%s' is neither true nor false", v.text)
	}
	return is
}

// weightedSet reads what has weights: addresses, groups of them, or CNAMEs.
func (g *gdnsd) weightedSet(name string, f family) ([]member, bool) {
	var members []member
	whole, least := 0, maxWeight
	for _, p := range f.entries {
		m, ok := g.weightedItem(p)
		if ok && p.value.kind == isHash && g.isMulti(f) {
			g.lost(p.place, "multi: weighted!%s answers with one address of each group", name)
			ok = false
		}
		if !ok {
			return nil, false
		}
		members = append(members, m)
		whole, least = whole+m.weight, min(least, lightest(p, m))
	}
	if len(members) == 0 {
		g.lost(f.place, "weighted!%s has no address", name)
		return nil, false
	}
	cnames := slices.ContainsFunc(members, func(m member) bool { return m.target != "" })
	if cnames && slices.ContainsFunc(members, func(m member) bool { return m.target == "" }) {
		g.lost(f.place, "weighted!%s has addresses and names", name)
		return nil, false
	}
	if !cnames {
		g.upThresh(f, whole, least, "shares of the weight")
	}
	return members, true
}

// lightest returns the least weight in an item: of a group that of an address.
func lightest(p pair, m member) int {
	if p.value.kind != isHash {
		return m.weight
	}
	least := m.weight
	for _, item := range p.value.hash {
		if len(item.value.list) == 2 {
			if n, ok := natural(item.value.list[1], maxWeight); ok {
				least = min(least, n)
			}
		}
	}
	return least
}

// weightedItem reads [ WHAT, WEIGHT ], or a group of such.
func (g *gdnsd) weightedItem(p pair) (member, bool) {
	if p.value.kind == isHash {
		return g.weightedGroup(p)
	}
	m := member{name: p.key}
	if p.value.kind != isArray || len(p.value.list) != 2 {
		g.lost(p.place, "'%s' is not of the form [ ADDRESS, WEIGHT ]", p.key)
		return m, false
	}
	what, weight := p.value.list[0], p.value.list[1]
	var ok bool
	if m.weight, ok = natural(weight, maxWeight); !ok {
		g.lost(weight.place, "weight '%s' is not from 1 to %d", weight.text, maxWeight)
		return m, false
	}
	if target, is := absoluteName(what.text); is && what.kind == isString {
		m.target = target
		return m, true
	}
	addr, ok := g.address(what)
	m.addresses = []netip.Addr{addr}
	return m, ok
}

// weightedGroup reads a group of addresses, which are all answered with.
func (g *gdnsd) weightedGroup(p pair) (member, bool) {
	group := member{name: p.key}
	var first int
	for i, item := range p.value.hash {
		if item.value.kind == isHash {
			g.lost(item.place, "'%s' is a group in a group", item.key)
			return group, false
		}
		m, ok := g.weightedItem(item)
		if ok && m.target != "" {
			g.lost(item.place, "'%s' is a name in a group of addresses", item.key)
			ok = false
		}
		if !ok {
			return group, false
		}
		if i == 0 {
			first = m.weight
		} else if m.weight != first {
			g.lost(item.place, "weight %d: gdnsd answers with this address of '%s' more rarely than with others, cdnredirect always", m.weight, p.key)
		}
		group.addresses = g.append(item.place, group.addresses, m.addresses[0])
		group.weight += m.weight
	}
	if len(group.addresses) == 0 {
		g.lost(p.place, "group '%s' has no address", p.key)
		return group, false
	}
	if len(group.addresses) > 1 {
		g.lost(p.place, "with addresses of '%s' down, gdnsd gives it fewer clients, cdnredirect as many as before until all are", p.key)
	}
	return group, true
}

// join puts the addresses of two families together, item by item.
func join(a, b []member) ([]member, bool) {
	if len(a) != len(b) {
		return nil, false
	}
	joined := slices.Clone(a)
	for i, m := range joined {
		j := slices.IndexFunc(b, func(o member) bool { return o.name == m.name })
		if j < 0 || b[j].weight != m.weight || m.target != "" || b[j].target != "" {
			return nil, false
		}
		joined[i].addresses = append(slices.Clone(m.addresses), b[j].addresses...)
	}
	return joined, true
}

// merged makes one member of all, where all are always answered with: with equal
// weights. Otherwise it is nil.
func merged(members []member) []member {
	one := member{name: "all", weight: members[0].weight}
	for _, m := range members {
		if m.weight != one.weight || m.target != "" {
			return nil
		}
		for _, addr := range m.addresses {
			if !slices.Contains(one.addresses, addr) {
				one.addresses = append(one.addresses, addr)
			}
		}
	}
	return []member{one}
}
