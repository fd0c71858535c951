package api

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const (
	setupsPath = "/v1/setups"
	retryPath  = setupsPath + "/retry"
)

func (a *API) registerSetups() {
	const about = "Onboarding"
	register(a, operation{id: "list-setups", does: "GET " + setupsPath, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "How the CDNs' side of onboarded sites follows later changes"}, a.setups)
	register(a, operation{id: "retry-setups", does: "POST " + retryPath, least: site.RoleOperator, about: about, stored: true,
		summary: "Have what a CDN has refused of a site, or of all, be tried again, and what waits be tried now"}, a.retrySetups)
}

type setupsInput struct {
	Page
	Site  string `query:"site" doc:"Of this site only" example:"shop.example.org"`
	State string `query:"state" enum:"done,changing,leaving,removed,refused" doc:"Only those that are so" example:"refused"`

	after [2]string // the site and the CDN
}

// Resolve implements huma.Resolver.
func (in *setupsInput) Resolve(huma.Context) []error {
	if in.Cursor == "" {
		return nil
	}
	name, cdn, whole := strings.Cut(in.Cursor, " ")
	if !whole {
		return []error{&Fault{Location: "query.cursor", Message: "expected what 'next' said", Value: in.Cursor}}
	}
	in.after = [2]string{name, cdn}
	return nil
}

func (a *API) setups(ctx context.Context, who Caller, in *setupsInput) (SetupList, error) {
	q := SetupQuery{Site: in.Site, State: site.SetupState(in.State), AfterSite: in.after[0], AfterCDN: in.after[1], Limit: in.limited().Limit}
	part, more, err := a.Setups.Setups(ctx, q, who)
	list := SetupList{Setups: some(part)}
	if more {
		last := part[len(part)-1]
		list.Next = last.Site + " " + last.CDN
	}
	return list, err
}

type retryInput struct{ Body RetryRequest }

// Resolve implements huma.Resolver.
func (in *retryInput) Resolve(huma.Context) []error {
	switch {
	case in.Body.All && in.Body.Site != "":
		return []error{&Fault{Location: "body.site", Message: "expected either a site or 'all'", Value: in.Body.Site}}
	case in.Body.All:
		return nil
	case in.Body.Site == "":
		return []error{&Fault{Location: "body.site", Message: "expected the name of a site, or 'all'"}}
	}
	return named("body.site", site.ObjectSite, &in.Body.Site)
}

func (a *API) retrySetups(ctx context.Context, who Caller, in *retryInput) (Retried, error) {
	n, err := a.Setups.RetrySetups(ctx, in.Body.Site, in.Body.CDN, who)
	return Retried{n}, err
}
