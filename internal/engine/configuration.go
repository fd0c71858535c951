package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// configuration is what operators see of the store, and do with it; see
// api.Configuration.
type configuration struct{ *Engine }

// reader is who looks at the store where nobody is named.
var reader = api.Caller{Name: "operator", Role: site.RoleOperatorReadonly}

// view returns the store as somebody sees it.
func (c configuration) view(ctx context.Context, who api.Caller) (*store.View, *store.Store, *Kept, error) {
	k := c.inForceKept()
	if k == nil || k.db == nil {
		return nil, nil, nil, api.ErrNoStore
	}
	db, err := k.db.get(ctx)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	return db.As(viewer(who)), db, k, nil
}

// translated returns an error of the store as one of the API.
func translated(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*store.TooMany)):
		return tooMany(err)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrReadOnly):
		return ofKind{api.ErrNotFound, err}
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNewer):
		return ofKind{api.ErrConflict, err}
	case errors.Is(err, store.ErrInvalid):
		return fmt.Errorf("%w: %w", api.ErrInvalid, err)
	case store.IsFull(err):
		return fmt.Errorf("%w: %w", api.ErrStorage, err)
	}
	return fmt.Errorf("%w: %w", api.ErrUnavailable, err)
}

// ofKind is an error of a kind of the API whose own words say all: a conflict may be one of
// versions or not.
type ofKind struct{ kind, err error }

func (e ofKind) Error() string   { return e.err.Error() }
func (e ofKind) Unwrap() []error { return []error{e.kind, e.err} }

// Objects implements api.Configuration.
func (c configuration) Objects(ctx context.Context, kind site.ObjectKind, name string, who api.Caller) (api.Objects, error) {
	view, _, _, err := c.view(ctx, who)
	if err != nil {
		return api.Objects{}, err
	}
	revision, objects, err := view.Objects(ctx, kind, name)
	if err != nil {
		return api.Objects{}, translated(err)
	}
	found := api.Objects{Revision: revision}
	for _, o := range objects {
		found.Objects = append(found.Objects, api.Object{Kind: o.Kind, Name: o.Name, Text: o.Text, Revision: o.Revision, Customer: o.Customer, Adopted: o.Adopted})
	}
	if name != "" && found.Objects == nil {
		return found, fmt.Errorf("%s '%s': %w", kind, name, api.ErrNotFound)
	}
	slices.SortFunc(found.Objects, func(a, b api.Object) int {
		return cmp.Or(compareKinds(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return found, nil
}

// compareKinds puts kinds into the order in which they need each other.
func compareKinds(a, b site.ObjectKind) int {
	return cmp.Compare(slices.Index(site.ObjectKinds(), a), slices.Index(site.ObjectKinds(), b))
}

// newest returns the number of the newest revision.
func (c configuration) newest(ctx context.Context) (int64, error) {
	_, db, _, err := c.view(ctx, reader)
	if err != nil {
		return 0, err
	}
	revision, err := db.Revision(ctx)
	return revision, translated(err)
}
