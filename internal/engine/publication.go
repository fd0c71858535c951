package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Publish implements api.Configuration.
func (c configuration) Publish(ctx context.Context, req api.PublishRequest, who api.Caller) (api.Publication, error) {
	view, _, k, err := c.view(ctx, who)
	if err != nil {
		return api.Publication{}, err
	}
	base, drafted, err := view.Draft(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return api.Publication{}, fmt.Errorf("%w: there is nothing in the draft", api.ErrInvalid)
	case err != nil:
		return api.Publication{}, translated(err)
	case req.Base != 0 && base != req.Base:
		return api.Publication{}, fmt.Errorf("%w: the draft was made on revision %d, not on %d", api.ErrConflict, base, req.Base)
	}
	sites, err := k.check(drafted, who)
	if err == nil {
		err = withinPlan(ctx, view, drafted, sites, who)
	}
	if err != nil {
		return api.Publication{}, err
	}
	revision, err := view.Publish(ctx, store.Publication{Base: base, Objects: drafted, Claims: namesOf(sites), Why: req.Why, Draft: true})
	c.wakeUp()
	return api.Publication{Revision: revision, Changes: len(drafted)}, translated(err)
}

// Confirm implements api.Configuration.
func (c configuration) Confirm(ctx context.Context, req api.ConfirmRequest, who api.Caller) error {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return err
	}
	err = view.Confirm(ctx, req.Revision, req.Why)
	c.wakeUp()
	return translated(err)
}

// Rollback implements api.Configuration.
func (c configuration) Rollback(ctx context.Context, req api.RollbackRequest, who api.Caller) (api.Publication, error) {
	view, _, k, err := c.view(ctx, who)
	if err != nil {
		return api.Publication{}, err
	}
	found, err := view.Diff(ctx, req.Base, req.To)
	if err != nil {
		return api.Publication{}, translated(err)
	}
	var objects []site.Object
	for _, d := range found {
		after := d.After
		after.Kind, after.Name = d.Kind, d.Name
		objects = append(objects, after)
	}
	sites, err := k.check(objects, who)
	if err == nil {
		err = withinPlan(ctx, view, objects, sites, who)
	}
	if err != nil {
		return api.Publication{}, err
	}
	revision, err := view.Rollback(ctx, req.To, req.Base, req.Why)
	c.wakeUp()
	return api.Publication{Revision: revision, Changes: len(objects)}, translated(err)
}
