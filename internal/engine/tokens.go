package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func shownToken(k store.Token) api.Token {
	return api.Token{ID: k.ID, Owner: k.Owner, Title: k.Title, Created: k.Created, Expires: k.Expires, Used: k.Used}
}

// Tokens implements api.Identities.
func (i identities) Tokens(ctx context.Context, owner string, p api.Page, who api.Caller) ([]api.Token, string, error) {
	return listed(ctx, i, p, who, func(v *store.View, ctx context.Context, after string, limit int) ([]store.Token, error) {
		return v.Tokens(ctx, owner, after, limit)
	}, shownToken, func(k api.Token) string { return k.ID })
}

// CreateToken implements api.Identities.
func (i identities) CreateToken(ctx context.Context, r api.TokenRequest, who api.Caller) (api.NewToken, error) {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return api.NewToken{}, err
	}
	secret, made, err := view.CreateToken(ctx, r.Owner, r.Title, r.Expires)
	return api.NewToken{Token: shownToken(made), Secret: secret}, translated(err)
}

// RevokeToken implements api.Identities.
func (i identities) RevokeToken(ctx context.Context, id string, who api.Caller) error {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return err
	}
	return translated(view.RevokeToken(ctx, id))
}
