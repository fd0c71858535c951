package foreign

import (
	"net/netip"
	"slices"
	"strings"
)

// metafo: the first of several datacenters that is up. With dc, that one alone.
func (g *gdnsd) metafo(p pair, inherited params, dc string) ([]step, bool) {
	if p.value.kind != isHash {
		g.lost(p.place, "metafo!%s has no braces", p.key)
		return nil, false
	}
	order, listed := p.value.get("datacenters")
	dcmap, mapped := p.value.get("dcmap")
	if !listed || !mapped || dcmap.kind != isHash {
		g.lost(p.place, "metafo!%s needs datacenters and dcmap", p.key)
		return nil, false
	}
	for _, extra := range entries(p.value, "datacenters", "dcmap") {
		g.lost(extra.place, "'%s' is not known in a resource of metafo", extra.key)
	}
	own := inherited.under(p.value)
	var steps []step
	for _, name := range order.items() {
		if dc != "" && name.text != dc {
			continue
		}
		v, found := dcmap.get(name.text)
		if !found {
			g.lost(name.place, "datacenter '%s' is not in dcmap", name.text)
			return nil, false
		}
		more, ok := g.datacenter(p.key, name.text, v, own)
		if !ok {
			return nil, false
		}
		steps = append(steps, more...)
	}
	if len(steps) == 0 {
		g.lost(p.place, "metafo!%s has no datacenter '%s'", p.key, dc)
		return nil, false
	}
	return g.addressesFirst(steps)
}

// addressesFirst refuses an order that a site cannot have: it goes to CDNs when all
// of its origins are out.
func (g *gdnsd) addressesFirst(steps []step) ([]step, bool) {
	isCDN := func(s step) bool { return s.members[0].target != "" }
	for i, s := range steps {
		if i > 0 && !isCDN(s) && isCDN(steps[i-1]) {
			g.lost(s.place, "a datacenter with addresses comes behind a CNAME: a site goes to CDNs when all of its origins are out")
			return nil, false
		}
	}
	return steps, true
}

// datacenter plans one: a reference to a resource, an address or several, a CNAME,
// or a resource that is written in its place.
func (g *gdnsd) datacenter(resource, dc string, v value, inherited params) ([]step, bool) {
	name := resource + "-" + dc
	if v.kind == isHash {
		plugin := pluginOf(inherited.under(v))
		if plugin == "metafo" || !slices.Contains(resolvers, plugin) {
			g.lost(v.place, "datacenter '%s' is of plugin '%s', which is not taken", dc, plugin)
			return nil, false
		}
		return g.leaf(plugin, name, v.place, v, inherited)
	}
	if v.kind == isArray {
		return g.leaf("multifo", name, v.place, v, inherited)
	}
	if rest, is := strings.CutPrefix(v.text, "%"); is {
		plugin, resource, _ := strings.Cut(rest, "!")
		return g.reference(v.place, plugin, resource)
	}
	if resource, is := strings.CutPrefix(v.text, "!"); is {
		return g.reference(v.place, pluginOf(inherited), resource)
	}
	if _, err := netip.ParseAddr(v.text); err == nil {
		return g.leaf("multifo", name, v.place, value{place: v.place, kind: isArray, list: []value{v}}, inherited)
	}
	target, ok := absoluteName(v.text)
	if !ok {
		g.lost(v.place, "'%s' is neither an address nor a name that ends in a dot", v.text)
		return nil, false
	}
	return []step{{place: v.place, members: []member{{name: dc, target: target}}, services: [][]string{g.family(v.place, value{kind: isHash}, inherited).services}}}, true
}

func pluginOf(p params) string {
	if v, found := p["plugin"]; found {
		return v.text
	}
	return "multifo"
}

// reference plans what a datacenter refers to.
func (g *gdnsd) reference(at place, plugin, name string) ([]step, bool) {
	made := g.planOf(plugin, name)
	switch {
	case made == nil:
		g.lost(at, "%s!%s is not a resource that is taken", plugin, name)
		return nil, false
	case !made.ok && made.line == 0:
		g.lost(at, "%s!%s leads back to itself", plugin, name)
		return nil, false
	case !made.ok:
		g.lost(at, "%s!%s was not taken, see %s", plugin, name, made.place)
		return nil, false
	}
	return made.steps, true
}
