package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
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

// tooMany returns an error of the store about too many sites as Faults, with what else it
// says.
func tooMany(err error) error {
	var many *store.TooMany
	var unproved *store.Unproved
	faults := api.Faults{}
	if errors.As(err, &many) {
		faults = append(faults, many)
	}
	if errors.As(err, &unproved) {
		faults = append(faults, unproved)
	}
	return faults
}

// withinPlan says what of the sites that objects of a customer's make his plan does not
// let him do. An operator publishes what he likes. How many they are says the store.
func withinPlan(ctx context.Context, view *store.View, objects []site.Object, sites []*site.Site, who api.Caller) error {
	if who.Role.Operates() || len(sites) == 0 {
		return nil
	}
	plan, _, err := guardrailsOf(ctx, view, who.Customer)
	if err != nil {
		return translated(err)
	}
	of := make(map[string]site.Object, len(objects))
	for _, o := range objects {
		if o.Kind == site.ObjectSite {
			of[o.Name] = o
		}
	}
	var faults api.Faults
	his := &services{view: view}
	if len(sites) == 1 {
		his.only = strings.TrimSuffix(sites[0].Name(), ".")
	}
	for _, s := range sites {
		o := of[strings.TrimSuffix(s.Name(), ".")]
		named, err := his.of(ctx, o, plan)
		if err != nil {
			return err
		}
		for _, breach := range append(provision.Check(s, plan, 0), named...) {
			faults = append(faults, corefile.Blame(o, breach))
		}
	}
	if faults == nil {
		return nil
	}
	return faults
}

// services says which services of CDNs an object of a customer's names that are not his
// to name. Those that it named before are: all that are in force are read once, if need be.
type services struct {
	view   *store.View
	only   string            // the one site that is read; empty: all of the customer's
	before map[string]string // their texts; nil: not read yet
}

func (s *services) of(ctx context.Context, o site.Object, plan site.Guardrails) ([]error, error) {
	if provision.Services(o.Text, "", plan.Services) == nil {
		return nil, nil
	}
	if s.before == nil {
		_, objects, err := s.view.Objects(ctx, site.ObjectSite, s.only)
		if err != nil {
			return nil, translated(err)
		}
		s.before = make(map[string]string, len(objects))
		for _, before := range objects {
			s.before[before.Name] = before.Text
		}
	}
	return provision.Services(o.Text, s.before[o.Name], plan.Services), nil
}
