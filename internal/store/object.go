package store

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// versionColumns are those that scanObject reads, of the table objects as o.
const versionColumns = "o.kind, o.name, o.customer, o.adopted, o.text, o.since"

func scanObject(scan func(into ...any) error, more ...any) (o site.Object, err error) {
	var adopted int64
	err = scan(append([]any{&o.Kind, &o.Name, &o.Customer, &adopted, &o.Text, &o.Revision}, more...)...)
	o.Adopted = adopted != 0
	return o, err
}

// objects reads the versions that a condition on the table objects, as o, picks.
func (t *tx) objects(where string, args ...any) (found []site.Object, err error) {
	err = t.each("SELECT "+versionColumns+" FROM objects o WHERE "+where, args, func(scan func(...any) error) error {
		o, err := scanObject(scan)
		found = append(found, o)
		return err
	})
	return found, err
}

// Revision is the number of what was published last, 0 if nothing ever was.
func (s *Store) Revision(ctx context.Context) (revision int64, err error) {
	err = s.read(ctx, func(t *tx) error {
		revision, err = t.counted("revision")
		return err
	})
	return revision, doing(err, "reading the revision")
}

// Changes returns what has changed after a revision, and the revision that
// leads to: all objects that there are after 0; a removed one has no text.
func (s *Store) Changes(ctx context.Context, since int64) (revision int64, objects []site.Object, err error) {
	long, where := patience, "o.since > ? AND o.until = {forever}"
	if since == 0 {
		long, where = longPatience, "o.since > ? AND o.until = {forever} AND o.text <> ''"
	}
	err = s.readLong(ctx, long, func(t *tx) error {
		if revision, err = t.counted("revision"); err != nil || revision <= since {
			objects = nil
			return err
		}
		objects, err = t.objects(where, since)
		return err
	})
	return revision, objects, doing(err, "reading what has changed after revision %d", since)
}

// Object returns an object as it is now.
func (v *View) Object(ctx context.Context, kind site.ObjectKind, name string) (found site.Object, err error) {
	err = v.s.read(ctx, func(t *tx) error {
		objects, err := t.objects("o.kind = ? AND o.name = ? AND o.until = {forever} AND o.text <> ''", string(kind), name)
		if err == nil && (len(objects) == 0 || !v.sees(objects[0].Customer)) {
			return notFound(key{kind, name})
		}
		if err == nil {
			found = objects[0]
		}
		return err
	})
	return found, doing(err, "reading the configuration")
}

// Objects returns those that there are now of a kind and a name, and the revision that
// is. The empty kind is all kinds, and the empty name all names.
func (v *View) Objects(ctx context.Context, kind site.ObjectKind, name string) (revision int64, objects []site.Object, err error) {
	if err := v.known(); err != nil {
		return 0, nil, doing(err, "listing the configuration")
	}
	where, args := v.mine("o.customer")
	where += " AND o.until = {forever} AND o.text <> ''"
	if kind != "" {
		where, args = where+" AND o.kind = ?", append(args, string(kind))
	}
	if name != "" {
		where, args = where+" AND o.name = ?", append(args, name)
	}
	err = v.s.readLong(ctx, longPatience, func(t *tx) error {
		if revision, err = t.counted("revision"); err != nil {
			return err
		}
		objects, err = t.objects(where, args...)
		return err
	})
	return revision, objects, doing(err, "listing the configuration")
}

// published refuses a revision that does not exist. 0 is before the first one.
func (t *tx) published(revision int64) error {
	last, err := t.counted("revision")
	if err == nil && (revision < 0 || revision > last) {
		return fail(ErrNotFound, "revision %d: %v (the last one is %d)", revision, ErrNotFound, last)
	}
	return err
}

// bounded is how many rows a list has at most.
func bounded(limit int) int64 {
	const most = 10000
	if limit <= 0 || limit > most {
		return most
	}
	return int64(limit)
}
