package foreign

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// gslbFile is a file of records.
type gslbFile struct {
	defaults yamlValue
	profiles yamlValue
}

// gslbRecord is a record with what it inherits.
type gslbRecord struct {
	gslbFile
	yamlValue
	name string // without the final dot
	at   place
}

// field returns what a record says, or the defaults of its file.
func (r gslbRecord) field(key string) (yamlValue, bool) {
	if v, found := r.get(key); found {
		return v, true
	}
	return r.defaults.get(key)
}

// The keys that say something, and those that are for people.
var (
	fileKeys    = []string{"defaults", "healthcheck_profiles", "records"}
	recordKeys  = []string{"mode", "backends", "failover_policy", "fallback_policy", "alpn", "record_ttl", "scrape_interval", "scrape_retries", "scrape_timeout", "owner", "description"}
	backendKeys = []string{"address", "port", "priority", "weight", "enable", "assume_healthy", "rise", "fall", "healthchecks", "timeout", "description", "tags",
		"location", "continent", "country", "subdivision", "city", "asn", "longitude", "latitude", "location_countries", "location_cities", "location_asns", "location_custom", "location_country", "location_city", "location_asn"}
)

// strangers notes keys that are not known.
func (g *gslb) strangers(v yamlValue, known []string) {
	for _, key := range v.keys() {
		if !slices.Contains(known, key.text()) {
			g.lost(key.here(), "'%s' is not taken", key.text())
		}
	}
}

// records reads a file of records, once.
func (g *gslb) records(from Files, path string) error {
	if g.read[path] {
		return nil
	}
	g.read[path] = true
	top, err := readYAML(from, path)
	if err != nil {
		return err
	}
	g.strangers(top, fileKeys)
	var f gslbFile
	f.defaults, _ = top.get("defaults")
	f.profiles, _ = top.get("healthcheck_profiles")
	g.strangers(f.defaults, recordKeys)
	records, _ := top.get("records")
	for _, key := range records.keys() {
		v, _ := records.get(key.text())
		g.record(gslbRecord{gslbFile: f, yamlValue: v, name: key.text(), at: key.here()})
	}
	return nil
}

// record makes a site of a record.
func (g *gslb) record(r gslbRecord) {
	given := r.name
	name, err := site.CanonicalName(given)
	r.name = strings.TrimSuffix(name, ".")
	head, wrong := word(r.name)
	switch {
	case err != nil || wrong != nil || name == ".":
		g.lost(r.at, "'%s' is not a name of a site", printable(given))
		return
	case !r.is(yaml.MappingNode):
		g.lost(r.at, "record '%s' says nothing", r.name)
		return
	case g.taken["site "+r.name]:
		g.lost(r.at, "'%s' is a site already", r.name)
		return
	}
	g.strangers(r.yamlValue, recordKeys)
	backends := g.backends(r)
	steps, ok := g.steps(r, backends)
	if !ok {
		return
	}
	probes, ok := g.probes(r, backends)
	if !ok {
		return
	}
	hosts, ok := g.hostLines(r, probes)
	if !ok {
		return
	}
	steps = g.fallback(r, steps)
	origins, cdns := split(steps)
	addresses, ok := g.originLines(origins)
	if !ok {
		return
	}
	lines := slices.Concat(hosts, addresses, probes.lines(), []string{"threshold error_ratio 100%"}, back(probes), []string{"damping off"},
		g.cdnLines(cdns, g.o.CDN), []string{"ttl " + g.ttl(r)}, g.alpn(r))
	g.object(r.at, site.ObjectSite, r.name, "site "+head, lines)
}

// back is when an origin comes back: as soon as its addresses do, where it is known
// that these are checked as before.
func back(p *gslbProbes) []string {
	if p.own {
		return nil
	}
	return []string{"failback_delay 0s"}
}

// backend is one of a record.
type backend struct {
	yamlValue
	address  netip.Addr
	target   string
	priority int
	weight   int
}

