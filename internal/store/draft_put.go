package store

import (
	"cmp"
	"context"
	"errors"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Put is what became of objects that were put into a draft.
type Put struct {
	Base int64 // the revision that the draft is made on
	Same int   // of the objects, that are published just so
}

// PutDraft puts objects aside in the place of those of the same kind and name; what is
// published just so is not in the draft. The base is the revision that the objects
// were made on, or 0 for the last one: what was changed since is ErrConflict. An object
// that is published stays its customer's unless it names another, and in front of the
// Corefile's if it was.
func (v *View) PutDraft(ctx context.Context, base int64, objects ...site.Object) (put Put, err error) {
	if err := v.writes(); err != nil {
		return put, doing(err, "writing the draft")
	}
	err = v.s.writeLong(ctx, longPatience, func(t *tx) error {
		put, err = v.putDraft(t, base, objects)
		return err
	})
	return put, doing(err, "writing the draft")
}

func (v *View) putDraft(t *tx, base int64, objects []site.Object) (put Put, err error) {
	if base, err = t.baseOf(base); err != nil {
		return put, err
	}
	if put.Base, err = v.beginDraft(t, base); err != nil {
		return put, err
	}
	changed, same, err := v.drafting(t, base, objects)
	if err != nil {
		return put, err
	}
	put.Same = len(same)
	if _, err := v.undraft(t, same); err != nil {
		return put, err
	}
	if err := v.intoDraft(t, changed); err != nil {
		return put, err
	}
	if err := v.dropEmptyDraft(t); err != nil {
		return put, err
	}
	return put, v.audit(t, "draft "+named(objects), put.Base, 0)
}

// DraftWith returns the objects that the draft would have if some were put into it. It is
// refused with a *TooMany if the plan of the viewer's customer does not have so many.
func (v *View) DraftWith(ctx context.Context, base int64, objects ...site.Object) (all []site.Object, err error) {
	if err := v.drafts(); err != nil {
		return nil, doing(err, "writing the draft")
	}
	err = v.s.readLong(ctx, longPatience, func(t *tx) error {
		all, err = v.draftWith(t, base, objects)
		return err
	})
	return all, doing(err, "writing the draft")
}

func (v *View) draftWith(t *tx, base int64, objects []site.Object) ([]site.Object, error) {
	base, err := t.baseOf(base)
	if err != nil {
		return nil, err
	}
	changed, _, err := v.drafting(t, base, objects)
	if err != nil {
		return nil, err
	}
	_, drafted, err := v.draft(t)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	all := append(without(drafted, objects), changed...)
	return all, t.withinNumber(v.customer(), all)
}

// without returns those of a draft that others do not take the place of.
func without(drafted, others []site.Object) (left []site.Object) {
	taken := make(map[key]bool, len(others))
	for _, o := range others {
		taken[keyOf(o)] = true
	}
	for _, d := range drafted {
		if !taken[keyOf(d)] {
			left = append(left, d)
		}
	}
	return left
}

// DeleteDraft has the draft be without an object, as what is published will be.
func (v *View) DeleteDraft(ctx context.Context, kind site.ObjectKind, name string) error {
	if err := v.writes(); err != nil {
		return doing(err, "writing the draft")
	}
	err := v.s.write(ctx, func(t *tx) error { return v.deleteDraft(t, site.Object{Kind: kind, Name: name}) })
	return doing(err, "writing the draft")
}

func (v *View) deleteDraft(t *tx, o site.Object) error {
	last, err := t.baseOf(0)
	if err != nil {
		return err
	}
	base, err := v.beginDraft(t, last)
	if err != nil {
		return err
	}
	drafted, err := v.undraft(t, []site.Object{o})
	if err != nil {
		return err
	}
	removal, _, err := v.drafting(t, last, []site.Object{o})
	if err != nil && !(errors.Is(err, ErrNotFound) && drafted > 0) { // it is in the draft alone
		return err
	}
	if err := v.intoDraft(t, removal); err != nil {
		return err
	}
	if err := v.dropEmptyDraft(t); err != nil {
		return err
	}
	return v.audit(t, "draft without "+keyOf(o).String(), base, 0)
}

// baseOf returns the last revision in the place of 0, and refuses one that there is
// none of.
func (t *tx) baseOf(base int64) (int64, error) {
	if base == 0 {
		return t.counted("revision")
	}
	return base, t.published(base)
}

// beginDraft makes the viewer's draft if there is none, and returns the revision that
// it is made on. Nobody else changes it until the transaction ends.
func (v *View) beginDraft(t *tx, base int64) (int64, error) {
	_, err := t.one(`INSERT INTO drafts (customer, viewer, base, at) VALUES (?, ?, ?, {now})
		ON CONFLICT (customer, viewer) DO UPDATE SET at = excluded.at RETURNING base`, append(v.drafter(), base), &base)
	return base, err
}

// drafting returns objects as they would be drafted, apart from those that are
// published just so. It refuses now what could never be published.
func (v *View) drafting(t *tx, base int64, objects []site.Object) (changed, unchanged []site.Object, err error) {
	own, err := v.mayWrite(objects)
	if err != nil {
		return nil, nil, err
	}
	present, err := t.presentOf(own, "o.text")
	if err != nil {
		return nil, nil, err
	}
	for _, o := range own {
		there := present[keyOf(o)]
		if there.Text != "" && v.sees(there.Customer) {
			o.Customer, o.Adopted = cmp.Or(o.Customer, there.Customer), o.Adopted || there.Adopted
		}
		if err := v.replaces(&o, there, base); err != nil {
			return nil, nil, err
		}
		if same(o, there) {
			unchanged = append(unchanged, o)
		} else {
			changed = append(changed, o)
		}
	}
	return changed, unchanged, nil
}

// intoDraft writes objects into the draft.
func (v *View) intoDraft(t *tx, objects []site.Object) error {
	rows := make([][]any, 0, len(objects))
	for _, o := range objects {
		rows = append(rows, append(v.drafter(), string(o.Kind), o.Name, o.Customer, truth(o.Adopted), o.Text))
	}
	return t.insert("draft_objects (customer, viewer, kind, name, owner, adopted, text)",
		"ON CONFLICT (customer, viewer, kind, name) DO UPDATE SET owner = excluded.owner, adopted = excluded.adopted, text = excluded.text", 7, rows)
}

// undraft takes objects out of the draft, and says how many were in it.
func (v *View) undraft(t *tx, objects []site.Object) (removed int64, err error) {
	err = byNames(objects, func(kind site.ObjectKind, names []any) error {
		n, err := t.exec("DELETE FROM draft_objects WHERE customer = ? AND viewer = ? AND kind = ? AND name IN "+marks(1, len(names)),
			append(append(v.drafter(), string(kind)), names...)...)
		removed += n
		return err
	})
	return removed, err
}

// dropEmptyDraft throws a draft away that has nothing in it.
func (v *View) dropEmptyDraft(t *tx) error {
	_, err := t.exec(`DELETE FROM drafts WHERE customer = ? AND viewer = ?
		AND NOT EXISTS (SELECT 1 FROM draft_objects d WHERE d.customer = drafts.customer AND d.viewer = drafts.viewer)`, v.drafter()...)
	return err
}
