package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// identities are the customers, plans, users and tokens of the store; see
// api.Identities.
type identities struct{ configuration }

// listed returns a part of a list of the store as the API has it.
func listed[S, A any](ctx context.Context, i identities, p api.Page, who api.Caller,
	read func(v *store.View, ctx context.Context, after string, limit int) ([]S, error), show func(S) A, name func(A) string) (part []A, next string, err error) {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return nil, "", err
	}
	found, err := read(view, ctx, p.Cursor, p.Limit+1)
	found, more := partOf(found, p.Limit)
	for _, s := range found {
		part = append(part, show(s))
	}
	if more {
		next = name(part[len(part)-1])
	}
	return part, next, translated(err)
}

// single returns one thing of the store as the API has it.
func single[S, A any](ctx context.Context, i identities, name string, who api.Caller,
	read func(v *store.View, ctx context.Context, name string) (S, error), show func(S) A) (one A, err error) {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return one, err
	}
	found, err := read(view, ctx, name)
	if err != nil {
		return one, translated(err)
	}
	return show(found), nil
}

// changed does a write that is meant for a version of something, which present reads.
func (i identities) changed(ctx context.Context, wanted api.Version, who api.Caller,
	present func(*store.View) (int64, error), write func(v *store.View, version int64) error) error {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return err
	}
	version := int64(wanted)
	if wanted == api.SomeVersion {
		version, err = present(view)
	}
	if err == nil {
		err = write(view, version)
	}
	if wanted == api.WhateverVersion || !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
		return translated(err)
	}
	now, missing := present(view)
	if errors.Is(missing, store.ErrNotFound) {
		now = 0
	}
	if !wants(wanted, now) {
		return fmt.Errorf("%w: %w", api.ErrStale, err)
	}
	return translated(err)
}
