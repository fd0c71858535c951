package foreign

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// class is what sites of a resource share. Without a name there is none.
type class struct {
	name string
	host string
	at   place // of the resource
}

// classOf writes the class of a resource, once.
func (g *gdnsd) classOf(plugin, name string) *class {
	key := plugin + "!" + name
	if known := g.classes[key]; known != nil {
		return known
	}
	c := &class{}
	g.classes[key] = c
	made := g.planOf(plugin, name)
	if made == nil {
		return c
	}
	c.at = made.place
	if !made.ok {
		return c
	}
	origins, cdns := split(made.steps)
	if len(origins) == 0 {
		g.lost(made.place, "%s has CNAMEs alone: a site needs an origin with addresses", key)
		return c
	}
	checks, ok := g.checksOf(made, origins)
	if !ok {
		return c
	}
	g.checksOfNames(cdns)
	addresses, ok := g.originLines(origins)
	if !ok {
		return c
	}
	lines := slices.Concat(hostLine(checks), addresses, g.probeLines(made.place, origins, checks), g.cdnLines(cdns, g.o.CDN))
	if class := g.class(made.name); g.object(made.place, site.ObjectClass, class, "class "+class, lines) {
		c.name, c.host = class, hostOf(checks)
	}
	return c
}

// checksOf finds out what is checked of all addresses of a site: they have the same
// probes.
func (g *gdnsd) checksOf(made *plan, origins []step) ([]*check, bool) {
	var names []string
	some, none := false, place{}
	for _, s := range origins {
		for _, list := range s.services {
			own := slices.DeleteFunc(slices.Clone(list), func(name string) bool { return name == "up" })
			slices.Sort(own)
			own = slices.Compact(own)
			switch {
			case len(own) == 0:
				none = s.place
			case some && !slices.Equal(own, names):
				g.lost(s.place, "service_types %s and %s: all addresses of a site have the same probes", quoted(names), quoted(own))
				return nil, false
			default:
				some, names = true, own
			}
		}
	}
	if some && none.line != 0 {
		g.lost(none, "these addresses are probed for %s, too: all addresses of a site have the same probes", quoted(names))
	}
	return g.usable(made, names)
}

func quoted(names []string) string { return "'" + strings.Join(names, "', '") + "'" }

// usable returns the checks that probes can be made of, one of a kind. Where there
// are none, the operator's own probe has to do.
func (g *gdnsd) usable(made *plan, names []string) ([]*check, bool) {
	var checks []*check
	good := true
	for _, name := range names {
		c := g.checkOf(made.place, name)
		same := func(other *check) bool { return other.kind == c.kind }
		switch {
		case c.kind == "":
			good = false
		case slices.ContainsFunc(checks, same):
			g.lost(c.place, "service type '%s': a site has one probe %s", name, c.kind)
		default:
			checks = append(checks, c)
		}
	}
	switch {
	case good && len(checks) > 0:
		return checks, true
	case g.o.Probe != "" && !slices.Contains(names, "down"):
		return nil, true
	case len(names) == 0:
		g.lost(made.place, "nothing is checked of the addresses of '%s', and a site needs a probe: say which with --probe", made.name)
	default:
		g.lost(made.place, "'%s' was not taken for its service types: say what is probed with --probe", made.name)
	}
	return nil, false
}

// checksOfNames notes what gdnsd checks of CNAMEs.
func (g *gdnsd) checksOfNames(cdns []step) {
	for _, s := range cdns {
		for _, list := range s.services {
			if !slices.Equal(list, []string{"up"}) && len(list) > 0 {
				g.lost(s.place, "service_types %s: what is checked of a CDN is said by `ready`", quoted(list))
			}
		}
	}
}

func hostOf(checks []*check) string {
	for _, c := range checks {
		if c.host != "" {
			return c.host
		}
	}
	return ""
}

func hostLine(checks []*check) []string {
	if host := hostOf(checks); host != "" {
		return []string{"host " + host}
	}
	return nil
}

// maxFailback is the longest failback_delay.
const maxFailback = 365 * 24 * time.Hour

// probeLines writes what is probed, and when an origin is out: when all of its
// addresses are down. It comes back when gdnsd would have it back.
func (g *gdnsd) probeLines(at place, origins []step, checks []*check) []string {
	const rules = "threshold error_ratio 100%"
	if len(checks) == 0 {
		return []string{"probe " + g.o.Probe, rules, "damping off"}
	}
	var lines []string
	back := time.Duration(0)
	several := slices.ContainsFunc(origins, func(s step) bool {
		return slices.ContainsFunc(s.members, func(m member) bool { return len(m.addresses) > 1 })
	})
	for _, c := range checks {
		lines = append(lines, "probe "+c.kind+" "+c.probe)
		back = max(back, time.Duration(c.up*c.interval)*time.Second)
		if several && c.upAt.line != 0 && c.up != ourUp {
			g.lost(c.upAt, "up_thresh %d: so it is for an origin as a whole; one of several addresses comes back after %d good probes in a row", c.up, ourUp)
			c.upAt = place{} // once
		}
	}
	if back > maxFailback {
		g.lost(at, "up_thresh and interval make %s, and failback_delay is at most %s", back, maxFailback)
		back = maxFailback
	}
	return append(lines, rules, fmt.Sprintf("failback_delay %ds", int(back.Seconds())), "damping off")
}
