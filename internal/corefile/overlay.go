package corefile

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Overlay is the sites of the store's objects on top of those of the Corefile. Of
// each object the last text that was good is in force; a newer one that is not
// waits for what may make it good. It is not safe for concurrent use.
type Overlay struct {
	scope    *Config                          // what sites are built of: classes, origins and zones of both
	corefile []*site.Site                     // in order of definition
	own      map[string]*site.Site            // the Corefile's, by their first names
	ownCDNs  []string                         // names of the Corefile's, in order of definition
	cdns     map[string]*site.WatchedCDN      // of both, as their blocks say
	watched  map[string]watchedNow            // those that are observed
	zones    map[string]bool                  // that are served
	set      *site.Set                        // what is in force
	costs    *site.DownloadCosts              // of what is in force
	services map[string]map[string]int        // of each CDN, with the number of lines that name it
	records  map[objectKey]record             // of all objects
	troubled map[objectKey]bool               // those of them that have a trouble
	waiting  map[objectKey]map[objectKey]bool // who may become good when something changes
	dirty    map[string]bool                  // CDNs that may be observed in another way
	built    int                              // sites since the pool was new
	require  func(*site.Site) error
}

// record is what is known of an object. It is replaced, not changed.
type record struct {
	good    *site.Object // in force; nil: none
	form    any          // what that is: node of a class, namedOrigin, *site.WatchedCDN, *site.Site
	trouble *trouble     // nil: what is in force is what was said last
}

// trouble is why an object is not what was said last.
type trouble struct {
	err   error
	next  *site.Object // a newer text; nil: there is none
	needs []objectKey  // what may make that good

	stale bool          // the site in force is not good with what it is built of now
	older []site.Object // what was in force of that when it was built; empty texts: nothing
	waits []objectKey   // what may make it good
}

// watchedNow is a CDN as it is observed.
type watchedNow struct {
	block *site.WatchedCDN
	ids   string           // its services
	cdn   *site.WatchedCDN // nil: it is not
}

// Change is what an Apply has changed.
type Change struct {
	Put     []*site.Site // new or changed ones, also those that changed because their class or origin did
	Removed []string     // canonical first names of sites that are no longer there
	CDNs    bool         // the list of watched CDNs changed, or one of them did
	Refused []Refusal    // objects that are newly refused, in order of kind and name
}

// Refusal is an object whose last text is not in force, or which is not built with
// what is in force, and why.
type Refusal struct {
	Kind     site.ObjectKind
	Name     string
	Revision int64
	Err      error
	With     []*site.Site // that it does not go with, its own among them
}

// Overlay returns the overlay of a complete Config, without objects so far.
func (c *Config) Overlay() *Overlay {
	o := &Overlay{
		scope: &Config{
			classes: maps.Clone(c.classes), origins: maps.Clone(c.origins), zones: c.zones, servers: c.servers,
			process: Process{Download: c.process.Download}, pool: newPool(), asks: newAsks(c.asks.valid),
		},
		own: make(map[string]*site.Site), cdns: make(map[string]*site.WatchedCDN), watched: make(map[string]watchedNow), zones: make(map[string]bool),
		costs: site.NewDownloadCosts(), services: make(map[string]map[string]int),
		records: make(map[objectKey]record), troubled: make(map[objectKey]bool), waiting: make(map[objectKey]map[objectKey]bool), dirty: make(map[string]bool),
		require: func(*site.Site) error { return nil },
	}
	for _, zone := range c.zones {
		o.zones[zone] = true
	}
	o.set = site.NewSet(func(name string) bool { return o.zoneOf(name) != "" })
	for _, w := range c.cdns {
		o.scope.cdns = append(o.scope.cdns, w)
		o.ownCDNs = append(o.ownCDNs, w.cdn.Name)
		o.put(w.cdn)
	}
	for _, e := range c.entries {
		o.corefile = append(o.corefile, e.site)
		o.own[e.names[0]] = e.site
		o.put(e.site)
	}
	o.observe()
	return o
}

