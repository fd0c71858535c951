package foreign

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// plan is what a resource does, in our words: the first step that is not out
// serves.
type plan struct {
	place
	name  string
	steps []step
	ok    bool // all of it can be taken, or is noted
}

// planOf finds out what a resource does, once.
func (g *gdnsd) planOf(plugin, name string) *plan {
	key := plugin + "!" + name
	if known := g.plans[key]; known != nil {
		return known
	}
	if len(g.open) > maxNesting || slices.Contains(g.open, key) {
		return &plan{}
	}
	base, dc, _ := strings.Cut(name, "/")
	if plugin != "metafo" {
		base, dc = name, ""
	}
	p, inherited, found := g.resource(plugin, base)
	if !found {
		return nil
	}
	g.used[plugin+"!"+base] = true
	g.open = append(g.open, key)
	made := g.plan(plugin, base, p, inherited, dc)
	g.open = g.open[:len(g.open)-1]
	g.plans[key] = made
	return made
}

func (g *gdnsd) plan(plugin, name string, p pair, inherited params, dc string) *plan {
	made := &plan{place: p.place, name: name}
	switch {
	case plugin == "metafo":
		made.steps, made.ok = g.metafo(p, inherited, dc)
		made.name = strings.TrimSuffix(name+"-"+dc, "-")
	default:
		made.steps, made.ok = g.leaf(plugin, name, p.place, p.value, inherited)
	}
	return made
}

// leaf plans a resource of a plugin that answers itself.
func (g *gdnsd) leaf(plugin, name string, at place, v value, inherited params) ([]step, bool) {
	if plugin == "static" {
		return g.static(name, at, v)
	}
	if v.kind != isHash && plugin != "multifo" {
		g.lost(at, "%s!%s has no braces", plugin, name)
		return nil, false
	}
	sets, ok := g.families(at, v, inherited)
	if !ok {
		return nil, false
	}
	switch plugin {
	case "multifo":
		return g.multifo(name, at, sets)
	case "simplefo":
		return g.simplefo(name, at, sets)
	}
	return g.weighted(name, at, sets)
}

// family is what a resource has of one family of addresses.
type family struct {
	place
	params
	entries  []pair
	services []string
}

// families splits a resource by addrs_v4 and addrs_v6, or takes it as a whole.
func (g *gdnsd) families(at place, v value, inherited params) ([]family, bool) {
	own := inherited.under(v)
	var sets []family
	for _, key := range []string{"addrs_v4", "addrs_v6"} {
		if set, found := v.get(key); found {
			sets = append(sets, g.family(set.place, set, own))
		}
	}
	if len(sets) == 0 {
		return []family{g.family(at, v, own)}, true
	}
	for _, p := range entries(v, "addrs_v4", "addrs_v6") {
		g.lost(p.place, "'%s' stands beside addrs_v4 or addrs_v6", p.key)
		return nil, false
	}
	return sets, true
}

func (g *gdnsd) family(at place, v value, inherited params) family {
	f := family{place: at, params: inherited.under(v), entries: entries(v)}
	if v.kind != isHash {
		for _, item := range v.items() {
			f.entries = append(f.entries, pair{place: item.place, value: item})
		}
	}
	f.services = []string{"up"}
	if types, found := f.params["service_types"]; found {
		f.services = nil
		for _, item := range types.items() {
			f.services = append(f.services, item.text)
		}
	}
	return f
}

func servicesOf(sets []family) (all [][]string) {
	for _, f := range sets {
		all = append(all, f.services)
	}
	return all
}

// address reads one, or notes why that is none.
func (g *gdnsd) address(v value) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(v.text)
	if v.kind != isString || err != nil || !site.Reachable(addr) {
		g.lost(v.place, "'%s' is not an address that visitors can reach", v.text)
		return addr, false
	}
	return addr, true
}

// twoFamilies notes what differs where a family is out and the other is not.
func (g *gdnsd) twoFamilies(at place, sets []family) {
	if len(sets) > 1 {
		g.lost(at, "gdnsd treats IPv4 and IPv6 apart; here an origin has the addresses of both, those that are down leave, and it is out when all are")
	}
}

