package provision_test

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// overlay is a corefile.Overlay that refuses every text with "bad" in it, and
// counts what it is asked.
type overlay struct {
	inForce, waiting map[string]site.Object
	checks           int
}

func newOverlay() *overlay {
	return &overlay{inForce: make(map[string]site.Object), waiting: make(map[string]site.Object)}
}

func key(o site.Object) string { return string(o.Kind) + "/" + o.Name }

func (o *overlay) Apply(objects []site.Object) (change corefile.Change) {
	for _, object := range objects {
		delete(o.waiting, key(object))
		_, there := o.inForce[key(object)]
		switch {
		case refused(object) != nil:
			change.Refused = append(change.Refused, *refused(object))
			o.waiting[key(object)] = object
		case object.Text != "":
			change.Put = append(change.Put, site.New(object.Name+"."))
			o.inForce[key(object)] = object
		case there:
			change.Removed = append(change.Removed, object.Name+".")
			delete(o.inForce, key(object))
		}
	}
	return change
}

// Check does not repeat what waits already.
func (o *overlay) Check(objects []site.Object) (refusals []corefile.Refusal) {
	o.checks++
	for _, object := range objects {
		if r := refused(object); r != nil && o.waiting[key(object)] != object {
			refusals = append(refusals, *r)
		}
	}
	return refusals
}

func refused(o site.Object) *corefile.Refusal {
	if !strings.Contains(o.Text, "bad") {
		return nil
	}
	err := fmt.Errorf("store/%s@%d: it is bad", key(o), o.Revision)
	return &corefile.Refusal{Kind: o.Kind, Name: o.Name, Revision: o.Revision, Err: err}
}

func (o *overlay) Objects() []site.Object { return sorted(o.inForce) }
func (o *overlay) Waiting() []site.Object { return sorted(o.waiting) }

func (o *overlay) Stored() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, object := range o.inForce {
			if object.Kind == site.ObjectSite && !yield(object.Name) {
				return
			}
		}
	}
}

func sorted(objects map[string]site.Object) (list []site.Object) {
	for _, o := range objects {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b site.Object) int { return cmp.Compare(key(a), key(b)) })
	return list
}

// object is a site of the store.
func object(name, text string, revision int64) site.Object {
	return site.Object{Kind: site.ObjectSite, Name: name, Text: text, Revision: revision}
}

// sites are some of them, named by their prefix and number.
func sites(prefix string, n int, text string, revision int64) (objects []site.Object) {
	for i := range n {
		objects = append(objects, object(fmt.Sprintf("%s%d.example.org", prefix, i), text, revision))
	}
	return objects
}

var errDisk = errors.New("the disk is broken")