// Require has check refuse sites of the store for reasons that only the caller
// knows. It is called before the first Apply, if at all.
func (o *Overlay) Require(check func(*site.Site) error) { o.require = check }

// Refused returns all that are refused at present, in order of kind and name.
func (o *Overlay) Refused() []Refusal {
	var all []Refusal
	for _, k := range sortedKeys(maps.Keys(o.troubled)) {
		all = append(all, o.refusal(k))
	}
	return all
}

func (o *Overlay) refusal(k objectKey) Refusal {
	r := o.records[k]
	said := cmp.Or(r.trouble.next, r.good)
	refused := Refusal{Kind: k.kind, Name: k.name, Revision: said.Revision, Err: r.trouble.err}
	for _, need := range slices.Concat(r.trouble.needs, r.trouble.waits) {
		if s := o.present(need); need.kind == site.ObjectSite && s != nil {
			refused.With = append(refused.With, s)
		}
	}
	return refused
}

// Shadowed returns those sites of the Corefile that adopted ones stand in front of.
func (o *Overlay) Shadowed() []*site.Site {
	var shadowed []*site.Site
	for _, s := range o.corefile {
		if o.shadowed(s) {
			shadowed = append(shadowed, s)
		}
	}
	return shadowed
}

func (o *Overlay) shadowed(own *site.Site) bool { return o.present(keyOfSite(own)) != own }

// Sites returns the Corefile's sites that are not shadowed, then the store's, by
// name.
func (o *Overlay) Sites() []*site.Site {
	sites := slices.DeleteFunc(slices.Clone(o.corefile), o.shadowed)
	for _, k := range o.keys() {
		if s, ok := o.records[k].form.(*site.Site); ok {
			sites = append(sites, s)
		}
	}
	return sites
}

// CDNs returns the watched CDNs of the Corefile, then the store's, by name. One
// whose feeds read services is not among them while no site has one of it.
func (o *Overlay) CDNs() []*site.WatchedCDN {
	names := slices.Clone(o.ownCDNs)
	for _, name := range slices.Sorted(maps.Keys(o.watched)) {
		if !slices.Contains(o.ownCDNs, name) {
			names = append(names, name)
		}
	}
	var cdns []*site.WatchedCDN
	for _, name := range names {
		if w, found := o.watched[name]; found && w.cdn != nil {
			cdns = append(cdns, w.cdn)
		}
	}
	return cdns
}

// Blocks returns all CDNs that have a block, by name. It is not to be changed.
func (o *Overlay) Blocks() map[string]*site.WatchedCDN { return maps.Clone(o.cdns) }

// Block returns that of a CDN; nil: it has none.
func (o *Overlay) Block(cdn string) *site.WatchedCDN { return o.cdns[cdn] }

// Build returns the site that an object would be with what is in force, whatever
// other sites there are.
func (o *Overlay) Build(object site.Object) (*site.Site, error) {
	b := o.newSite(object)
	if b.why != nil {
		return nil, b.why.err
	}
	return b.site, nil
}

// Objects returns what is in force, in no order, and Waiting the newer texts that are
// not. An overlay that takes first the ones and then the others has the same sites. (Of
// several sites that stay as they were before different changes of what they are
// built of, some may stay as they were before another of these.)
func (o *Overlay) Objects() []site.Object {
	older := o.older()
	all := make([]site.Object, 0, len(o.records))
	for k, r := range o.records {
		if old, found := older[k]; found {
			if old.Text != "" {
				all = append(all, old)
			}
		} else if r.good != nil {
			all = append(all, *r.good)
		}
	}
	return all
}

