package foreign

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// zone is one import of zone files (RFC 1035).
type zone struct {
	*writer
	o       Options
	matched map[string]bool // of the globs
	classes map[bool]string // for addresses, and for CNAMEs
}

// records are what a zone file has.
type records struct {
	file  string
	apex  string
	names map[string]*ownedName
	order []string          // as they come
	leads map[string]string // names that other records lead to: the type of one
	cuts  map[string]bool   // where zones of others begin
	types map[string]int    // of records that make no site

	untimed []place // where names are generated without a TTL
}

// ownedName is what a zone file has at a name.
type ownedName struct {
	place     // of the first address, or of the CNAME
	addresses []netip.Addr
	cname     string
	ttl       uint32
	others    []string // types of other data
}

// Zone takes names with addresses as sites that have these as their origin.
func Zone(from Files, paths []string, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	z := &zone{writer: newWriter(), o: o, matched: make(map[string]bool), classes: make(map[bool]string)}
	for _, path := range paths {
		r, err := readRecords(from, path, o.Zone)
		if err != nil {
			return Result{}, err
		}
		z.take(r)
	}
	for _, glob := range o.Names {
		if !z.matched[glob] {
			z.lost(place{file: "--name"}, "'%s' matches no name with addresses", glob)
		}
	}
	return z.result, nil
}

// readRecords reads a zone file. The origin at its begin is the operator's word, or
// what the file is called.
func readRecords(from Files, file, origin string) (*records, error) {
	if origin == "" {
		origin = strings.TrimPrefix(filepath.Base(file), "db.")
		for _, end := range []string{".zone", ".db", "."} {
			origin = strings.TrimSuffix(origin, end)
		}
	}
	name, err := site.CanonicalName(origin)
	if err != nil {
		return nil, fmt.Errorf("'%s': the zone is called as the file, unless --zone says otherwise: %w", file, err)
	}
	r := &records{file: file, apex: name, names: make(map[string]*ownedName), leads: make(map[string]string), cuts: make(map[string]bool), types: make(map[string]int)}
	s := &zoneSource{from: from, absolute: filepath.IsAbs(file)}
	main, err := s.open(file)
	if err != nil {
		return nil, fmt.Errorf("reading '%s': %w", file, err)
	}
	parser := dns.NewZoneParser(main, name, file)
	parser.SetIncludeAllowed(true)
	parser.SetIncludeFS(s)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		if err := r.add(rr, s.here()); err != nil {
			return nil, err
		}
	}
	r.untimed = s.untimed
	return r, s.blame(parser.Err())
}

// add takes a record in.
func (r *records) add(rr dns.RR, at place) error {
	head := rr.Header()
	name, err := site.CanonicalName(head.Name)
	if err != nil {
		return at.errorf("%w", err)
	}
	n := r.names[name]
	if n == nil {
		n = &ownedName{place: at}
		r.names[name] = n
		r.order = append(r.order, name)
	}
	kind := dns.Type(head.Rrtype).String()
	switch rr := rr.(type) {
	case *dns.A:
		n.address(at, rr.A, head.Ttl)
		return nil
	case *dns.AAAA:
		n.address(at, rr.AAAA, head.Ttl)
		return nil
	case *dns.CNAME:
		n.place, n.cname, n.ttl = at, dns.CanonicalName(rr.Target), head.Ttl
		return nil
	case *dns.SOA:
		r.apex = name
	case *dns.NS:
		r.leads[dns.CanonicalName(rr.Ns)] = kind
		r.cuts[name] = true
	case *dns.MX:
		r.leads[dns.CanonicalName(rr.Mx)] = kind
	case *dns.SRV:
		r.leads[dns.CanonicalName(rr.Target)] = kind
	}
	r.types[kind]++
	n.others = append(n.others, kind)
	return nil
}

// address takes one in, with the shortest TTL of all.
func (n *ownedName) address(at place, ip []byte, ttl uint32) {
	if len(n.addresses) == 0 {
		n.place, n.ttl = at, ttl
	}
	addr, _ := netip.AddrFromSlice(ip)
	if addr = addr.Unmap(); !slices.Contains(n.addresses, addr) {
		n.addresses = append(n.addresses, addr)
	}
	n.ttl = min(n.ttl, ttl)
}

// take makes sites of the names of a zone.
func (z *zone) take(r *records) {
	for _, at := range r.untimed {
		z.lost(at, "the names that this makes get a TTL of an hour: write one in the line")
	}
	for _, name := range r.order {
		n := r.names[name]
		if len(n.addresses) == 0 && n.cname == "" {
			continue
		}
		named := z.named(name)
		if len(z.o.Names) > 0 && !named {
			r.keep(n)
			continue
		}
		if why := r.refuse(name, n, named); why != "" {
			z.note(n.place, named, "'%s' stays in the zone: %s", strings.TrimSuffix(name, "."), why)
			r.keep(n)
			continue
		}
		z.name(r, name, n, named)
	}
	if len(r.types) > 0 {
		z.stays(place{file: r.file}, "%s", r.summary())
	}
}

// keep counts the records of a name that makes no site.
func (r *records) keep(n *ownedName) {
	for _, addr := range n.addresses {
		r.types[map[bool]string{true: "A", false: "AAAA"}[addr.Is4()]]++
	}
	if n.cname != "" {
		r.types["CNAME"]++
	}
}

