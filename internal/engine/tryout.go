package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Check implements api.Configuration.
func (c configuration) Check(ctx context.Context, texts api.DraftTexts, who api.Caller) (api.Checked, error) {
	view, db, k, err := c.view(ctx, who)
	if err != nil {
		return api.Checked{}, err
	}
	objects, err := objectsOf(texts)
	if err == nil {
		err = notTooMany(ctx, view, objects, who)
	}
	if err != nil {
		return api.Checked{}, err
	}
	checked := api.Checked{Base: texts.Base}
	if checked.Base == 0 {
		if checked.Base, err = db.Revision(ctx); err != nil {
			return checked, translated(err)
		}
	}
	var found tried
	if err := found.add(owners(ctx, view, objects, who)); err != nil || found.faults != nil && !who.Role.Operates() {
		return checked, errors.Join(err, found.err()) // what is said to be another's is not there for him
	}
	changed, err := view.Changed(ctx, checked.Base, objects...)
	checked.Changes = len(changed)
	if err != nil || checked.Changes == 0 {
		return checked, errors.Join(translated(err), found.err())
	}
	sites, err := k.check(changed, who)
	for _, err := range []error{
		err, withinPlan(ctx, view, changed, sites, who),
		translated(view.TryPublish(ctx, store.Publication{Base: checked.Base, Objects: changed, Claims: namesOfAll(sites, changed)})),
	} {
		if err := found.add(err); err != nil {
			return checked, err
		}
	}
	return checked, found.err()
}

// namesOfAll is namesOf, with the sites that are refused: of these it is only known
// what they are called.
func namesOfAll(sites []*site.Site, objects []site.Object) []store.SiteNames {
	all := namesOf(sites)
	made := make(map[string]bool, len(sites))
	for _, s := range sites {
		made[strings.TrimSuffix(s.Name(), ".")] = true
	}
	for _, o := range objects {
		if o.Kind == site.ObjectSite && o.Text != "" && !made[o.Name] {
			all = append(all, store.SiteNames{Site: o.Name})
		}
	}
	return all
}

// tried is what was found wrong.
type tried struct{ faults api.Faults }

// add takes an error that says what is wrong, and returns any other one.
func (t *tried) add(err error) error {
	var several api.Faults
	switch {
	case err == nil:
	case errors.As(err, &several):
		t.faults = append(t.faults, several...)
	case errors.Is(err, api.ErrInvalid), errors.Is(err, api.ErrConflict), errors.Is(err, api.ErrNotFound):
		t.faults = append(t.faults, err)
	default:
		return err
	}
	return nil
}

// err is what was found wrong as one error; nil: nothing.
func (t *tried) err() error {
	switch len(t.faults) {
	case 0:
		return nil
	case 1:
		return t.faults[0]
	}
	return t.faults
}
