package api

import (
	"context"
	"net/http"
	"net/url"
)

// The methods here are those of Claims, which the server asks; see there. An empty customer
// is the caller's own.

// Claims lists claims: of a customer, or all that the caller sees.
func (c *Client) Claims(ctx context.Context, customer string, p Page) (ClaimList, error) {
	query := p.values()
	if customer != "" {
		query.Set("customer", customer)
	}
	return get[ClaimList](ctx, c, claimsPath, query)
}

// BeginClaim makes one.
func (c *Client) BeginClaim(ctx context.Context, r ClaimRequest) (Claim, error) {
	return change[Claim](ctx, c, http.MethodPost, claimsPath, maxBody, r)
}

// ProveClaim has the record of one be looked up.
func (c *Client) ProveClaim(ctx context.Context, customer, name string) (claim Claim, err error) {
	err = c.askFor(ctx, storeLimit, http.MethodPost, at(claimsPath, name)+"/prove"+ofCustomer(customer), nil, &claim)
	return claim, err
}

// ReleaseClaim gives a name back.
func (c *Client) ReleaseClaim(ctx context.Context, customer, name string) error {
	return c.remove(ctx, at(claimsPath, name)+ofCustomer(customer), WhateverVersion)
}

func ofCustomer(customer string) string {
	if customer == "" {
		return ""
	}
	return "?" + url.Values{"customer": {customer}}.Encode()
}
