package store

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Draft returns what the viewer has put aside, and the revision that it was
// made on.
func (v *View) Draft(ctx context.Context) (base int64, objects []site.Object, err error) {
	if err := v.drafts(); err != nil {
		return 0, nil, doing(err, "reading the draft")
	}
	err = v.s.readLong(ctx, longPatience, func(t *tx) error {
		base, objects, err = v.draft(t)
		return err
	})
	return base, objects, doing(err, "reading the draft")
}

func (v *View) draft(t *tx) (base int64, objects []site.Object, err error) {
	if base, err = v.draftBase(t); err != nil {
		return 0, nil, err
	}
	objects, err = v.drafted(t)
	return base, objects, err
}

// draftBase returns the revision that the viewer's draft was made on.
func (v *View) draftBase(t *tx) (int64, error) {
	return v.base(t, "SELECT base FROM drafts WHERE customer = ? AND viewer = ?")
}

// base reads a base by a statement that knows the viewer.
func (v *View) base(t *tx, statement string) (base int64, err error) {
	there, err := t.one(statement, v.drafter(), &base)
	if err == nil && !there {
		err = fail(ErrNotFound, "a draft of '%s': %v", v.who.Name, ErrNotFound)
	}
	return base, err
}

// drafted returns the objects in the viewer's draft.
func (v *View) drafted(t *tx) (objects []site.Object, err error) {
	err = t.each(`SELECT kind, name, owner, adopted, text, 0 FROM draft_objects WHERE customer = ? AND viewer = ? ORDER BY kind, name`,
		v.drafter(), func(scan func(...any) error) error {
			o, err := scanObject(scan)
			objects = append(objects, o)
			return err
		})
	return objects, err
}

// DiffDraft tells what the viewer's draft would change, and the revision that it was
// made on.
func (v *View) DiffDraft(ctx context.Context) (base int64, changes []Difference, err error) {
	if err := v.drafts(); err != nil {
		return 0, nil, doing(err, "comparing the draft")
	}
	err = v.s.readLong(ctx, longPatience, func(t *tx) error {
		base, changes, err = v.diffDraft(t)
		return err
	})
	return base, changes, doing(err, "comparing the draft")
}

func (v *View) diffDraft(t *tx) (base int64, changes []Difference, err error) {
	if base, err = v.draftBase(t); err != nil {
		return 0, nil, err
	}
	mine, args := v.mine("o.customer")
	err = t.each(`SELECT d.kind, d.name, d.owner, d.adopted, d.text, 0,
			COALESCE(o.customer, ''), COALESCE(o.adopted, 0), COALESCE(o.text, ''), COALESCE(o.since, 0)
		FROM draft_objects d LEFT JOIN objects o ON o.kind = d.kind AND o.name = d.name AND o.until = {forever} AND o.text <> '' AND `+mine+`
		WHERE d.customer = ? AND d.viewer = ? ORDER BY d.kind, d.name`,
		append(args, v.drafter()...), func(scan func(...any) error) error {
			d, err := scanDifference(scan)
			changes = append(changes, d)
			return err
		})
	return base, changes, err
}

func scanDifference(scan func(into ...any) error) (d Difference, err error) {
	var adopted int64
	b := &d.Before
	d.After, err = scanObject(scan, &b.Customer, &adopted, &b.Text, &b.Revision)
	d.Kind, d.Name = d.After.Kind, d.After.Name
	if b.Text != "" {
		b.Kind, b.Name, b.Adopted = d.Kind, d.Name, adopted != 0
	}
	return d, err
}

func (v *View) drafter() []any { return []any{v.customer(), v.who.Name} }

// DropDraft throws the viewer's draft away.
func (v *View) DropDraft(ctx context.Context) error {
	if err := v.writes(); err != nil {
		return doing(err, "dropping the draft")
	}
	err := v.s.write(ctx, func(t *tx) error {
		there, err := v.dropDraft(t)
		if err != nil {
			return err
		}
		if !there {
			return fail(ErrNotFound, "a draft of '%s': %v", v.who.Name, ErrNotFound)
		}
		return v.audit(t, "drop the draft", 0, 0)
	})
	return doing(err, "dropping the draft")
}

func (v *View) dropDraft(t *tx) (there bool, err error) {
	n, err := t.exec("DELETE FROM drafts WHERE customer = ? AND viewer = ?", v.drafter()...)
	return n > 0, err
}

// takeDraft empties the draft for its publication.
func (v *View) takeDraft(t *tx, p Publication) (Publication, error) {
	base, err := v.holdDraft(t)
	if err != nil {
		return p, err
	}
	objects, err := v.drafted(t)
	if err != nil {
		return p, err
	}
	if p.Base != 0 && p.Base != base || len(p.Objects) > 0 && !v.isDraft(p.Objects, objects) {
		return p, fail(ErrConflict, "the draft, made on revision %d: %v", base, ErrConflict)
	}
	_, err = v.dropDraft(t)
	return Publication{Base: base, Objects: objects}, err
}

// holdDraft returns the revision that the draft was made on. Nobody else changes it
// until the transaction ends.
func (v *View) holdDraft(t *tx) (int64, error) {
	return v.base(t, "UPDATE drafts SET at = {now} WHERE customer = ? AND viewer = ? RETURNING base")
}

// isDraft reports whether a draft has just these objects.
func (v *View) isDraft(given, draft []site.Object) bool {
	if len(given) != len(draft) {
		return false
	}
	there := make(map[key]site.Object, len(draft))
	for _, d := range draft {
		there[keyOf(d)] = d
	}
	for _, o := range given {
		if o.Customer == "" {
			o.Customer = v.customer()
		}
		if d, found := there[keyOf(o)]; !found || !same(o, d) {
			return false
		}
	}
	return true
}
