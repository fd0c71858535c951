package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func shownPlan(p store.Plan) api.Plan {
	return api.Plan{Name: p.Name, Title: p.Title, Currency: p.Currency, Guardrails: api.GuardrailsOf(p.Guardrails), Since: p.Since, Version: api.Version(p.Version)}
}

// Plans implements api.Identities.
func (i identities) Plans(ctx context.Context, p api.Page, who api.Caller) ([]api.Plan, string, error) {
	return listed(ctx, i, p, who, (*store.View).Plans, shownPlan, func(p api.Plan) string { return p.Name })
}

// Plan implements api.Identities.
func (i identities) Plan(ctx context.Context, name string, who api.Caller) (api.Plan, error) {
	return single(ctx, i, name, who, (*store.View).Plan, shownPlan)
}

// PutPlan implements api.Identities.
func (i identities) PutPlan(ctx context.Context, name string, r api.PlanRequest, wants api.Version, who api.Caller) (api.Plan, error) {
	var put store.Plan
	err := i.changed(ctx, wants, who, func(v *store.View) (int64, error) {
		p, err := v.Plan(ctx, name)
		return p.Version, err
	}, func(v *store.View, version int64) (err error) {
		put, err = v.PutPlan(ctx, store.Plan{Name: name, Title: r.Title, Currency: r.Currency, Guardrails: r.Guardrails.Site(), Version: version})
		return err
	})
	return shownPlan(put), err
}
