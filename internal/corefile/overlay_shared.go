package corefile

import (
	"fmt"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// defineAll reads the new classes, or the new origins.
func (t *transaction) defineAll(kind site.ObjectKind, read func(site.Object) (any, error)) {
	for _, k := range t.queued(kind, false) {
		form, err := read(*t.next(k))
		if err != nil {
			t.refuse(k, &refused{err: err})
			continue
		}
		t.share(k)
		t.accept(k, form)
	}
}

// share has the sites be told that use something, and those that wait for it. It is
// called before that changes.
func (t *transaction) share(k objectKey) {
	t.shared[k], t.was[k] = true, t.good(k)
	t.fire(k)
}

// changeCDNs takes the new CDNs.
func (t *transaction) changeCDNs() {
	var all []*candidate
	for _, k := range t.queued(site.ObjectCDN, false) {
		cdn, err := t.o.newCDN(*t.next(k))
		if err != nil {
			t.refuse(k, &refused{err: err})
			continue
		}
		all = append(all, &candidate{key: k, want: t.next(k), old: t.o.records[k].form, new: cdn})
	}
	t.o.settle(all)
	for _, c := range all {
		if c.lost != nil {
			t.refuse(c.key, c.lost)
			continue
		}
		t.share(c.key)
		t.accept(c.key, c.new)
		t.fireOf(c)
	}
}

// tellSites has those sites be built anew that use what has changed.
func (t *transaction) tellSites() {
	if len(t.shared) == 0 {
		return
	}
	for k, r := range t.o.records {
		if s, ok := r.form.(*site.Site); ok && t.concerned(s, r) {
			t.rebuild[k] = true
		}
	}
	clear(t.shared)
}

// concerned reports whether a site uses what has changed. What a site says of a CDN
// makes it no other site, unless the CDN is new or does not go with that.
func (t *transaction) concerned(s *site.Site, r record) bool {
	if t.shared[objectKey{site.ObjectClass, s.Class}] {
		return true
	}
	if slices.ContainsFunc(s.Origins, func(o site.Origin) bool { return t.shared[objectKey{site.ObjectOrigin, o.Name}] }) {
		return true
	}
	return slices.ContainsFunc(s.CDNs, func(c site.CDN) bool {
		k := objectKey{site.ObjectCDN, c.Name}
		return t.shared[k] && (t.was[k] == nil || r.trouble != nil || s.CheckWatched(t.o.cdns) != nil)
	})
}

// removeShared removes classes, origins and CDNs that no site in force uses.
func (t *transaction) removeShared() {
	var keys []objectKey
	for _, kind := range []site.ObjectKind{site.ObjectCDN, site.ObjectOrigin, site.ObjectClass} {
		keys = append(keys, t.queued(kind, true)...)
	}
	if len(keys) == 0 {
		return
	}
	users := t.o.users(keys)
	for _, k := range keys {
		if user := users[k]; user != nil {
			err := errorAt(t.good(k).Place()+":1", fmt.Errorf("%s '%s' is still used by the site '%s' at %s", k.kind, k.name, user.Name(), user.Place))
			t.refuse(k, &refused{err, []objectKey{keyOfSite(user)}})
			continue
		}
		c := &candidate{key: k, old: t.o.formOf(k, t.o.records[k])}
		t.o.take(c.old)
		t.keep(k, record{})
		t.done(k)
		t.fireOf(c)
	}
}

// users returns the first site, by name, that uses each of some objects.
func (o *Overlay) users(keys []objectKey) map[objectKey]*site.Site {
	users := make(map[objectKey]*site.Site)
	for _, k := range keys {
		users[k] = nil
	}
	for _, r := range o.records {
		s, ok := r.form.(*site.Site)
		if !ok {
			continue
		}
		for _, used := range uses(s) {
			if first, asked := users[used]; asked && (first == nil || s.Name() < first.Name()) {
				users[used] = s
			}
		}
	}
	return users
}