// backends reads those that are enabled.
func (g *gslb) backends(r gslbRecord) (all []backend) {
	list, _ := r.field("backends")
	for _, v := range list.items() {
		g.strangers(v, backendKeys)
		b := backend{yamlValue: v, weight: 1}
		address, _ := v.get("address")
		if enable, _ := v.get("enable"); enable.text() == "false" {
			g.stays(v.here(), "backend '%s' is not enabled", address.text())
			continue
		}
		b.priority = g.whole(v, "priority", 0)
		if w := g.whole(v, "weight", 1); w > 0 {
			b.weight = w
		}
		if port := g.whole(v, "port", 0); port != 0 && port != 80 && port != 443 {
			g.lost(v.here(), "port %d: HTTPS and SRV records with a port are not answered", port)
		}
		var err error
		if b.address, err = netip.ParseAddr(address.text()); err != nil {
			name, bad := site.CanonicalName(address.text())
			b.target = strings.TrimSuffix(name, ".")
			if _, cannot := word(b.target); bad != nil || cannot != nil || b.target == "" {
				g.lost(v.here(), "'%s' is neither an address nor a name", printable(address.text()))
				continue
			}
		} else if !site.Reachable(b.address) {
			g.lost(v.here(), "'%s' is not an address that visitors can reach", b.address)
			continue
		}
		if slices.ContainsFunc(all, func(o backend) bool { return o.address == b.address && o.target == b.target }) {
			g.lost(v.here(), "backend '%s' is repeated", address.text())
			continue
		}
		all = append(all, b)
	}
	return all
}

// whole reads a number of a mapping.
func (g *gslb) whole(v yamlValue, key string, usual int) int {
	given, found := v.get(key)
	if !found {
		return usual
	}
	n, err := strconv.Atoi(given.text())
	if err != nil || n < 0 || n > 1<<20 {
		g.lost(given.here(), "%s '%s' is no number from 0 to %d", key, printable(given.text()), 1<<20)
		return usual
	}
	return n
}

// steps says which backends serve in which order.
func (g *gslb) steps(r gslbRecord, all []backend) ([]step, bool) {
	mode := "failover"
	if v, found := r.field("mode"); found {
		mode = strings.ToLower(v.text())
	}
	var groups [][]backend
	switch mode {
	case "failover":
		groups = byPriority(all)
	case "random":
		groups = [][]backend{all}
	case "weighted", "ip-hash", "roundrobin", "round-robin":
		return g.shared(r, mode, all)
	default:
		g.lost(r.at, "record '%s': mode '%s' is not taken", r.name, printable(mode))
		return nil, false
	}
	if !g.hasAddress(r, all) {
		return nil, false
	}
	g.families(r, all)
	var steps []step
	for i, group := range groups {
		m := member{name: fmt.Sprintf("%s-%d", strings.ReplaceAll(r.name, ".", "-"), i+1)}
		for _, b := range group {
			if b.target != "" && len(group) > 1 {
				g.lost(b.here(), "record '%s': name '%s' stands beside other backends", r.name, b.target)
				return nil, false
			}
			if m.target = b.target; m.target == "" {
				m.addresses = append(m.addresses, b.address)
			} else {
				m.name = cdnName(b.target + ".")
			}
		}
		if i > 0 && m.target == "" && steps[i-1].members[0].target != "" {
			g.lost(group[0].here(), "record '%s': an address comes behind a name: a site goes to CDNs when all of its origins are out", r.name)
			return nil, false
		}
		steps = append(steps, step{place: group[0].here(), members: []member{m}})
	}
	return steps, true
}

// byPriority groups backends that are answered with at a time.
func byPriority(all []backend) (groups [][]backend) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b backend) int { return cmp.Compare(a.priority, b.priority) })
	for i, b := range sorted {
		if i == 0 || b.priority != sorted[i-1].priority {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], b)
	}
	return groups
}

// hasAddress refuses a record of which no origin can be made.
func (g *gslb) hasAddress(r gslbRecord, all []backend) bool {
	is := slices.ContainsFunc(all, func(b backend) bool { return b.target == "" })
	if !is {
		g.lost(r.at, "record '%s' has no backend with an address: a site needs an origin", r.name)
	}
	return is
}

// families notes what differs where a record has addresses of both, and reports
// whether it has.
func (g *gslb) families(r gslbRecord, all []backend) bool {
	some := func(is bool) bool {
		return slices.ContainsFunc(all, func(b backend) bool { return b.target == "" && b.address.Is4() == is })
	}
	both := some(true) && some(false)
	if both {
		g.lost(r.at, "record '%s': there a backend is chosen for A and for AAAA each, here an origin has the addresses of both", r.name)
	}
	return both
}

