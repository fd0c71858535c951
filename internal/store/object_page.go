package store

import (
	"context"
	"strconv"
	"unicode/utf8"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// ObjectQuery says which objects of a kind are wanted.
type ObjectQuery struct {
	Kind     site.ObjectKind
	Prefix   string // of their names; empty: all
	Customer string // whose; empty: everybody's
	After    string // they are behind this name
	Limit    int    // how many at most
}

// ObjectPage returns those that there are now, by name, and the revision that is.
func (v *View) ObjectPage(ctx context.Context, q ObjectQuery) (revision int64, objects []site.Object, err error) {
	if err := v.known(); err != nil {
		return 0, nil, doing(err, "listing the configuration")
	}
	where, args := v.mine("o.customer")
	where, args = where+" AND o.until = {forever} AND o.text <> '' AND o.kind = ? AND o.name > ?", append(args, string(q.Kind), q.After)
	if q.Prefix != "" {
		where, args = where+" AND substr(o.name, 1, "+strconv.Itoa(utf8.RuneCountInString(q.Prefix))+") = ?", append(args, q.Prefix)
	}
	if q.Customer != "" {
		where, args = where+" AND o.customer = ?", append(args, q.Customer)
	}
	err = v.s.read(ctx, func(t *tx) error {
		if revision, err = t.counted("revision"); err != nil {
			return err
		}
		objects, err = t.objects(where+" ORDER BY o.name LIMIT ?", append(args, bounded(q.Limit))...)
		return err
	})
	return revision, objects, doing(err, "listing the configuration")
}
