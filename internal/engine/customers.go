package engine

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func shownCustomer(c store.Customer) api.Customer {
	return api.Customer{Name: c.Name, Title: c.Title, Plan: c.Plan, Created: c.Created, Closed: c.Closed, Version: api.Version(c.Version)}
}

// Customers implements api.Identities.
func (i identities) Customers(ctx context.Context, p api.Page, who api.Caller) ([]api.Customer, string, error) {
	return listed(ctx, i, p, who, (*store.View).Customers, shownCustomer, func(c api.Customer) string { return c.Name })
}

// Customer implements api.Identities.
func (i identities) Customer(ctx context.Context, name string, who api.Caller) (api.Customer, error) {
	return single(ctx, i, name, who, (*store.View).Customer, shownCustomer)
}

// PutCustomer implements api.Identities.
func (i identities) PutCustomer(ctx context.Context, name string, r api.CustomerRequest, wants api.Version, who api.Caller) (api.Customer, error) {
	var put store.Customer
	err := i.changed(ctx, wants, who, customerVersion(ctx, name), func(v *store.View, version int64) (err error) {
		put, err = v.PutCustomer(ctx, store.Customer{Name: name, Title: r.Title, Plan: r.Plan, Version: version})
		return err
	})
	return shownCustomer(put), err
}

// CloseCustomer implements api.Identities.
func (i identities) CloseCustomer(ctx context.Context, name string, wants api.Version, who api.Caller) error {
	return i.changed(ctx, wants, who, customerVersion(ctx, name), func(v *store.View, version int64) error {
		return v.CloseCustomer(ctx, name, version)
	})
}

// customerVersion reads the version of a customer.
func customerVersion(ctx context.Context, name string) func(*store.View) (int64, error) {
	return func(v *store.View) (int64, error) {
		c, err := v.Customer(ctx, name)
		return c.Version, err
	}
}
