package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// bounds is the tenancy of the store. What nobody is a customer of has no bounds but
// those of names.
type bounds struct{ *onboarder }

// as returns the store as who asked for an onboarding sees it.
func (b bounds) as(ctx context.Context, of site.Onboarding) (*store.View, error) {
	_, db, err := b.at(ctx)
	if err != nil {
		return nil, err
	}
	return db.As(store.Viewer{Name: of.By, Customer: of.Customer, Operator: of.Operator}), nil
}

// Guardrails implements tenancy.
func (b bounds) Guardrails(ctx context.Context, customer string) (g site.Guardrails, sites int, err error) {
	_, db, err := b.at(ctx)
	if err != nil {
		return g, 0, err
	}
	return guardrailsOf(ctx, db.As(store.Viewer{Name: "guardrails", Customer: customer, ReadOnly: true}), customer)
}

// Overlaps implements tenancy.
func (b bounds) Overlaps(ctx context.Context, of site.Onboarding, names []string) ([]error, error) {
	view, err := b.as(ctx, of)
	if err != nil {
		return nil, err
	}
	standing, err := view.Standing(ctx, of.Customer, names)
	if err != nil || standing.Taken == nil {
		return nil, err
	}
	return []error{standing.Taken}, nil
}

// Proved implements onboard.Claims.
func (b bounds) Proved(ctx context.Context, of site.Onboarding, name string) (bool, error) {
	view, err := b.as(ctx, of)
	if err != nil || of.Customer == "" {
		return false, err
	}
	standing, err := view.Standing(ctx, of.Customer, []string{name})
	return err == nil && standing.Lacking == nil, err
}

// Claim implements onboard.Claims. What the customer has already stays as it is.
func (b bounds) Claim(ctx context.Context, of site.Onboarding, names []string) error {
	view, err := b.as(ctx, of)
	if err != nil || of.Customer == "" {
		return err // the operator needs no claim
	}
	standing, err := view.Standing(ctx, of.Customer, names)
	if err != nil {
		return err
	}
	if standing.Taken != nil {
		return onboard.Refuse(standing.Taken)
	}
	for _, name := range standing.Lacking {
		if _, err := view.ClaimByOnboarding(ctx, of, strings.TrimPrefix(name, "*.")); err != nil {
			return refusedClaim(err)
		}
	}
	return nil
}

// refusedClaim has an onboarding end that cannot have its names.
func refusedClaim(err error) error {
	for _, final := range []error{store.ErrConflict, store.ErrInvalid, store.ErrNotFound} {
		if errors.Is(err, final) {
			return onboard.Refuse(err)
		}
	}
	return err
}

// Release implements onboard.Claims. What other sites need stays; so does, of one that is
// undone, what the customer had before.
func (b bounds) Release(ctx context.Context, of site.Onboarding) error {
	view, err := b.as(ctx, of)
	if err != nil || of.Customer == "" {
		return err
	}
	for _, name := range of.Names {
		c, err := view.Claim(ctx, of.Customer, strings.TrimPrefix(name, "*."))
		if err == nil && of.Kind == site.Onboard && c.Onboarding != of.ID {
			continue
		}
		if err == nil {
			err = view.ReleaseClaim(ctx, of.Customer, c.Name)
		}
		if err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// answeredFor says what the site of an onboarding is answered for, where it is put.
func answeredFor(of site.Onboarding, put bool) []store.SiteNames {
	if !put {
		return nil
	}
	return []store.SiteNames{{Site: of.Site, Names: of.Names}}
}

var _ tenancy = bounds{}
