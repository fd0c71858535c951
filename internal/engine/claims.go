package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func shownClaim(c store.Claim) api.Claim {
	shown := api.Claim{Name: c.Name, Customer: c.Customer, Begun: c.Begun, Proof: c.Proof, Proved: c.Proved}
	if c.Proved.IsZero() {
		r := onboard.RecordFor(c.Name, c.Token)
		shown.Record = &api.ProofRecord{Name: r.Name, Text: r.Text}
	}
	return shown
}

// Claims implements api.Claims.
func (i identities) Claims(ctx context.Context, customer string, p api.Page, who api.Caller) ([]api.Claim, string, error) {
	return listed(ctx, i, p, who, func(v *store.View, ctx context.Context, cursor string, limit int) ([]store.Claim, error) {
		var after store.Claim
		after.Customer, after.Name, _ = strings.Cut(cursor, "/") // which no name of a customer has
		return v.Claims(ctx, customer, after, limit)
	}, shownClaim, func(c api.Claim) string { return c.Customer + "/" + c.Name })
}

// BeginClaim implements api.Claims.
func (i identities) BeginClaim(ctx context.Context, r api.ClaimRequest, who api.Caller) (api.Claim, error) {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return api.Claim{}, err
	}
	begin := view.BeginClaim
	if r.Proof == site.ProofOperator {
		begin = view.ClaimByWord
	}
	c, err := begin(ctx, r.Customer, r.Name)
	if err != nil {
		return api.Claim{}, translated(err)
	}
	return shownClaim(c), nil
}

// ProveClaim implements api.Claims. The store is told nothing but what DNS was seen to say.
func (i identities) ProveClaim(ctx context.Context, customer, name string, who api.Caller) (api.Claim, error) {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return api.Claim{}, err
	}
	c, err := view.Claim(ctx, customer, name)
	if err == nil && c.Proved.IsZero() {
		if err := i.seen(ctx, onboard.RecordFor(c.Name, c.Token)); err != nil {
			return api.Claim{}, err
		}
		c, err = view.ProveClaim(ctx, customer, c.Name, c.Token)
	}
	if err != nil {
		return api.Claim{}, translated(err)
	}
	return shownClaim(c), nil
}

// seen looks a record up.
func (i identities) seen(ctx context.Context, r onboard.Record) error {
	found, err := i.onboarder.Texts(ctx, r.Name+".")
	if err != nil {
		return fmt.Errorf("%w: looking for %s: %w", api.ErrUnproved, r, err)
	}
	if why := r.Missing(found); why != "" {
		return fmt.Errorf("%w: set this record: %s: %s", api.ErrUnproved, r, why)
	}
	return nil
}

// ReleaseClaim implements api.Claims.
func (i identities) ReleaseClaim(ctx context.Context, customer, name string, who api.Caller) error {
	view, _, _, err := i.view(ctx, who)
	if err != nil {
		return err
	}
	return translated(view.ReleaseClaim(ctx, customer, name))
}

var _ api.Claims = identities{}
