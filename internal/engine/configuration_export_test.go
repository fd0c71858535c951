package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// Configuration is the store as operators see it.
func (e *Engine) Configuration() api.Configuration { return configuration{e} }

// LoseStore has the store in force be away from now on.
func (e *Engine) LoseStore() { e.inForceKept().db.close() }

// Onboardings is how sites are taken to visitors.
func (e *Engine) Onboardings() api.Onboardings { return configuration{e} }

// Restrict has onboardings obey a plan, and what is somebody else's.
func (e *Engine) Restrict(g site.Guardrails, sites int, overlaps ...error) {
	e.onboarder.tenancy = restricted{bounds: bounds{e.onboarder}, g: g, sites: sites, overlaps: overlaps}
}

type restricted struct {
	bounds
	g        site.Guardrails
	sites    int
	overlaps []error
}

func (r restricted) Guardrails(context.Context, string) (site.Guardrails, int, error) {
	return r.g, r.sites, nil
}

func (r restricted) Overlaps(context.Context, site.Onboarding, []string) ([]error, error) {
	return r.overlaps, nil
}

// Claims returns those of a customer.
func (e *Engine) Claims(customer string) ([]store.Claim, error) {
	db, err := e.inForceKept().db.get(context.Background())
	if err != nil {
		return nil, err
	}
	return db.As(store.Viewer{Name: "ann", Operator: true}).Claims(context.Background(), customer, store.Claim{}, 0)
}

// ReportAs has the store in force believe that there is another server.
func (e *Engine) ReportAs(server store.Server) error {
	db, err := e.inForceKept().db.get(context.Background())
	if err != nil {
		return err
	}
	return db.Report(context.Background(), server)
}

// Resources are what is in the store, one thing at a time.
func (e *Engine) Resources() api.Resources { return e.resources() }
