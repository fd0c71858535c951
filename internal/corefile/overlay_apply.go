package corefile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Apply takes new texts of objects, in any order; an empty text removes one, and a
// second text of one object comes after all that stands before it. What is not good is
// refused, and what was in force of it stays.
func (o *Overlay) Apply(objects []site.Object) Change {
	t := o.begin()
	t.run(objects)
	change := Change{Refused: t.refused(), CDNs: o.observe()}
	for k, r := range t.before {
		if k.kind != site.ObjectSite {
			continue
		}
		was, now := o.inForce(k, r), o.present(k)
		switch {
		case was == now:
		case now == nil:
			change.Removed = append(change.Removed, was.Name())
		default:
			change.Put = append(change.Put, now)
		}
	}
	slices.Sort(change.Removed)
	slices.SortFunc(change.Put, func(a, b *site.Site) int { return strings.Compare(a.Name(), b.Name()) })
	o.forget()
	return change
}

// Check returns what Apply would newly refuse, and changes nothing.
func (o *Overlay) Check(objects []site.Object) []Refusal {
	refused, _ := o.Try(objects)
	return refused
}

// Try is Check, which returns the sites as well that the objects would be.
func (o *Overlay) Try(objects []site.Object) (refused []Refusal, sites []*site.Site) {
	t := o.begin()
	t.run(objects)
	refused = t.refused()
	for _, obj := range objects {
		if s := o.present(objectKey{obj.Kind, obj.Name}); obj.Kind == site.ObjectSite && obj.Text != "" && s != nil {
			sites = append(sites, s)
		}
	}
	t.rollback()
	o.forget()
	return refused, sites
}

// maxPool is how many sites are built before the pool begins anew: it would grow
// for ever where sites change, and few have all in common.
const maxPool = 4096

func (o *Overlay) forget() {
	if o.built > maxPool {
		o.scope.pool, o.scope.asks, o.built = newPool(), newAsks(o.scope.asks.valid), 0
	}
}

// transaction is an Apply under way.
type transaction struct {
	o       *Overlay
	before  map[objectKey]record       // of all that was touched
	queue   map[objectKey]bool         // new texts to try
	joint   map[objectKey]bool         // sites that are tried together
	rebuild map[objectKey]bool         // sites in force to build anew
	shared  map[objectKey]bool         // classes, origins and CDNs whose sites have not been told
	was     map[objectKey]*site.Object // what was in force of those until now; nil: nothing
}

func (o *Overlay) begin() *transaction {
	return &transaction{
		o: o, before: make(map[objectKey]record), queue: make(map[objectKey]bool), rebuild: make(map[objectKey]bool), joint: make(map[objectKey]bool),
		shared: make(map[objectKey]bool), was: make(map[objectKey]*site.Object),
	}
}

// run takes the objects. Of several texts of one object each comes after all that
// stands before it.
func (t *transaction) run(objects []site.Object) {
	taken := make(map[objectKey]bool)
	for _, obj := range objects {
		k := objectKey{obj.Kind, obj.Name}
		if taken[k] {
			t.settle()
			clear(taken)
		}
		taken[k] = true
		t.want(obj)
	}
	t.settle()
}

// settle takes what is wanted, and then whatever becomes good by that.
func (t *transaction) settle() {
	for len(t.queue)+len(t.rebuild) > 0 {
		t.defineAll(site.ObjectClass, t.o.newClass)
		t.defineAll(site.ObjectOrigin, t.o.newOrigin)
		t.changeCDNs()
		t.tellSites()
		t.changeSites()
		t.rebuildSites()
		clear(t.was)
		t.removeShared()
	}
}

// want notes a new text, if it is one.
func (t *transaction) want(obj site.Object) {
	k := objectKey{obj.Kind, obj.Name}
	r := t.o.records[k]
	tr := trouble{}
	if r.trouble != nil {
		tr = *r.trouble
	}
	switch {
	case tr.next != nil && *tr.next == obj:
		return
	case obj.Text == "" && r.good == nil, r.good != nil && *r.good == obj:
		tr.next = nil
		delete(t.queue, k)
	default:
		tr.next = &obj
		t.queue[k] = true
	}
	r.trouble = nil
	if tr.next == nil {
		tr.needs = nil
	}
	if tr.next != nil || tr.stale {
		r.trouble = &tr
	}
	t.keep(k, r)
	if tr.next == nil && tr.stale {
		t.rebuild[k] = true // for the error of that text
	}
	if !slices.Contains(objectKinds, k.kind) && tr.next != nil {
		delete(t.queue, k)
		t.refuse(k, &refused{err: errorAt(obj.Place()+":1", unknown("kind of object", string(obj.Kind), texts(objectKinds)...))})
	}
}

// keep keeps a record, and remembers what was before.
func (t *transaction) keep(k objectKey, r record) {
	if _, known := t.before[k]; !known {
		t.before[k] = t.o.records[k]
	}
	t.o.keep(k, r)
}

// rollback brings back what was before.
func (t *transaction) rollback() {
	o := t.o
	forms := make(map[objectKey][2]any)
	for k, was := range t.before {
		forms[k] = [2]any{o.formOf(k, was), o.formOf(k, o.records[k])}
		o.keep(k, was)
	}
	for _, f := range forms {
		if f[0] != f[1] {
			o.take(f[1])
		}
	}
	for _, f := range forms {
		if f[0] != f[1] {
			o.put(f[0])
		}
	}
	clear(o.dirty)
}

// formOf returns what of a record stands in the set of what is in force.
func (o *Overlay) formOf(k objectKey, r record) any {
	switch k.kind {
	case site.ObjectSite:
		if s := o.inForce(k, r); s != nil {
			return s
		}
	case site.ObjectCDN:
		return r.form
	}
	return nil
}

// queued takes the keys of a kind off the queue that have a new text, or that are
// to be removed.
func (t *transaction) queued(kind site.ObjectKind, removed bool) []objectKey {
	var keys []objectKey
	for k := range t.queue {
		if k.kind == kind && (t.next(k).Text == "") == removed {
			keys = append(keys, k)
			delete(t.queue, k)
		}
	}
	t.sort(keys, t.next)
	return keys
}

func (t *transaction) next(k objectKey) *site.Object { return t.o.records[k].trouble.next }

func (t *transaction) good(k objectKey) *site.Object { return t.o.records[k].good }

// sort puts first who came first.
func (t *transaction) sort(keys []objectKey, text func(objectKey) *site.Object) {
	all := textsOf(keys, text)
	slices.SortFunc(all, func(a, b *site.Object) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), strings.Compare(a.Name, b.Name))
	})
	for i, obj := range all {
		keys[i] = objectKey{obj.Kind, obj.Name}
	}
}

// textsOf returns the texts of some keys.
func textsOf(keys []objectKey, text func(objectKey) *site.Object) []*site.Object {
	all := make([]*site.Object, len(keys))
	for i, k := range keys {
		all[i] = text(k)
	}
	return all
}