// shared has each client answered with one backend.
func (g *gslb) shared(r gslbRecord, mode string, all []backend) ([]step, bool) {
	if !g.hasAddress(r, all) || g.families(r, all) {
		return nil, false
	}
	s := step{place: r.at}
	for _, b := range all {
		if b.target != "" {
			g.lost(b.here(), "record '%s': name '%s' stands beside other backends", r.name, b.target)
			return nil, false
		}
		weight := 1
		if mode == "weighted" {
			weight = b.weight
		}
		name := fmt.Sprintf("%s-%d", strings.ReplaceAll(r.name, ".", "-"), len(s.members)+1)
		s.members = append(s.members, member{name: name, addresses: []netip.Addr{b.address}, weight: weight})
	}
	return []step{s}, true
}

// fallback reads what is answered when all is down.
func (g *gslb) fallback(r gslbRecord, steps []step) []step {
	policy, found := r.field("fallback_policy")
	if !found {
		policy, found = r.field("failover_policy")
	}
	mode, _ := policy.get("mode")
	switch {
	case !found || mode.text() == "fail-open":
		return steps
	case mode.text() == "fail-closed" || mode.text() == "rcode":
		g.lost(policy.here(), "record '%s': a site goes on answering with its origin when all is down", r.name)
		return steps
	}
	g.strangers(policy, []string{"mode", "rcode", "fallback_ips", "fallback_cname"})
	if cname, found := policy.get("fallback_cname"); found && cname.text() != "" {
		name, err := site.CanonicalName(cname.text())
		if _, bad := word(name); err == nil && bad == nil && name != "." {
			return append(steps, step{place: cname.here(), members: []member{{name: "fallback", target: strings.TrimSuffix(name, ".")}}})
		}
		g.lost(cname.here(), "fallback_cname '%s' is not a name", printable(cname.text()))
		return steps
	}
	return g.fallbackAddresses(r, policy, steps)
}

func (g *gslb) fallbackAddresses(r gslbRecord, policy yamlValue, steps []step) []step {
	m := member{name: strings.ReplaceAll(r.name, ".", "-") + "-fallback"}
	ips, _ := policy.get("fallback_ips")
	for _, ip := range ips.items() {
		addr, err := netip.ParseAddr(ip.text())
		if err != nil || !site.Reachable(addr) || slices.Contains(m.addresses, addr) {
			g.lost(ip.here(), "fallback_ips: '%s' is not another address that visitors can reach", printable(ip.text()))
			continue
		}
		m.addresses = append(m.addresses, addr)
	}
	if _, cdns := split(steps); len(m.addresses) == 0 || len(cdns) > 0 {
		g.lost(policy.here(), "record '%s': its fallback_policy is not taken", r.name)
		return steps
	}
	g.lost(ips.here(), "fallback_ips of record '%s' are probed as the others are, and answered with while they are up", r.name)
	return append(steps, step{place: ips.here(), members: []member{m}})
}

// ttl reads the TTL of a record.
func (g *gslb) ttl(r gslbRecord) string {
	v, found := r.field("record_ttl")
	n, err := strconv.Atoi(v.text())
	switch {
	case !found:
		n = 30
	case err != nil || n < 0:
		g.lost(v.here(), "record_ttl '%s' is no number of seconds", printable(v.text()))
		n = 30
	case n > maxTTL:
		g.lost(v.here(), "the TTL %d is above %d, the highest that is possible", n, maxTTL)
		n = maxTTL
	}
	return fmt.Sprintf("%ds", n)
}

var alpnWord = regexp.MustCompile(`^[A-Za-z0-9./_-]+$`)

// alpn makes an HTTPS record of the protocols of a record.
func (g *gslb) alpn(r gslbRecord) []string {
	v, _ := r.field("alpn")
	var words []string
	for _, item := range v.items() {
		if !alpnWord.MatchString(item.text()) || slices.Contains(words, item.text()) {
			g.lost(item.here(), "alpn '%s' is not taken", printable(item.text()))
			continue
		}
		words = append(words, item.text())
	}
	if len(words) == 0 {
		return nil
	}
	return []string{"https alpn=" + strings.Join(words, ",")}
}
