package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const overridesPath = "/v1/overrides"

func (a *API) registerOverrides() {
	register(a, operation{id: "list-overrides", does: "GET " + overridesPath, least: site.RoleOperatorReadonly, about: "Overrides", stored: true,
		summary: "The overrides in force"}, a.overrides)
	register(a, operation{id: "set-override", does: "POST " + overridesPath, least: site.RoleOperator, about: "Overrides", stored: true,
		summary: "Force a decision on some sites, for a time",
		text:    "What is measured goes on beside it, and stands again at once when it ends."}, a.setOverride)
	register(a, operation{id: "clear-override", does: "DELETE " + overridesPath, least: site.RoleOperator, about: "Overrides", stored: true,
		summary: "End an override, wherever it was set"}, a.clearOverride)
}

// OverrideList is an object, so that it may grow.
type OverrideList struct {
	Overrides []Override `json:"overrides" doc:"The overrides, in the order in which they were set" nullable:"false"`
}

func (a *API) overrides(ctx context.Context, who Caller, _ *none) (OverrideList, error) {
	overrides, err := a.Store.Overrides(ctx)
	return OverrideList{some(overrides)}, err
}

type overrideInput struct{ Body OverrideRequest }

// Resolve implements huma.Resolver. What an override may be about, site.Override knows.
func (in *overrideInput) Resolve(huma.Context) []error {
	faults := short("body.why", &in.Body.Why)
	if in.Body.Scope == site.ScopeSite {
		faults = append(faults, named("body.name", site.ObjectSite, &in.Body.Name)...)
	}
	return faults
}

func (a *API) setOverride(ctx context.Context, who Caller, in *overrideInput) (Override, error) {
	return a.Store.SetOverride(ctx, in.Body, who)
}

type clearInput struct {
	ID string `query:"id" required:"true" doc:"The ID of the override" example:"KBZ3SJGGTBPXBJJ4"`
}

func (a *API) clearOverride(ctx context.Context, who Caller, in *clearInput) (Done, error) {
	return Done{}, a.Store.ClearOverride(ctx, in.ID, who)
}
