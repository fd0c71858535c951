package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Publication is a change of the configuration: one revision.
type Publication struct {
	Base    int64         // the revision that it was made on
	Objects []site.Object // as they are to be; one without a text is removed
	Claims  []SiteNames   // what the sites among them are answered for, beside their own name
	Why     string
	// Draft publishes the viewer's draft, and empties it. Base and Objects may
	// be left out; if they are given, the draft has to be just that still.
	Draft bool
	// Onboarding is what the revision is of, and is noted there in the same transaction;
	// nil: nothing.
	Onboarding *Onboards
}

// Publish makes a new revision. It is refused with ErrConflict if one of its
// objects was changed after its base, or a site is answered for a name that is
// somebody else's; with an *Unproved if a customer has not proved that names of
// his sites are his, and with a *TooMany if his plan does not have so many.
func (v *View) Publish(ctx context.Context, p Publication) (revision int64, err error) {
	what := "publishing " + named(p.Objects)
	long := patience + time.Duration(len(p.Objects))*time.Millisecond
	if p.Draft {
		what, long = "publishing the draft", longPatience
	}
	if err := v.writes(); err != nil {
		return 0, doing(err, "%s", what)
	}
	err = v.s.writeLong(ctx, long, func(t *tx) error {
		if revision, err = t.take("revision", 1); err != nil { // from here on nobody else publishes
			return err
		}
		return v.publishAs(t, revision, p)
	})
	if err != nil {
		return 0, doing(err, "%s", what)
	}
	return revision, nil
}

func (v *View) publishAs(t *tx, revision int64, p Publication) error {
	if p.Draft {
		drafted, err := v.takeDraft(t, p)
		if err != nil {
			return err
		}
		p.Base, p.Objects = drafted.Base, drafted.Objects
	}
	return v.publish(t, revision, p, "publish "+named(p.Objects))
}

// publish writes a revision whose number was taken.
func (v *View) publish(t *tx, revision int64, p Publication, what string) error {
	objects, full, err := v.allowed(t, revision, p)
	if err != nil {
		return err
	}
	names, err := v.answers(t, objects, p.Claims)
	if err := errors.Join(full, err); err != nil { // both are to be known
		return err
	}
	if err := t.replace(revision, objects, names); err != nil {
		return err
	}
	if _, err := t.exec("INSERT INTO revisions (number, at, who, customer, why, changes) VALUES (?, {now}, ?, ?, ?, ?)",
		revision, v.who.Name, v.customer(), p.Why, int64(len(objects))); err != nil {
		return err
	}
	if p.Onboarding != nil {
		if err := p.Onboarding.published(t, revision); err != nil {
			return err
		}
	}
	t.wake()
	return v.audit(t, what, p.Base, revision)
}

// allowed returns the objects of a publication as they are to be written, if the viewer
// may do that. That they would be too many is full: what else is wrong is to be known, too.
func (v *View) allowed(t *tx, revision int64, p Publication) (objects []site.Object, full, err error) {
	if err := text("the reason", p.Why); err != nil {
		return nil, nil, err
	}
	if p.Base < 0 || p.Base >= revision {
		return nil, nil, fail(ErrInvalid, "base %d: the last revision is %d", p.Base, revision-1)
	}
	if objects, err = v.mayReplace(t, p.Base, p.Objects); err != nil {
		return nil, nil, err
	}
	if err := t.nobodyClosed(objects); err != nil {
		return nil, nil, err
	}
	many := new(TooMany)
	full = t.withinNumber(v.bound(p, objects), objects)
	if full != nil && !errors.As(full, &many) {
		return nil, nil, full
	}
	return objects, full, nil
}

// mayReplace returns objects as they are to be written, if the viewer may do
// that and nobody has changed them after base.
func (v *View) mayReplace(t *tx, base int64, objects []site.Object) ([]site.Object, error) {
	objects, err := v.mayWrite(objects)
	if err != nil {
		return nil, err
	}
	present, err := t.presentOf(objects, "CASE WHEN o.text = '' THEN '' ELSE '.' END")
	if err != nil {
		return nil, err
	}
	for i := range objects {
		if err := v.replaces(&objects[i], present[keyOf(objects[i])], base); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// replaces checks one object against what is there now; that has no revision
// if it was never there.
func (v *View) replaces(o *site.Object, present site.Object, base int64) error {
	gone := present.Text == ""
	switch {
	case !v.sees(present.Customer) && present.Revision > 0:
		if !gone || o.Text == "" {
			return notFound(keyOf(*o))
		}
	case present.Revision > base:
		return fail(ErrConflict, "%s has revision %d, and the change was made on revision %d: %v", keyOf(*o), present.Revision, base, ErrConflict)
	case gone && o.Text == "":
		return notFound(keyOf(*o))
	}
	if o.Text == "" {
		o.Customer, o.Adopted = present.Customer, present.Adopted // it goes on being theirs, in the history
	}
	if !v.who.Operator && o.Adopted != (present.Adopted && !gone && v.sees(present.Customer)) && o.Text != "" {
		return fail(ErrInvalid, "%s: only an operator has it take the place of a site of the Corefile", keyOf(*o))
	}
	return nil
}

// presentOf reads the present versions of objects, of removed ones, too. Their texts
// are what an expression on the table objects as o says.
func (t *tx) presentOf(objects []site.Object, text string) (map[key]site.Object, error) {
	found := make(map[key]site.Object, len(objects))
	err := byNames(objects, func(kind site.ObjectKind, names []any) error {
		return t.each(`SELECT o.kind, o.name, o.customer, o.adopted, `+text+`, o.since FROM objects o
			WHERE o.until = {forever} AND o.kind = ? AND o.name IN `+marks(1, len(names)), append([]any{string(kind)}, names...),
			func(scan func(...any) error) error {
				o, err := scanObject(scan)
				found[keyOf(o)] = o
				return err
			})
	})
	return found, err
}

// byNames calls f with the names of objects, kind by kind, as many at once as
// fit into a statement.
func byNames(objects []site.Object, f func(kind site.ObjectKind, names []any) error) error {
	const most = 1000
	names := map[site.ObjectKind][]any{}
	for _, o := range objects {
		names[o.Kind] = append(names[o.Kind], o.Name)
	}
	for kind, all := range names {
		for part := range slices.Chunk(all, most) {
			if err := f(kind, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace ends the present versions of objects and adds new ones, sites with what they are
// answered for.
func (t *tx) replace(revision int64, objects []site.Object, names map[string]string) error {
	err := byNames(objects, func(kind site.ObjectKind, names []any) error {
		_, err := t.exec("UPDATE objects SET until = ? WHERE until = {forever} AND kind = ? AND name IN "+marks(1, len(names)),
			append([]any{revision, string(kind)}, names...)...)
		return err
	})
	if err != nil {
		return err
	}
	rows := make([][]any, 0, len(objects))
	for _, o := range objects {
		answered := ""
		if o.Kind == site.ObjectSite {
			answered = names[o.Name]
		}
		rows = append(rows, []any{string(o.Kind), o.Name, revision, endless, o.Customer, truth(o.Adopted), o.Text, answered})
	}
	return t.insert("objects (kind, name, since, until, customer, adopted, text, names)", "", 8, rows)
}
