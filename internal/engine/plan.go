package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// guardrailsOf returns what the plan of a customer lets him do, and how many sites he has.
// Without a plan there are no bounds.
func guardrailsOf(ctx context.Context, view *store.View, customer string) (g site.Guardrails, sites int, err error) {
	c, err := view.Customer(ctx, customer)
	if err != nil || c.Plan == "" {
		return g, 0, err
	}
	plan, err := view.Plan(ctx, c.Plan)
	if err != nil {
		return g, 0, err
	}
	sites, err = view.CountSites(ctx, customer)
	return plan.Guardrails, sites, err
}

// withinPlan says what of sites that a customer is about to publish his plan does not let
// him do. An operator publishes what he likes.
func withinPlan(ctx context.Context, view *store.View, sites []*site.Site, who api.Caller) error {
	if who.Role.Operates() || len(sites) == 0 {
		return nil
	}
	plan, count, err := guardrailsOf(ctx, view, who.Customer)
	if err != nil {
		return translated(err)
	}
	var faults api.Faults
	for _, s := range sites {
		others := 0 // one that is there may stay, however many there are
		switch _, err := view.Object(ctx, site.ObjectSite, strings.TrimSuffix(s.Name(), ".")); {
		case errors.Is(err, store.ErrNotFound):
			others = count
			count++
		case err != nil:
			return translated(err)
		}
		for _, breach := range provision.Check(s, plan, others) {
			faults = append(faults, fmt.Errorf("%s: %w", s.Place, breach))
		}
	}
	if faults == nil {
		return nil
	}
	return faults
}
