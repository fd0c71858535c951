package foreign

import (
	"fmt"
	"net/netip"
	"slices"
)

// step is a set of origins, or of CDNs, that share the clients by weight.
type step struct {
	place
	members  []member
	services [][]string // gdnsd: names of service types, of each family of addresses
}

type member struct {
	name      string
	addresses []netip.Addr
	target    string // of a CNAME; then there are no addresses
	weight    int
}

// split returns the steps with addresses, and those behind them with names.
func split(steps []step) (origins, cdns []step) {
	i := slices.IndexFunc(steps, func(s step) bool { return s.members[0].target != "" })
	if i < 0 {
		return steps, nil
	}
	return steps[:i], steps[i:]
}

// originLines writes the origins, by blocks where there are several.
func (w *writer) originLines(steps []step) (lines []string, ok bool) {
	if len(steps) == 1 && len(steps[0].members) == 1 {
		return []string{"origin " + joinAddresses(steps[0].members[0].addresses)}, true
	}
	var before []string
	for priority, s := range steps {
		var now []string
		for _, m := range s.members {
			name, ok := w.origin(s.place, m.name, m.addresses, now)
			if !ok {
				return nil, false
			}
			now = append(now, name)
			if !slices.Contains(before, name) { // one that was out before is out
				lines = append(lines, "origin "+name+preference(priority, m, s))
			}
		}
		before = append(before, now...)
	}
	return lines, true
}

// preference writes the place of a member among others.
func preference(priority int, m member, s step) (words string) {
	if priority > 0 {
		words = fmt.Sprintf(" priority %d", priority)
	}
	if len(s.members) > 1 {
		words += fmt.Sprintf(" weight %d", m.weight)
	}
	return words
}

// cdnLines writes where visitors go when all origins are out. Without a CDN they
// get the usual one.
func (w *writer) cdnLines(steps []step, usual string) []string {
	if len(steps) == 0 {
		return w.usual(usual)
	}
	var lines []string
	named := make(map[string]bool)
	for priority, s := range steps {
		for _, m := range s.members {
			name := w.free(m.name, func(name string) bool { return !named[name] })
			named[name] = true
			target, err := word(m.target)
			if err != nil {
				w.lost(s.place, "%v", err)
				continue
			}
			lines = append(lines, "cdn "+name+" "+target+preference(priority, m, s))
		}
	}
	return append(lines, "ready none")
}

// usual is the operator's, or one that nobody is sent to.
func (w *writer) usual(cdn string) []string {
	if cdn != "" {
		return []string{"cdn " + cdn}
	}
	return []string{"cdn later later.invalid", "ready none", "divert none"}
}
