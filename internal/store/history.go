package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Revision is one of the configuration's.
type Revision struct {
	Number  int64
	At      time.Time
	Who     string // empty for a customer, as is Why, if none of his people made it
	Why     string
	Changes int // objects that it changed, of those that the viewer sees
}

// Difference is what became of an object between two revisions. One that was
// not there has no text.
type Difference struct {
	Kind          site.ObjectKind
	Name          string
	Before, After site.Object
}

// Diff tells what is different at a revision from what was at another one.
func (v *View) Diff(ctx context.Context, from, to int64) (found []Difference, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "comparing revisions %d and %d", from, to)
	}
	err = v.s.readLong(ctx, longPatience, func(t *tx) error {
		found, err = v.diff(t, from, to)
		return err
	})
	return found, doing(err, "comparing revisions %d and %d", from, to)
}

func (v *View) diff(t *tx, from, to int64) ([]Difference, error) {
	for _, revision := range []int64{from, to} {
		if err := t.published(revision); err != nil {
			return nil, err
		}
	}
	touched := map[key]*Difference{}
	for _, side := range []struct {
		at  int64
		put func(*Difference, site.Object)
	}{
		{from, func(d *Difference, o site.Object) { d.Before = o }},
		{to, func(d *Difference, o site.Object) { d.After = o }},
	} {
		if err := v.touched(t, side.at, from, to, func(o site.Object) {
			k := keyOf(o)
			if touched[k] == nil {
				touched[k] = &Difference{Kind: o.Kind, Name: o.Name}
			}
			side.put(touched[k], o)
		}); err != nil {
			return nil, err
		}
	}
	return different(touched), nil
}

// touched reads those objects as they were at a revision that have been
// changed between two.
func (v *View) touched(t *tx, at, from, to int64, f func(site.Object)) error {
	mine, args := v.mine("o.customer")
	args = append(args, at, at, min(from, to), max(from, to))
	objects, err := t.objects(mine+` AND o.since <= ? AND o.until > ? AND o.text <> '' AND EXISTS
		(SELECT 1 FROM objects c WHERE c.kind = o.kind AND c.name = o.name AND c.since > ? AND c.since <= ?)`, args...)
	for _, o := range objects {
		f(o)
	}
	return err
}

// different leaves out what was changed and changed back.
func different(touched map[key]*Difference) (found []Difference) {
	for _, d := range touched {
		if !same(d.Before, d.After) {
			found = append(found, *d)
		}
	}
	slices.SortFunc(found, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return found
}

func same(a, b site.Object) bool {
	return a.Text == b.Text && a.Customer == b.Customer && a.Adopted == b.Adopted
}

// History lists revisions, the newest first: those before a number, or all if
// that is 0. A customer sees those that changed something of his, and who made them and
// why if that was somebody of his: others may have changed other things with them.
func (v *View) History(ctx context.Context, before int64, limit int) (revisions []Revision, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing revisions")
	}
	if before <= 0 {
		before = endless
	}
	query, args := v.history(before, bounded(limit))
	err = v.s.read(ctx, func(t *tx) error {
		revisions = nil
		return t.each(query, args, func(scan func(...any) error) error {
			var r Revision
			var at int64
			err := scan(&r.Number, &at, &r.Who, &r.Why, &r.Changes)
			r.At = moment(at)
			revisions = append(revisions, r)
			return err
		})
	})
	return revisions, doing(err, "listing revisions")
}

func (v *View) history(before, limit int64) (query string, args []any) {
	if v.who.Operator {
		return `SELECT number, at, who, why, changes FROM revisions WHERE number < ? ORDER BY number DESC LIMIT ?`, []any{before, limit}
	}
	return `SELECT r.number, r.at, CASE WHEN r.customer = ? THEN r.who ELSE '' END, CASE WHEN r.customer = ? THEN r.why ELSE '' END, COUNT(*)
		FROM revisions r JOIN (
			SELECT since AS number, kind, name FROM objects WHERE customer = ? AND since < ?
			UNION SELECT until, kind, name FROM objects WHERE customer = ? AND until < ?
		) c ON c.number = r.number
		GROUP BY r.number, r.at, r.who, r.why, r.customer ORDER BY r.number DESC LIMIT ?`,
		[]any{v.who.Customer, v.who.Customer, v.who.Customer, before, v.who.Customer, before, limit}
}

// Rollback makes a new revision in which the viewer's objects are as they were
// at an old one. It is refused with ErrConflict if one of those that differ was
// changed after base.
func (v *View) Rollback(ctx context.Context, to, base int64, why string) (revision int64, err error) {
	if err := v.writes(); err != nil {
		return 0, doing(err, "rolling back to revision %d", to)
	}
	err = v.s.writeLong(ctx, longPatience, func(t *tx) error {
		if revision, err = t.take("revision", 1); err != nil {
			return err
		}
		return v.rollback(t, revision, to, base, why)
	})
	if err != nil {
		return 0, doing(err, "rolling back to revision %d", to)
	}
	return revision, nil
}

func (v *View) rollback(t *tx, revision, to, base int64, why string) error {
	if to >= revision {
		return fail(ErrNotFound, "revision %d: %v (the last one is %d)", to, ErrNotFound, revision-1)
	}
	differences, err := v.diff(t, to, revision-1)
	if err != nil {
		return err
	}
	var objects []site.Object
	for _, d := range differences {
		if !v.who.Operator && d.Kind != site.ObjectSite {
			continue // these are the operator's to change
		}
		o := d.Before
		o.Kind, o.Name = d.Kind, d.Name
		objects = append(objects, o)
	}
	if len(objects) == 0 {
		return fail(ErrInvalid, "everything is as it was at revision %d", to)
	}
	said, err := t.answeredAt(to, withTexts(objects))
	if err != nil {
		return err
	}
	what := "roll back to revision " + strconv.FormatInt(to, 10) + ": " + named(objects)
	return v.publish(t, revision, Publication{Base: base, Objects: objects, Claims: said, Why: why}, what)
}

// withTexts leaves those out that are removed.
func withTexts(objects []site.Object) (left []site.Object) {
	for _, o := range objects {
		if o.Text != "" {
			left = append(left, o)
		}
	}
	return left
}
