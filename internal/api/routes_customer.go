package api

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const customersPath = "/v1/customers"

func (a *API) registerCustomers() {
	const one, about = customersPath + "/{name}", "Customers"
	register(a, operation{id: "list-customers", does: "GET " + customersPath, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "The customers that are not closed"}, a.customers)
	registerTagged(a, operation{id: "get-customer", does: "GET " + one, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "A customer, also if he is closed"}, a.customer)
	registerTagged(a, operation{id: "put-customer", does: "PUT " + one, least: site.RoleOperator, about: about, stored: true,
		summary: "Make or change a customer"}, a.putCustomer)
	register(a, operation{id: "close-customer", does: "DELETE " + one, least: site.RoleOperator, about: about, stored: true,
		summary: "Close a customer, with his users, tokens and drafts",
		text:    "What he has published has to be gone; otherwise it is 409. His name stays his, in the history."}, a.closeCustomer)
}

// Customer is one whose sites are steered.
type Customer struct {
	Name    string    `json:"name" doc:"His name" example:"acme"`
	Title   string    `json:"title,omitempty" doc:"His name for people" example:"Acme Corp."`
	Plan    string    `json:"plan,omitempty" doc:"The name of his plan; absent: he has none" example:"basic"`
	Created time.Time `json:"created" doc:"When he was made" example:"2026-01-02T03:04:05Z"`
	Closed  time.Time `json:"closed,omitzero" doc:"When he was closed; absent: he is not" example:"2027-01-02T03:04:05Z"`
	Version Version   `json:"version" doc:"It grows with each change, and is his ETag" example:"3"`
}

// CustomerRequest is what can be said of a customer.
type CustomerRequest struct {
	Title string `json:"title,omitempty" doc:"His name for people" example:"Acme Corp."`
	Plan  string `json:"plan,omitempty" doc:"The name of his plan; absent: he has none" example:"basic"`
}

// CustomerList is an object, so that it may grow.
type CustomerList struct {
	Customers []Customer `json:"customers" doc:"The customers, in the order of names" nullable:"false"`
	Next      string     `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"acme"`
}

func (a *API) customers(ctx context.Context, who Caller, in *Page) (CustomerList, error) {
	customers, next, err := a.Identities.Customers(ctx, in.limited(), who)
	return CustomerList{some(customers), next}, err
}

// CustomerName is which customer is meant.
type CustomerName struct {
	Name string `path:"name" doc:"His name" example:"acme"`
}

func (a *API) customer(ctx context.Context, who Caller, in *CustomerName) (Customer, Version, error) {
	c, err := a.Identities.Customer(ctx, in.Name, who)
	return c, c.Version, err
}

type customerInput struct {
	CustomerName
	Match
	Body CustomerRequest
}

func (a *API) putCustomer(ctx context.Context, who Caller, in *customerInput) (Customer, Version, error) {
	c, err := a.Identities.PutCustomer(ctx, in.Name, in.Body, in.Wants, who)
	return c, c.Version, err
}

type closeCustomerInput struct {
	CustomerName
	Match
}

func (a *API) closeCustomer(ctx context.Context, who Caller, in *closeCustomerInput) (Done, error) {
	return Done{}, a.Identities.CloseCustomer(ctx, in.Name, in.Wants, who)
}