// multifo: all addresses that are up.
func (g *gdnsd) multifo(name string, at place, sets []family) ([]step, bool) {
	var all []netip.Addr
	for _, f := range sets {
		before := len(all)
		for _, p := range f.entries {
			addr, ok := g.address(p.value)
			if !ok {
				return nil, false
			}
			all = g.append(p.value.place, all, addr)
		}
		if len(all) == before {
			g.lost(f.place, "multifo!%s has no address", name)
			return nil, false
		}
		g.upThresh(f, len(all)-before, 1, "addresses")
		g.ignoreHealth(f)
	}
	g.twoFamilies(at, sets)
	return []step{{place: at, members: []member{{name: name, addresses: all}}, services: servicesOf(sets)}}, true
}

// append adds an address that is not there yet.
func (g *gdnsd) append(at place, all []netip.Addr, addr netip.Addr) []netip.Addr {
	if slices.Contains(all, addr) {
		g.lost(at, "address '%s' is repeated", addr)
		return all
	}
	return append(all, addr)
}

// upThresh notes where the part that must be up makes a difference: whole is the
// weight of all, and least that of one alone.
func (g *gdnsd) upThresh(f family, whole, least int, what string) {
	at, part := f.place, 0.5
	if v, found := f.params["up_thresh"]; found {
		at = v.place
		var ok bool
		if part, ok = fraction(v); !ok {
			g.lost(at, "up_thresh '%s' is not a number above 0 and at most 1", v.text)
			return
		}
	}
	if need := int(math.Ceil(float64(whole) * part)); need > least {
		g.lost(at, "up_thresh %g: with less than %d of %d %s up, gdnsd takes the resource for down and answers as if all were up; cdnredirect answers with what is up, and takes it for down when nothing is", part, need, whole, what)
	}
}

func (g *gdnsd) ignoreHealth(f family) {
	v, found := f.params["ignore_health"]
	if is, ok := boolean(v); found && (is || !ok) {
		g.lost(v.place, "ignore_health: cdnredirect leaves out addresses that are down")
	}
}

// simplefo: the first address, and the second one while that is down.
func (g *gdnsd) simplefo(name string, at place, sets []family) ([]step, bool) {
	steps := make([]step, 2)
	for i, key := range []string{"primary", "secondary"} {
		m := member{name: name + "-" + key}
		for _, f := range sets {
			v, found := value{kind: isHash, hash: f.entries}.get(key)
			if !found {
				g.lost(f.place, "simplefo!%s has no %s", name, key)
				return nil, false
			}
			addr, ok := g.address(v)
			if !ok {
				return nil, false
			}
			m.addresses = append(m.addresses, addr)
		}
		steps[i] = step{place: at, members: []member{m}, services: servicesOf(sets)}
	}
	for _, f := range sets {
		for _, p := range f.entries {
			if p.key != "primary" && p.key != "secondary" {
				g.lost(p.place, "'%s' is neither primary nor secondary", p.key)
			}
		}
	}
	g.twoFamilies(at, sets)
	return steps, true
}

// static: an address or a name that nobody checks.
func (g *gdnsd) static(name string, at place, v value) ([]step, bool) {
	m := member{name: name}
	if target, ok := absoluteName(v.text); ok && v.kind == isString {
		m.target = target
	} else if addr, ok := g.address(v); ok {
		m.addresses = []netip.Addr{addr}
	} else {
		return nil, false
	}
	return []step{{place: at, members: []member{m}, services: [][]string{{"up"}}}}, true
}

// absoluteName reads a name that ends in a dot, and is no address.
func absoluteName(text string) (string, bool) {
	if _, err := netip.ParseAddr(text); err == nil || !strings.HasSuffix(text, ".") {
		return "", false
	}
	name, err := site.CanonicalName(text)
	return strings.TrimSuffix(name, "."), err == nil && name != "."
}
