package corefile

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// changeSites takes the new sites, and takes out those that are to be removed.
func (t *transaction) changeSites() {
	var all []*candidate
	keys := append(t.queued(site.ObjectSite, false), t.queued(site.ObjectSite, true)...)
	built := t.o.newSites(textsOf(keys, t.next))
	for i, k := range keys {
		c := &candidate{key: k, want: t.next(k), old: form(t.o.present(k)), new: form(t.o.own[k.name+"."])}
		if c.want.Text != "" {
			if built[i].why != nil {
				t.refuse(k, built[i].why)
				continue
			}
			c.new = built[i].site
		}
		all = append(all, c)
	}
	t.o.settle(all)
	for _, c := range all {
		switch {
		case c.lost != nil:
			t.refuse(c.key, c.why())
			t.join(c)
			continue
		case c.want.Text == "":
			t.keep(c.key, record{})
			t.done(c.key)
		default:
			t.accept(c.key, c.new)
		}
		t.fireOf(c)
	}
}

// why is why a site did not change. It may be another one when what it is built of is.
func (c *candidate) why() *refused {
	if s, ok := c.new.(*site.Site); ok {
		return &refused{c.lost.err, append(slices.Clone(c.lost.needs), uses(s)...)}
	}
	return c.lost
}

// maxJoint bounds how many refused texts are tried together again and again.
const maxJoint = 256

// join has a site that clashed be tried together with those waiting texts of others
// that may give way: two that exchange a name are good only together.
func (t *transaction) join(c *candidate) {
	grown := false
	for _, k := range c.lost.needs {
		tr := t.o.records[k].trouble
		if tr == nil || tr.next == nil || k.kind != site.ObjectSite || len(t.joint) > maxJoint {
			continue
		}
		grown = grown || !t.joint[k] || !t.joint[c.key]
		t.joint[k], t.joint[c.key] = true, true
	}
	for k := range t.joint {
		if tr := t.o.records[k].trouble; grown && tr != nil && tr.next != nil {
			t.queue[k] = true
		}
	}
}

// form is a site as a form: nil where there is none.
func form(s *site.Site) any {
	if s == nil {
		return nil
	}
	return s
}

// rebuildSites builds sites in force with what is in force now. Those that are not
// good with it stay as they are.
func (t *transaction) rebuildSites() {
	keys := slices.Collect(maps.Keys(t.rebuild))
	keys = slices.DeleteFunc(keys, func(k objectKey) bool { return t.good(k) == nil })
	clear(t.rebuild)
	t.sort(keys, t.good)
	var all []*candidate
	for i, b := range t.o.newSites(textsOf(keys, t.good)) {
		k := keys[i]
		switch old := t.o.present(k); {
		case b.why != nil:
			t.stay(k, b.why)
		case reflect.DeepEqual(b.site, old):
			t.rebuilt(k, old)
		default:
			all = append(all, &candidate{key: k, want: t.good(k), old: old, new: b.site})
		}
	}
	t.o.settle(all)
	for _, c := range all {
		if c.lost != nil {
			t.stay(c.key, c.why())
			continue
		}
		t.rebuilt(c.key, c.new)
		t.fireOf(c)
	}
}

// rebuilt keeps the new form of a site in force.
func (t *transaction) rebuilt(k objectKey, form any) {
	r := t.o.records[k]
	r.form = form
	if tr := r.trouble; tr != nil {
		r.trouble = nil
		if tr.next != nil {
			r.trouble = &trouble{err: tr.err, next: tr.next, needs: tr.needs}
		}
	}
	t.keep(k, r)
}

// stay keeps the form of a site in force that is not good with what it is built of
// now, and says so.
func (t *transaction) stay(k objectKey, why *refused) {
	r := t.o.records[k]
	tr := trouble{}
	if r.trouble != nil {
		tr = *r.trouble
	}
	tr.stale, tr.waits = true, why.needs
	tr.older = append(slices.Clone(tr.older), t.older(r, tr.older)...)
	if tr.next == nil {
		tr.err = t.stays(k, tr.older, why.err)
	}
	r.trouble = &tr
	t.keep(k, r)
}

// stays is the error of a site that stays as it is: it names both the site and what
// it is not good with.
func (t *transaction) stays(k objectKey, older []site.Object, err error) error {
	s := t.o.present(k)
	for _, old := range older {
		if now := t.good(objectKey{old.Kind, old.Name}); now != nil && *now != old {
			return fmt.Errorf("%w; the site '%s' at %s stays as it was before %s", err, s.Name(), s.Place, now.Place())
		}
	}
	return fmt.Errorf("%w; the site '%s' at %s stays as it was", err, s.Name(), s.Place)
}

// uses returns the objects that a site is built of.
func uses(s *site.Site) []objectKey {
	keys := []objectKey{{site.ObjectClass, s.Class}}
	for _, o := range s.Origins {
		keys = append(keys, objectKey{site.ObjectOrigin, o.Name})
	}
	for _, c := range s.CDNs {
		keys = append(keys, objectKey{site.ObjectCDN, c.Name})
	}
	return keys
}

// older returns what was in force until now of what a site is built of and has
// changed: what is not known to be older already.
func (t *transaction) older(r record, known []site.Object) []site.Object {
	var older []site.Object
	for _, k := range uses(r.form.(*site.Site)) {
		was, changed := t.was[k]
		switch {
		case !changed, slices.ContainsFunc(known, func(o site.Object) bool { return objectKey{o.Kind, o.Name} == k }):
		case was == nil:
			older = append(older, site.Object{Kind: k.kind, Name: k.name})
		default:
			older = append(older, *was)
		}
	}
	return older
}
