package corefile

import (
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// built is a site of a text, or why there is none.
type built struct {
	entry *entry // until it is admitted
	site  *site.Site
	why   *refused
}

// atOnce is how many sites are built before they share what is alike: until then
// each takes several times as much memory.
const atOnce = 1024

// newSites builds sites with what is in force, in the order of their texts; of an
// empty text there is none.
func (o *Overlay) newSites(texts []*site.Object) []built {
	all := make([]built, len(texts))
	for first := 0; first < len(all); first += atOnce {
		part := all[first:min(first+atOnce, len(all))]
		inParallel(len(part), func(i int) {
			if text := texts[first+i]; text.Text != "" {
				part[i] = o.newSite(*text)
			}
		})
		for i := range part {
			o.admit(&part[i])
		}
	}
	return all
}

// inParallel does something n times, on all processors.
func inParallel(n int, do func(i int)) {
	var group sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for w := range workers {
		group.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	group.Wait()
}

// newSite reads the text of a site, and builds it with what is in force. It may be
// called for several texts at a time.
func (o *Overlay) newSite(obj site.Object) built {
	n, err := readObject(obj)
	if err != nil {
		return built{why: &refused{err: err}}
	}
	e := &entry{node: n}
	if err := o.readEntry(e, obj.Adopted); err != nil {
		return built{why: &refused{err: err}}
	}
	lines := o.linesOf(e)
	s, err := o.build(e, lines)
	if err != nil {
		return built{why: &refused{err, needsOf(e.class, lines)}}
	}
	s.Customer = obj.Customer
	return built{entry: e, site: s}
}

// linesOf returns the properties of a site, those of its class among them.
func (o *Overlay) linesOf(e *entry) []node {
	return merge(o.scope.classes[e.class].children, e.node.children)
}

// admit checks what only the caller can of a site that was built, and has it share
// what is alike.
func (o *Overlay) admit(b *built) {
	if b.site == nil {
		return
	}
	if err := o.require(b.site); err != nil {
		*b = built{why: &refused{b.entry.node.wrap(err), needsOf(b.entry.class, o.linesOf(b.entry))}}
		return
	}
	o.scope.pool.share(b.site)
	o.built++
	b.entry = nil
}

// readEntry reads a site's own lines, and finds its zone.
func (o *Overlay) readEntry(e *entry, adopted bool) error {
	if err := e.readHead(); err != nil {
		return e.node.wrap(err)
	}
	own := o.own[e.names[0]]
	if own != nil && !adopted {
		return e.node.errorf("site name '%s' is already defined at %s", own.Name(), own.Place)
	}
	if err := e.findZone(o.zonesOf(e.names, own)); err != nil {
		return e.node.wrap(err)
	}
	return checkLines(example(), e.node)
}

// zonesOf returns the zones that some names may lie in: few, where there are many.
// What takes the place of a site stays in the zone of that, if it can.
func (o *Overlay) zonesOf(names []string, own *site.Site) []string {
	within := func(name string) bool { return own != nil && dns.IsSubDomain(own.Zone, name) }
	var zones []string
	for _, name := range names {
		zone := o.zoneOf(name)
		if zone == "" {
			return o.scope.zones
		}
		zones = append(zones, zone)
	}
	if !slices.ContainsFunc(names, func(name string) bool { return !within(name) }) {
		return []string{own.Zone}
	}
	return zones
}

// build makes the site of some lines, and checks whatever does not take the other
// sites.
func (o *Overlay) build(e *entry, lines []node) (*site.Site, error) {
	if _, known := o.scope.classes[e.class]; e.class != "" && !known {
		return nil, o.scope.waitsFor(e)
	}
	if _, missing := o.scope.missingOrigin(lines); missing {
		return nil, o.scope.waitsFor(e)
	}
	s, err := o.scope.build(e, lines)
	if err != nil {
		return nil, err
	}
	for i, c := range s.CDNs {
		block := o.cdns[c.Name]
		s.CDNs[i].Watched = block != nil && block.Watches()
	}
	var wrong *site.PlaceError
	if errors.As(s.CheckWatched(o.cdns), &wrong) {
		return nil, e.node.wrap(wrong.Err)
	}
	for _, server := range o.scope.servers {
		if s.Serves(server.Name) {
			return nil, e.node.errorf("name server '%s', which is named at %s, is a name of the site: it needs one that is not steered (RFC 2181, section 10.3)", server.Name, server.Place)
		}
	}
	return s, nil
}
