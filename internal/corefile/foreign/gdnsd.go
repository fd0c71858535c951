package foreign

import (
	"slices"
	"strconv"
	"strings"
)

// gdnsd is one import of its files.
type gdnsd struct {
	*writer
	o        Options
	services map[string]pair
	plugins  map[string]value
	ttls     ttlBounds

	checks  map[string]*check // by service type
	plans   map[string]*plan  // by plugin!resource
	classes map[string]*class // likewise
	used    map[string]bool   // resources that a record or another one leads to
	open    []string          // resources that are being resolved
}

// ttlBounds are gdnsd's limits of TTLs, in seconds.
type ttlBounds struct{ usual, least, most int }

// Gdnsd takes the dynamic records of zones, with what they lead to. Without the zone
// files it only says what is in the configuration.
func Gdnsd(from Files, config string, zones []string, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	top, err := readVSCF(from, config)
	if err != nil {
		return Result{}, err
	}
	if top.kind != isHash {
		return Result{}, top.errorf("the configuration of gdnsd is no array")
	}
	g := &gdnsd{
		writer: newWriter(), o: o, services: make(map[string]pair), plugins: make(map[string]value),
		ttls:   ttlBounds{usual: 86400, least: 5, most: 3600000},
		checks: make(map[string]*check), plans: make(map[string]*plan), classes: make(map[string]*class), used: make(map[string]bool),
	}
	g.readTop(top)
	for _, file := range zones {
		z, err := readGdnsdZone(from, file, g.ttls.usual)
		if err != nil {
			return Result{}, err
		}
		g.zone(z)
	}
	g.unused()
	return g.result, nil
}

// readTop reads what stands outside of all braces.
func (g *gdnsd) readTop(top value) {
	for _, p := range top.hash {
		known := slices.Contains([]string{"options", "service_types", "plugins"}, p.key)
		switch {
		case !known:
			g.lost(p.place, "'%s' is not known", p.key)
		case p.value.kind != isHash:
			g.lost(p.place, "'%s' has no braces", p.key)
		case p.key == "options":
			g.options(p.value)
		case p.key == "service_types":
			for _, s := range p.value.hash {
				g.services[s.key] = s
			}
		default:
			for _, plugin := range p.value.hash {
				g.plugin(plugin)
			}
		}
	}
}

// options reads those that concern records. The others are of the server.
func (g *gdnsd) options(v value) {
	for _, p := range v.hash {
		into := map[string]*int{"zones_default_ttl": &g.ttls.usual, "min_ttl": &g.ttls.least, "max_ttl": &g.ttls.most}[p.key]
		if into == nil {
			g.stays(p.place, "option '%s' is of the server, and no part of a site", p.key)
			continue
		}
		if n, ok := natural(p.value, 1<<28-1); ok {
			*into = n
		} else {
			g.lost(p.place, "option '%s' is no number of seconds", p.key)
		}
	}
}

// resolvers are those plugins of gdnsd whose resources can be taken.
var resolvers = []string{"multifo", "simplefo", "weighted", "metafo", "static"}

// whyNot says why the resources of other plugins cannot be taken.
var whyNot = map[string]string{
	"geoip":   "geoip chooses by where clients are: a site treats all networks alike",
	"reflect": "reflect answers with the client's own address",
	"null":    "null answers with no address of a server",
}

// plugin keeps the configuration of one.
func (g *gdnsd) plugin(p pair) {
	why := whyNot[p.key]
	switch {
	case slices.Contains(resolvers, p.key) && p.value.kind == isHash:
		g.plugins[p.key] = p.value
	case slices.Contains(resolvers, p.key):
		g.lost(p.place, "plugin '%s' has no braces", p.key)
	case why != "":
		g.lost(p.place, "%s", why)
	case slices.Contains([]string{"extmon", "extfile", "http_status", "tcp_connect"}, p.key):
		g.stays(p.place, "the settings of plugin '%s' are of the server, and no part of a site", p.key)
	default:
		g.lost(p.place, "plugin '%s' is not known", p.key)
	}
}

// params are what resources inherit.
type params map[string]value

var paramNames = []string{"service_types", "up_thresh", "multi", "ignore_health", "plugin"}

// under returns the params of a hash inside: its own go before.
func (p params) under(v value) params {
	own := make(params)
	for _, name := range paramNames {
		if value, found := v.get(name); found {
			own[name] = value
		} else if value, found := p[name]; found {
			own[name] = value
		}
	}
	return own
}

// entries returns what stands in a hash beside params.
func entries(v value, also ...string) []pair {
	return slices.DeleteFunc(slices.Clone(v.hash), func(p pair) bool { return slices.Contains(paramNames, p.key) || slices.Contains(also, p.key) })
}

// resource finds what a record, or a datacenter, leads to.
func (g *gdnsd) resource(plugin, name string) (p pair, inherited params, found bool) {
	top, known := g.plugins[plugin]
	if !known {
		return pair{}, nil, false
	}
	in := top
	if plugin == "metafo" {
		in, _ = top.get("resources")
	} else if slices.Contains(paramNames, name) {
		return pair{}, nil, false
	}
	i := slices.IndexFunc(in.hash, func(p pair) bool { return p.key == name })
	if i < 0 {
		return pair{}, nil, false
	}
	return in.hash[i], params{}.under(top), true
}

// unused notes the resources that nothing leads to.
func (g *gdnsd) unused() {
	for _, plugin := range resolvers {
		in := g.plugins[plugin]
		if plugin == "metafo" {
			in, _ = in.get("resources")
		}
		for _, p := range entries(in) {
			if !g.used[plugin+"!"+p.key] {
				g.lost(p.place, "no DYNA or DYNC record leads to %s!%s", plugin, p.key)
			}
		}
	}
}

// natural reads a number from 1 on. As gdnsd does it, that may begin with 0x, or
// with 0 for octal.
func natural(v value, most int) (int, bool) {
	n, err := strconv.ParseInt(v.text, 0, 64)
	if digits := strings.TrimPrefix(v.text, "0x"); v.kind != isString || err != nil || strings.ContainsAny(digits, "_oObB") && !strings.HasPrefix(v.text, "0x") {
		return 0, false
	}
	return int(n), n >= 1 && n <= int64(most)
}

// fraction reads a number above 0 and at most 1.
func fraction(v value) (float64, bool) {
	f, err := strconv.ParseFloat(v.text, 64)
	return f, v.kind == isString && err == nil && f > 0 && f <= 1
}

// boolean reads true or false.
func boolean(v value) (is, ok bool) {
	is = strings.EqualFold(v.text, "true")
	return is, v.kind == isString && (is || strings.EqualFold(v.text, "false"))
}
