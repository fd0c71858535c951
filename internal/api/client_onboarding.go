package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The methods here are those of Onboardings, which the server asks; see there.

// Onboard begins an onboarding.
func (c *Client) Onboard(ctx context.Context, req OnboardRequest) (Onboarding, error) {
	return change[Onboarding](ctx, c, http.MethodPost, onboardingsPath, maxBody, req)
}

// Offboard begins one that takes a site out of service.
func (c *Client) Offboard(ctx context.Context, req OffboardRequest) (Onboarding, error) {
	return change[Onboarding](ctx, c, http.MethodPost, offboardingsPath, maxBody, req)
}

// Onboardings lists them.
func (c *Client) Onboardings(ctx context.Context, q OnboardingQuery) ([]Onboarding, error) {
	query := withLimit(url.Values{}, q.Limit)
	for name, value := range map[string]string{"site": q.Site, "before": q.Before} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Running {
		query.Set("running", "true")
	}
	list, err := get[OnboardingList](ctx, c, onboardingsPath, query)
	return list.Onboardings, err
}

// Onboarding returns one.
func (c *Client) Onboarding(ctx context.Context, id string) (Onboarding, error) {
	return get[Onboarding](ctx, c, at(onboardingsPath, id), nil)
}

// WatchOnboarding returns one as soon as it has another version than the given one, or
// is over, or after wait.
func (c *Client) WatchOnboarding(ctx context.Context, id string, version int64, wait time.Duration) (Onboarding, error) {
	query := url.Values{"version": {strconv.FormatInt(version, 10)}, "wait": {wait.String()}}
	return get[Onboarding](ctx, c, at(onboardingsPath, id), query)
}

// CancelOnboarding has what one has done be undone.
func (c *Client) CancelOnboarding(ctx context.Context, id string) error {
	return c.remove(ctx, at(onboardingsPath, id), WhateverVersion)
}
