package provision

import (
	"maps"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// shrink is how the number of the store's sites would change.
type shrink struct{ sites, left int }

// manySites is from how many sites on losing more than half of them at once is
// rather a mistake than meant.
const manySites = 10

// tooMuch reports whether an operator should look at it first.
func (s shrink) tooMuch() bool {
	if s.sites >= manySites {
		return s.left*2 < s.sites
	}
	return s.left == 0 && s.sites > 0
}

// shrinkOf returns what objects would do. What would be refused changes nothing:
// a site in force stays, and a new one does not make up for others. Who is
// refused is costly to know, and asked only if it matters.
func shrinkOf(overlay Overlay, objects []site.Object) shrink {
	changes := siteChanges(objects)
	if !removesAny(changes) {
		return shrink{}
	}
	sites := sitesInForce(overlay, changes)
	worst := maps.Clone(changes)
	maps.DeleteFunc(worst, func(_ string, there bool) bool { return there })
	if s := sites.after(worst); !s.tooMuch() {
		return s
	}
	forgetRefused(overlay, objects, changes)
	return sites.after(changes)
}

// forgetRefused takes out of changes what would be refused, or is already.
func forgetRefused(overlay Overlay, objects []site.Object, changes map[string]bool) {
	for _, r := range overlay.Check(objects) {
		if r.Kind == site.ObjectSite {
			delete(changes, r.Name)
		}
	}
	waiting := make(map[site.Object]bool)
	for _, o := range overlay.Waiting() {
		waiting[o] = true
	}
	for _, o := range objects {
		if o.Kind == site.ObjectSite && waiting[o] {
			delete(changes, o.Name)
		}
	}
}

// siteChanges returns, by name, whether each site that changes is still there.
func siteChanges(objects []site.Object) map[string]bool {
	changes := make(map[string]bool)
	for _, o := range objects {
		if o.Kind == site.ObjectSite {
			changes[o.Name] = o.Text != ""
		}
	}
	return changes
}

func removesAny(changes map[string]bool) bool {
	for _, there := range changes {
		if !there {
			return true
		}
	}
	return false
}

// inForce is how many sites there are, and which of those that change are among them.
type inForce struct {
	count int
	there map[string]bool
}

func sitesInForce(overlay Overlay, changes map[string]bool) inForce {
	f := inForce{there: make(map[string]bool)}
	for name := range overlay.Stored() {
		f.count++
		if _, changes := changes[name]; changes {
			f.there[name] = true
		}
	}
	return f
}

// after counts the sites once some have changed.
func (f inForce) after(changes map[string]bool) shrink {
	s := shrink{sites: f.count, left: f.count}
	for name, there := range changes {
		switch {
		case there && !f.there[name]:
			s.left++
		case !there && f.there[name]:
			s.left--
		}
	}
	return s
}

var _ Overlay = (*corefile.Overlay)(nil)
