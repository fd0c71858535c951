package corefile

import (
	"iter"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Stored yields the names of the store's sites in force, in no order: what Objects
// says of them, at a small part of the cost.
func (o *Overlay) Stored() iter.Seq[string] {
	return func(yield func(string) bool) {
		for k, r := range o.records {
			if k.kind == site.ObjectSite && r.good != nil && !yield(k.name) {
				return
			}
		}
	}
}
