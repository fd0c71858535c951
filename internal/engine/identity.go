package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Authenticate implements api.Authenticator.
func (c configuration) Authenticate(ctx context.Context, token string) (api.Caller, error) {
	k := c.inForceKept()
	if k == nil || k.db == nil {
		return api.Caller{}, fmt.Errorf("%w: there is no store", api.ErrNotFound)
	}
	db, err := k.db.get(ctx)
	if err != nil {
		return api.Caller{}, fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	u, err := db.Authenticate(ctx, token)
	switch {
	case errors.Is(err, store.ErrToken):
		return api.Caller{}, fmt.Errorf("%w: %w", api.ErrNotFound, err)
	case err != nil:
		return api.Caller{}, translated(err)
	}
	return api.Caller{Name: u.Name, Role: u.Role, Customer: u.Customer}, nil
}

// viewer returns a caller as the store knows him.
func viewer(who api.Caller) store.Viewer {
	return store.Viewer{Name: who.Name, Customer: who.Customer, Operator: who.Role.Operates(), ReadOnly: !who.Role.Writes()}
}
