package engine

import (
	"context"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Adopt implements api.Configuration.
func (c configuration) Adopt(ctx context.Context, req api.AdoptRequest, who api.Caller) (api.Publication, error) {
	view, db, k, err := c.view(ctx, who)
	if err != nil {
		return api.Publication{}, err
	}
	object, found := k.config.Object(req.Site)
	if !found {
		return api.Publication{}, fmt.Errorf("site '%s' of the Corefile: %w", req.Site, api.ErrNotFound)
	}
	if _, err := view.Object(ctx, object.Kind, object.Name); err == nil {
		return api.Publication{}, ofKind{api.ErrConflict, fmt.Errorf("site '%s' is in the store already", object.Name)}
	}
	base, err := db.Revision(ctx)
	if err != nil {
		return api.Publication{}, translated(err)
	}
	objects := []site.Object{object}
	sites, err := k.check(objects, who)
	if err != nil {
		return api.Publication{}, err
	}
	revision, err := view.Publish(ctx, store.Publication{Base: base, Objects: objects, Claims: namesOf(sites), Why: req.Why})
	c.wakeUp()
	return api.Publication{Revision: revision, Changes: 1}, translated(err)
}
