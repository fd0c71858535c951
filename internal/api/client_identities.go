package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// The methods here are those of Identities, which the server asks; see there.

// Customers lists customers.
func (c *Client) Customers(ctx context.Context, p Page) (CustomerList, error) {
	return get[CustomerList](ctx, c, customersPath, p.values())
}

// Customer returns one.
func (c *Client) Customer(ctx context.Context, name string) (Customer, error) {
	return get[Customer](ctx, c, at(customersPath, name), nil)
}

// PutCustomer makes or changes one.
func (c *Client) PutCustomer(ctx context.Context, name string, r CustomerRequest, wants Version) (Customer, error) {
	return put[Customer](ctx, c, at(customersPath, name), r, wants)
}

// CloseCustomer closes one.
func (c *Client) CloseCustomer(ctx context.Context, name string, wants Version) error {
	return c.remove(ctx, at(customersPath, name), wants)
}

// Plans lists plans.
func (c *Client) Plans(ctx context.Context, p Page) (PlanList, error) {
	return get[PlanList](ctx, c, plansPath, p.values())
}

// Plan returns one.
func (c *Client) Plan(ctx context.Context, name string) (Plan, error) {
	return get[Plan](ctx, c, at(plansPath, name), nil)
}

// PutPlan makes or changes one.
func (c *Client) PutPlan(ctx context.Context, name string, r PlanRequest, wants Version) (Plan, error) {
	return put[Plan](ctx, c, at(plansPath, name), r, wants)
}

// Users lists users.
func (c *Client) Users(ctx context.Context, p Page) (UserList, error) {
	return get[UserList](ctx, c, usersPath, p.values())
}

// User returns one.
func (c *Client) User(ctx context.Context, name string) (User, error) {
	return get[User](ctx, c, at(usersPath, name), nil)
}

// PutUser makes or changes one.
func (c *Client) PutUser(ctx context.Context, name string, r UserRequest, wants Version) (User, error) {
	return put[User](ctx, c, at(usersPath, name), r, wants)
}

// CloseUser closes one.
func (c *Client) CloseUser(ctx context.Context, name string, wants Version) error {
	return c.remove(ctx, at(usersPath, name), wants)
}

// Tokens lists those of a user, or of all with an empty name.
func (c *Client) Tokens(ctx context.Context, owner string, p Page) (TokenList, error) {
	query := p.values()
	if owner != "" {
		query.Set("owner", owner)
	}
	return get[TokenList](ctx, c, tokensPath, query)
}

// CreateToken makes one.
func (c *Client) CreateToken(ctx context.Context, r TokenRequest) (NewToken, error) {
	return change[NewToken](ctx, c, http.MethodPost, tokensPath, maxBody, r)
}

// RevokeToken ends one.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.remove(ctx, at(tokensPath, id), WhateverVersion)
}

// Audit lists what was done.
func (c *Client) Audit(ctx context.Context, p Page) (AuditList, error) {
	return get[AuditList](ctx, c, auditPath, p.values())
}

// Whoami says whom the server takes the client for.
func (c *Client) Whoami(ctx context.Context) (Identity, error) {
	return get[Identity](ctx, c, whoamiPath, nil)
}

// Initialize makes the first operator, and returns the secret of a token of his. Over
// the socket the invitation may be empty.
func (c *Client) Initialize(ctx context.Context, name, invitation string) (secret string, err error) {
	made, err := change[Initialized](ctx, c, http.MethodPost, initPath, maxBody, InitRequest{name, invitation})
	return made.Secret, err
}

func at(path, name string) string { return path + "/" + url.PathEscape(name) }

func put[A any](ctx context.Context, c *Client, path string, body any, wants Version) (answer A, err error) {
	text, err := json.Marshal(body)
	if err == nil {
		_, err = c.exchange(ctx, request{method: http.MethodPut, path: path, body: text, headers: wants.headers(), limit: storeLimit}, &answer)
	}
	return answer, err
}

func (c *Client) remove(ctx context.Context, path string, wants Version) error {
	_, err := c.exchange(ctx, request{method: http.MethodDelete, path: path, headers: wants.headers(), limit: storeLimit}, new(Done))
	return err
}
