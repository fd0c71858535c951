package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Begin implements api.Keys.
func (c configuration) Begin(ctx context.Context, who api.Caller, key string, hash []byte) (answer []byte, status int, done bool, err error) {
	_, db, _, err := c.view(ctx, who)
	if err != nil {
		return nil, 0, false, err
	}
	answer, status, done, err = db.BeginKey(ctx, ownerOf(who), key, hash)
	switch {
	case errors.Is(err, store.ErrConflict):
		err = fmt.Errorf("%w: %w", api.ErrUnderWay, err)
	case errors.Is(err, store.ErrInvalid):
		err = fmt.Errorf("%w: %w", api.ErrOtherRequest, err)
	default:
		err = translated(err)
	}
	return answer, status, done, err
}

// ownerOf is whose keys these are. Users of the socket have no customer, and may have the
// name of somebody's.
func ownerOf(who api.Caller) string { return string(who.Role) + "/" + who.Customer + "/" + who.Name }

// Finish implements api.Keys.
func (c configuration) Finish(ctx context.Context, who api.Caller, key string, status int, answer []byte) error {
	_, db, _, err := c.view(ctx, who)
	if err != nil {
		return err
	}
	if status == 0 {
		return translated(db.DropKey(ctx, ownerOf(who), key))
	}
	return translated(db.FinishKey(ctx, ownerOf(who), key, status, answer))
}
