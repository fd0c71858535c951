package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Documents implements api.Documents.
func (c configuration) Documents(ctx context.Context, q api.DocumentQuery, who api.Caller) (revision int64, found []api.ConfigObject, next string, err error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return 0, nil, "", err
	}
	revision, objects, err := view.ObjectPage(ctx, store.ObjectQuery{Kind: q.Kind, Prefix: q.Prefix, Customer: q.Customer, After: q.Cursor, Limit: q.Limit + 1})
	objects, more := partOf(objects, q.Limit)
	for _, o := range objects {
		found = append(found, configObject(o))
	}
	if more {
		next = found[len(found)-1].Name
	}
	return revision, found, next, translated(err)
}

// partOf cuts what is more than was asked for.
func partOf[T any](list []T, limit int) (part []T, more bool) {
	return list[:min(limit, len(list))], len(list) > limit
}

func configObject(o site.Object) api.ConfigObject {
	shown := api.ConfigObject{Name: o.Name, Revision: o.Revision, Adopted: o.Adopted}
	var err error
	if shown.Document, err = document.Of(o); err != nil {
		shown.Document, shown.Why = nil, err.Error()
	}
	return shown
}

// Document implements api.Documents.
func (c configuration) Document(ctx context.Context, kind site.ObjectKind, name string, who api.Caller) (api.ConfigObject, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.ConfigObject{}, err
	}
	object, err := view.Object(ctx, kind, name)
	if err != nil {
		return api.ConfigObject{}, translated(err)
	}
	shown := configObject(object)
	if shown.Document == nil {
		return shown, ofKind{api.ErrConflict, fmt.Errorf("the text of %s '%s' cannot be said as a document: %s", kind, name, shown.Why)}
	}
	return shown, nil
}

// PutDocument implements api.Documents.
func (c configuration) PutDocument(ctx context.Context, w api.DocumentWrite, who api.Caller) (api.Written, error) {
	return c.writeObject(ctx, w, who)
}

// DeleteDocument implements api.Documents.
func (c configuration) DeleteDocument(ctx context.Context, w api.DocumentWrite, who api.Caller) (api.Written, error) {
	return c.writeObject(ctx, w, who)
}

// inFields says which fields of a document are wrong, where that is what an error says.
func inFields(err error, doc document.Document) error {
	var faults api.Faults
	if doc == nil || !errors.As(err, &faults) {
		return err
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	var located api.Faults
	for _, fault := range faults {
		if of := (ownerFault{}); errors.As(fault, &of) {
			located = append(located, of.inBody())
			continue
		}
		if many := new(store.TooMany); errors.As(fault, &many) {
			located = append(located, api.InBody(body, document.Fault{Field: "name", Message: many.Error()}))
			continue
		}
		for _, f := range document.Locate(doc, fault) {
			located = append(located, api.InBody(body, f))
		}
	}
	return located
}

// tries is how often at most a write is tried that is meant for whatever there is, and
// that others come before. Each time one of these has written.
const tries = 100

// writeObject publishes one object, if there is what the caller wants there to be, and
// waits for the servers.
func (c configuration) writeObject(ctx context.Context, w api.DocumentWrite, who api.Caller) (api.Written, error) {
	view, db, k, err := c.view(ctx, who)
	if err != nil {
		return api.Written{}, err
	}
	one := &objectWrite{DocumentWrite: w, view: view, db: db, kept: k, who: who}
	var written api.Written
	for range tries {
		if written, err = one.write(ctx); w.Wants != api.WhateverVersion || !one.overtaken(ctx, err) {
			break
		}
	}
	c.wakeUp()
	if err != nil {
		return api.Written{}, inFields(one.told(ctx, err), w.Document)
	}
	if w.Wait > 0 {
		written.Spread = c.await(ctx, written.Revision, w.Wait).Told(who)
	}
	return written, nil
}

// objectWrite is a write of one object under way.
type objectWrite struct {
	api.DocumentWrite
	view *store.View
	db   *store.Store
	kept *Kept
	who  api.Caller
	base int64 // the revision that the last try was made on
}

// overtaken reports whether a write may have failed only because others came before. A
// conflict may have other reasons.
func (w *objectWrite) overtaken(ctx context.Context, err error) bool {
	if !errors.Is(err, store.ErrConflict) {
		return false
	}
	newest, err := w.db.Revision(ctx)
	return err == nil && newest > w.base
}

func (w *objectWrite) write(ctx context.Context) (api.Written, error) {
	var err error
	if w.base, err = w.db.Revision(ctx); err != nil { // before what is there is looked at: what comes in between is a conflict
		return api.Written{}, err
	}
	present, err := w.view.Object(ctx, w.Object.Kind, w.Object.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return api.Written{}, err
	}
	if !wants(w.Wants, present.Revision) {
		return api.Written{}, fmt.Errorf("%w: %s '%s'", api.ErrStale, w.Object.Kind, w.Object.Name)
	}
	o := w.over(present)
	if w.isPublished(present) {
		return api.Written{Revision: present.Revision}, nil
	}
	err = owners(ctx, w.view, []site.Object{w.Object}, w.who)
	var sites []*site.Site
	if err == nil {
		sites, err = w.kept.check([]site.Object{o}, w.who)
	}
	if err == nil {
		err = withinPlan(ctx, w.view, []site.Object{o}, sites, w.who)
	}
	if err != nil {
		return api.Written{}, err
	}
	revision, err := w.view.Publish(ctx, store.Publication{Base: w.base, Objects: []site.Object{o}, Claims: namesOf(sites), Why: w.Why})
	return api.Written{Revision: revision, Changed: true}, err
}

// wants reports whether a version, 0 where there is none, is the wanted one.
func wants(wanted api.Version, present int64) bool {
	switch wanted {
	case api.WhateverVersion:
		return true
	case api.SomeVersion:
		return present > 0
	}
	return int64(wanted) == present
}

// over returns the object as it takes the place of another one: it stays that one's
// customer's, and in front of the Corefile's if it was.
func (w *objectWrite) over(present site.Object) site.Object {
	o := w.Object
	o.Adopted = present.Adopted
	o.Customer = cmp.Or(o.Customer, present.Customer, w.who.Customer)
	return o
}

// isPublished reports whether the document is that of what is published. The texts may
// differ in their form, and in comments.
func (w *objectWrite) isPublished(present site.Object) bool {
	if w.Document == nil || present.Text == "" || w.over(present).Customer != present.Customer {
		return false
	}
	doc, err := document.Read(present.Text)
	return err == nil && document.Text(doc) == w.Object.Text
}

// told returns an error as one of the API. That others came before is what a caller
// who wants a version is to know.
func (w *objectWrite) told(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, api.ErrStale), errors.Is(err, api.ErrInvalid):
		return err
	case w.Wants != api.WhateverVersion && w.overtaken(ctx, err):
		return fmt.Errorf("%w: %w", api.ErrStale, err)
	}
	return translated(err)
}
