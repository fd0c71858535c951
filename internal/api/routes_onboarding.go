package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const (
	onboardingsPath  = "/v1/onboardings"
	offboardingsPath = "/v1/offboardings"
)

func (a *API) registerOnboardings() {
	const about = "Onboarding"
	register(a, operation{id: "onboard-site", does: "POST " + onboardingsPath, least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Take a site from its text to visitors",
		text:    "It goes on by itself, step by step; what waits for somebody says what he has to do. A step that fails undoes those before it."}, a.onboard)
	register(a, operation{id: "offboard-site", does: "POST " + offboardingsPath, least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Take a site of the store out of service, and its CDNs' side with it"}, a.offboard)
	register(a, operation{id: "list-onboardings", does: "GET " + onboardingsPath, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "Onboardings and offboardings, the newest first"}, a.onboardings)
	register(a, operation{id: "get-onboarding", does: "GET " + onboardingsPath + "/{id}", least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "How far one is",
		text:    "With wait, the answer comes as soon as it has another version than the given one, or is over, or when that time is over."}, a.onboarding)
	register(a, operation{id: "cancel-onboarding", does: "DELETE " + onboardingsPath + "/{id}", least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Have what one has done be undone"}, a.cancelOnboarding)
}

type onboardInput struct{ Body OnboardRequest }

// Resolve implements huma.Resolver.
func (in *onboardInput) Resolve(huma.Context) []error { return short("body.why", &in.Body.Why) }

type offboardInput struct{ Body OffboardRequest }

// Resolve implements huma.Resolver.
func (in *offboardInput) Resolve(huma.Context) []error {
	return append(short("body.why", &in.Body.Why), named("body.site", site.ObjectSite, &in.Body.Site)...)
}

func (a *API) onboard(ctx context.Context, who Caller, in *onboardInput) (Onboarding, error) {
	return a.Onboardings.Onboard(ctx, in.Body, who)
}

func (a *API) offboard(ctx context.Context, who Caller, in *offboardInput) (Onboarding, error) {
	return a.Onboardings.Offboard(ctx, in.Body, who)
}

func (a *API) onboardings(ctx context.Context, who Caller, in *OnboardingQuery) (OnboardingList, error) {
	q := *in
	q.Limit = min(q.Limit, mostPage)
	return a.Onboardings.Onboardings(ctx, q, who)
}

type onboardingInput struct {
	ID      string `path:"id" doc:"The ID of the onboarding" example:"k5x3q7p2m4n6r8t9v1w2y3z4a5"`
	Version int64  `query:"version" doc:"The version that is known already" example:"7"`
	Wait    string `query:"wait" doc:"How long to wait for another one, 1m at most; absent or 0s: not at all" example:"30s"`
	wait    time.Duration
}

// Resolve implements huma.Resolver.
func (in *onboardingInput) Resolve(huma.Context) []error { return waits(in.Wait, &in.wait) }

func (in *onboardingInput) waits() time.Duration { return in.wait }

func (a *API) onboarding(ctx context.Context, who Caller, in *onboardingInput) (Onboarding, error) {
	if in.wait == 0 {
		return a.Onboardings.Onboarding(ctx, in.ID, who)
	}
	ctx, cancel := context.WithTimeout(ctx, in.wait)
	defer cancel()
	return a.Onboardings.WatchOnboarding(ctx, in.ID, in.Version, who)
}

type cancelInput struct {
	ID string `path:"id" doc:"The ID of the onboarding" example:"k5x3q7p2m4n6r8t9v1w2y3z4a5"`
}

func (a *API) cancelOnboarding(ctx context.Context, who Caller, in *cancelInput) (Done, error) {
	return Done{}, a.Onboardings.CancelOnboarding(ctx, in.ID, who)
}