// summary counts the records that stay in the zone.
func (r *records) summary() string { return staying(r.types) }

// staying counts records by their types.
func staying(counts map[string]int) string {
	var parts []string
	for _, t := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", t, counts[t]))
	}
	return "other records stay in the zone: " + strings.Join(parts, ", ")
}

// named reports whether the operator has named it.
func (z *zone) named(name string) (is bool) {
	for _, glob := range z.o.Names {
		if ok, _ := path.Match(strings.ToLower(strings.TrimSuffix(glob, ".")), strings.TrimSuffix(name, ".")); ok {
			z.matched[glob], is = true, true
		}
	}
	return is
}

// refuse says why a name is none that a site may have, or that is meant for one
// unless the operator names it.
func (r *records) refuse(name string, n *ownedName, named bool) string {
	for cut := range r.cuts {
		if cut != r.apex && dns.IsSubDomain(cut, name) {
			return fmt.Sprintf("it belongs to '%s', which is delegated", strings.TrimSuffix(cut, "."))
		}
	}
	switch kind := r.leads[name]; {
	case kind == "NS":
		return "it is a name server's"
	case !dns.IsSubDomain(r.apex, name):
		return fmt.Sprintf("it lies outside of '%s'", strings.TrimSuffix(r.apex, "."))
	case named:
	case kind != "":
		return fmt.Sprintf("the record %s leads to it; --name takes it all the same", kind)
	case name == r.apex || slices.Contains(n.others, "MX"):
		return "it has records as SOA, NS or MX; --name takes it all the same"
	}
	return ""
}

// name makes a site of a name.
func (z *zone) name(r *records, name string, n *ownedName, named bool) {
	text := strings.TrimSuffix(name, ".")
	if n.cname != "" && (len(z.o.Origin) == 0 || dns.IsSubDomain(r.apex, n.cname)) {
		why := fmt.Sprintf("'%s' is an alias in the zone", text)
		if !dns.IsSubDomain(r.apex, n.cname) {
			why = fmt.Sprintf("'%s' leads to '%s': with --origin it is a site that has that as its CDN", text, strings.TrimSuffix(n.cname, "."))
		}
		z.note(n.place, named, "%s", why)
		r.keep(n)
		return
	}
	if z.taken["site "+text] {
		z.lost(n.place, "'%s' is a site already", text)
		return
	}
	lines, err := z.lines(r, name, n)
	head, wrong := word(text)
	if err = errors.Join(err, wrong); err != nil {
		z.lost(n.place, "%v", err)
		r.keep(n)
		return
	}
	z.object(n.place, site.ObjectSite, text, "site "+head+" class "+z.classOf(n.cname != ""), lines)
}

// lines writes what a site has of its own.
func (z *zone) lines(r *records, name string, n *ownedName) (lines []string, err error) {
	text := strings.TrimSuffix(name, ".")
	host := strings.TrimPrefix(text, "*.")
	if _, err := site.CanonicalHost(host); err != nil {
		return nil, fmt.Errorf("'%s' is not a name that a web server has", text)
	}
	if host != text {
		lines = append(lines, "host "+host)
	}
	if n.cname == "." {
		return nil, fmt.Errorf("'%s' is a CNAME of no name", text)
	}
	addrs := n.addresses
	if n.cname != "" {
		addrs = z.o.Origin
	}
	for _, addr := range addrs {
		if !site.Reachable(addr) {
			return nil, fmt.Errorf("'%s' is not an address that visitors can reach", addr)
		}
	}
	lines = append(lines, "origin "+joinAddresses(addrs))
	if n.cname != "" {
		target, err := word(strings.TrimSuffix(n.cname, "."))
		if err != nil {
			return nil, err
		}
		lines = append(lines, "cdn "+cdnName(n.cname)+" "+target)
	}
	ttl := n.ttl
	if ttl > maxTTL {
		z.lost(n.place, "the TTL %d is above %d, the highest that is possible", ttl, maxTTL)
		ttl = maxTTL
	}
	lines = append(lines, fmt.Sprintf("ttl %ds", ttl))
	if name == r.apex || len(n.others) > 0 {
		lines = append(lines, "answer address") // the other types are the zone's
	}
	if slices.Contains(n.others, "HTTPS") {
		z.lost(n.place, "the HTTPS record of '%s' is hidden: write it as `https`", text)
	}
	return lines, nil
}

// cdnName calls a CDN by the domain that a target lies in.
func cdnName(target string) string {
	labels := dns.SplitDomainName(target)
	return plainName(labels[max(0, len(labels)-2)])
}

// classOf returns the name of the class of sites, which is written with the first.
func (z *zone) classOf(cname bool) string {
	if name := z.classes[cname]; name != "" {
		return name
	}
	name := map[bool]string{false: "imported", true: "imported-cdn"}[cname]
	probe := "http http://{origin}/"
	if z.o.Probe != "" {
		probe = z.o.Probe
	}
	lines := []string{"probe " + probe, "threshold error_ratio 100%"}
	if !cname {
		lines = append(lines, z.usual(z.o.CDN)...)
	}
	z.classes[cname] = name
	z.object(place{}, site.ObjectClass, name, "class "+name, lines)
	return name
}
