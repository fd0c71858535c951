package api

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const plansPath = "/v1/plans"

func (a *API) registerPlans() {
	const one, about = plansPath + "/{name}", "Customers"
	register(a, operation{id: "list-plans", does: "GET " + plansPath, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "The plans: for a customer the one that he has"}, a.plans)
	registerTagged(a, operation{id: "get-plan", does: "GET " + one, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "A plan as it is now"}, a.plan)
	registerTagged(a, operation{id: "put-plan", does: "PUT " + one, least: site.RoleOperator, about: about, stored: true,
		summary: "Make or change a plan",
		text:    "It is in force from now on. What was agreed before stays on record."}, a.putPlan)
}

// Plan is what customers may do.
type Plan struct {
	Name       string     `json:"name" doc:"Its name" example:"basic"`
	Title      string     `json:"title,omitempty" doc:"Its name for people" example:"Basic"`
	Currency   string     `json:"currency,omitempty" doc:"The currency of its prices" example:"EUR"`
	Guardrails Guardrails `json:"guardrails" doc:"What it lets customers do"`
	Since      time.Time  `json:"since" doc:"Since when it is so" example:"2026-01-02T03:04:05Z"`
	Version    Version    `json:"version" doc:"It grows with each change, and is its ETag" example:"1767323045000000"`
}

// PlanRequest is what can be said of a plan.
type PlanRequest struct {
	Title      string     `json:"title,omitempty" doc:"Its name for people" example:"Basic"`
	Currency   string     `json:"currency,omitempty" doc:"The currency of its prices" example:"EUR"`
	Guardrails Guardrails `json:"guardrails" doc:"What it lets customers do"`
}

// Guardrails are what a plan lets customers do with their sites.
type Guardrails struct {
	MinTTL           Seconds  `json:"min_ttl,omitempty" doc:"The least TTL of an answer; absent: any" example:"10"`
	MinFailbackDelay Seconds  `json:"min_failback_delay,omitempty" doc:"The least failback_delay; absent: any" example:"60"`
	MaxShare         *float64 `json:"max_share,omitempty" doc:"The largest share of the clients that may be diverted at once, 0 to 1; absent: all" example:"0.5"`
	ProbeKinds       []string `json:"probe_kinds,omitempty" doc:"The kinds of probes; absent: all" example:"http,tcp" nullable:"false"`
	MinProbePeriod   Seconds  `json:"min_probe_period,omitempty" doc:"The least period of probes; absent: any" example:"5"`
	MaxSites         int      `json:"max_sites,omitempty" doc:"How many sites; absent: any number" example:"100"`
	Targets          []string `json:"targets,omitempty" doc:"The domains that the targets of CDNs must lie in, without a final dot; absent: all" example:"edge.example.net" nullable:"false"`
	Services         []string `json:"services,omitempty" doc:"The services of CDNs that lines of sites may name, each as CDN/ID; absent: none but those that a site has already, which an operator has put there" example:"bigcdn/c0001" nullable:"false"`
}

// Site returns the guardrails as the rest of the house has them.
func (g Guardrails) Site() site.Guardrails {
	return site.Guardrails{MinTTL: time.Duration(g.MinTTL), MinFailbackDelay: time.Duration(g.MinFailbackDelay), MaxShare: g.MaxShare,
		ProbeKinds: g.ProbeKinds, MinProbePeriod: time.Duration(g.MinProbePeriod), MaxSites: g.MaxSites, Targets: g.Targets, Services: g.Services}
}

// GuardrailsOf are those of a plan.
func GuardrailsOf(g site.Guardrails) Guardrails {
	return Guardrails{Seconds(g.MinTTL), Seconds(g.MinFailbackDelay), g.MaxShare, g.ProbeKinds, Seconds(g.MinProbePeriod), g.MaxSites, g.Targets, g.Services}
}

// PlanList is an object, so that it may grow.
type PlanList struct {
	Plans []Plan `json:"plans" doc:"The plans, in the order of names" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"basic"`
}

func (a *API) plans(ctx context.Context, who Caller, in *Page) (PlanList, error) {
	plans, next, err := a.Identities.Plans(ctx, in.limited(), who)
	return PlanList{some(plans), next}, err
}

// PlanName is which plan is meant.
type PlanName struct {
	Name string `path:"name" doc:"Its name" example:"basic"`
}

func (a *API) plan(ctx context.Context, who Caller, in *PlanName) (Plan, Version, error) {
	p, err := a.Identities.Plan(ctx, in.Name, who)
	return p, p.Version, err
}

type planInput struct {
	PlanName
	Match
	Body PlanRequest
}

// Resolve implements huma.Resolver.
func (in *planInput) Resolve(ctx huma.Context) []error {
	faults := in.Match.Resolve(ctx)
	guardrails := in.Body.Guardrails.Site()
	err := guardrails.Validate()
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range several.Unwrap() {
			fault := &Fault{Location: "body.guardrails", Message: err.Error()}
			if of := new(site.PropertyError); errors.As(err, &of) {
				fault.Location += "." + of.Property
			}
			faults = append(faults, fault)
		}
	}
	return faults
}

func (a *API) putPlan(ctx context.Context, who Caller, in *planInput) (Plan, Version, error) {
	p, err := a.Identities.PutPlan(ctx, in.Name, in.Body, in.Wants, who)
	return p, p.Version, err
}
