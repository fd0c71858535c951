package api

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const claimsPath = "/v1/claims"

func (a *API) registerClaims() {
	const one, about = claimsPath + "/{name}", "Customers"
	register(a, operation{id: "list-claims", does: "GET " + claimsPath, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "The names that customers have proved to control, or are to prove"}, a.claims)
	register(a, operation{id: "begin-claim", does: "POST " + claimsPath, least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Claim a name, with all that is below it",
		text:    "It is proved once its record is in DNS and was looked up, or at once by an operator's word. A name that is somebody else's, or lies above or below one that is, is 409."}, a.beginClaim)
	register(a, operation{id: "prove-claim", does: "POST " + one + "/prove", least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Look the record of a claim up, which ends the claim if it is there",
		text:    "Otherwise it is 422, with the record that is missing and what there is in its place."}, a.proveClaim)
	register(a, operation{id: "release-claim", does: "DELETE " + one, least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Give a name back",
		text:    "Sites that are answered for it, or for names below it, have to be gone; otherwise it is 409. Whoever claims it next has to prove it anew."}, a.releaseClaim)
}

type claimsInput struct {
	Page
	Customer string `query:"customer" doc:"Whose they are; absent: everybody's" example:"acme"`
}

func (a *API) claims(ctx context.Context, who Caller, in *claimsInput) (ClaimList, error) {
	claims, next, err := a.Claims.Claims(ctx, in.Customer, in.limited(), who)
	return ClaimList{some(claims), next}, err
}

type beginClaimInput struct{ Body ClaimRequest }

// Resolve implements huma.Resolver.
func (in *beginClaimInput) Resolve(huma.Context) []error {
	return named("body.name", site.ObjectSite, &in.Body.Name)
}

func (a *API) beginClaim(ctx context.Context, who Caller, in *beginClaimInput) (Claim, error) {
	faults := claimant("body.customer", &in.Body.Customer, who)
	if in.Body.Proof == site.ProofOperator && !who.Role.Operates() {
		faults = append(faults, &Fault{Location: "body.proof", Message: "it is an operator's: yours is 'txt'", Value: in.Body.Proof})
	}
	if faults != nil {
		return Claim{}, faults
	}
	return a.Claims.BeginClaim(ctx, in.Body, who)
}

// claimant is whose a claim is: the caller's customer's, unless somebody is named.
func claimant(place string, customer *string, who Caller) (faults Faults) {
	if *customer == "" {
		*customer = who.Customer
	}
	if *customer == "" {
		faults = append(faults, &Fault{Location: place, Message: "say which customer's the claim is"})
	}
	return faults
}

// claimInput is which claim is meant.
type claimInput struct {
	Name     string `path:"name" doc:"The name that is claimed" example:"example.org"`
	Customer string `query:"customer" doc:"Whose the claim is, which an operator says; absent: the caller's customer's" example:"acme"`
}

// claim completes an input; a name that cannot be one is not there.
func (in *claimInput) claim(who Caller) error {
	if faults := named("path.name", site.ObjectSite, &in.Name); faults != nil {
		return fmt.Errorf("a claim to '%s': %w", in.Name, ErrNotFound)
	}
	if faults := claimant("query.customer", &in.Customer, who); faults != nil {
		return faults
	}
	return nil
}

func (a *API) proveClaim(ctx context.Context, who Caller, in *claimInput) (Claim, error) {
	if err := in.claim(who); err != nil {
		return Claim{}, err
	}
	return a.Claims.ProveClaim(ctx, in.Customer, in.Name, who)
}

func (a *API) releaseClaim(ctx context.Context, who Caller, in *claimInput) (Done, error) {
	if err := in.claim(who); err != nil {
		return Done{}, err
	}
	return Done{}, a.Claims.ReleaseClaim(ctx, in.Customer, in.Name, who)
}