// Waiting returns the texts that not all sites are built with, then those that are
// refused, empty ones of what could not be removed among them.
func (o *Overlay) Waiting() []site.Object {
	older := o.older()
	concerned := maps.Clone(o.troubled)
	for k := range older {
		concerned[k] = true
	}
	var first, refused []site.Object
	for _, k := range sortedKeys(maps.Keys(concerned)) {
		r := o.records[k]
		waits := r.trouble != nil && r.trouble.next != nil
		if _, found := older[k]; found || waits && r.good != nil && len(older) > 0 {
			first = append(first, *r.good) // once more, of what is good only with these
		}
		if waits {
			refused = append(refused, *r.trouble.next)
		}
	}
	if len(first) > 0 {
		first = append(first, first[0]) // a second time: so all of these come before what follows
	}
	return append(first, refused...)
}

// older returns the oldest texts that a site in force was built with, of what is
// no longer in force.
func (o *Overlay) older() map[objectKey]site.Object {
	older := make(map[objectKey]site.Object)
	for troubled := range o.troubled {
		for _, old := range o.records[troubled].trouble.older {
			k := objectKey{old.Kind, old.Name}
			known, found := older[k]
			if good := o.records[k].good; good != nil && *good != old && (!found || old.Revision < known.Revision) {
				older[k] = old
			}
		}
	}
	return older
}

// keys returns those of all objects, in order of kind and name.
func (o *Overlay) keys() []objectKey { return sortedKeys(maps.Keys(o.records)) }

func sortedKeys(keys iter.Seq[objectKey]) []objectKey { return slices.SortedFunc(keys, compareKeys) }

func compareKeys(a, b objectKey) int {
	if a.kind == b.kind {
		return strings.Compare(a.name, b.name)
	}
	return cmp.Or(slices.Index(objectKinds, a.kind)-slices.Index(objectKinds, b.kind), strings.Compare(a.name, b.name))
}

func keyOfSite(s *site.Site) objectKey {
	return objectKey{site.ObjectSite, strings.TrimSuffix(s.Name(), ".")}
}

// present returns the site of that key in force, the store's or the Corefile's.
func (o *Overlay) present(k objectKey) *site.Site { return o.inForce(k, o.records[k]) }

func (o *Overlay) inForce(k objectKey, r record) *site.Site {
	if s, ok := r.form.(*site.Site); ok {
		return s
	}
	return o.own[k.name+"."]
}

// Site returns the site of an object's name that is in force; nil: there is none.
func (o *Overlay) Site(name string) *site.Site { return o.present(objectKey{site.ObjectSite, name}) }

// zoneOf returns the longest served zone that a name lies in, or nothing.
func (o *Overlay) zoneOf(name string) string {
	for i, end := 0, false; !end; i, end = dns.NextLabel(name, i) {
		if o.zones[name[i:]] {
			return name[i:]
		}
	}
	if o.zones["."] {
		return "."
	}
	return ""
}

// keep keeps a record, and what follows from it.
func (o *Overlay) keep(k objectKey, r record) {
	o.wait(k, o.records[k].trouble, false)
	o.wait(k, r.trouble, true)
	o.define(k, o.records[k].form, r.form)
	if r.trouble == nil {
		delete(o.troubled, k)
	} else {
		o.troubled[k] = true
	}
	if r.good == nil && r.trouble == nil {
		delete(o.records, k)
		return
	}
	o.records[k] = r
}

// wait notes what an object waits for, or takes that back.
func (o *Overlay) wait(k objectKey, t *trouble, on bool) {
	if t == nil {
		return
	}
	for _, need := range slices.Concat(t.needs, t.waits) {
		switch {
		case on && o.waiting[need] == nil:
			o.waiting[need] = map[objectKey]bool{k: true}
		case on:
			o.waiting[need][k] = true
		default:
			if delete(o.waiting[need], k); len(o.waiting[need]) == 0 {
				delete(o.waiting, need)
			}
		}
	}
}

// define has sites be built with a form, and no longer with another.
func (o *Overlay) define(k objectKey, old, form any) {
	switch old.(type) {
	case node:
		delete(o.scope.classes, k.name)
	case namedOrigin:
		delete(o.scope.origins, k.name)
	}
	switch form := form.(type) {
	case node:
		o.scope.classes[k.name] = form
	case namedOrigin:
		o.scope.origins[k.name] = form
	}
}
