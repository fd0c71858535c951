package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// owners refuses objects that are said to be a customer's who is not there, or another's
// than the caller. Who is closed says the store when it is published; gone is nobody.
func owners(ctx context.Context, view *store.View, objects []site.Object, who api.Caller) error {
	known := map[string]string{"": ""}
	var faults api.Faults
	for _, o := range objects {
		wrong, asked := known[o.Customer]
		if !asked {
			var err error
			if wrong, err = noOwner(ctx, view, o.Customer, who); err != nil {
				return err
			}
			known[o.Customer] = wrong
		}
		if wrong != "" {
			faults = append(faults, ownerFault{o, wrong})
		}
	}
	if faults == nil {
		return nil
	}
	return faults
}

// noOwner says why nothing can be a customer's; empty: it can.
func noOwner(ctx context.Context, view *store.View, customer string, who api.Caller) (string, error) {
	if !who.Role.Operates() {
		if customer == who.Customer {
			return "", nil
		}
		return fmt.Sprintf("customer '%s' is not yours: leave it out, or write '%s'", customer, who.Customer), nil
	}
	_, err := view.Customer(ctx, customer)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Sprintf("customer '%s' is not there: make one by 'cdnctl customer put'", customer), nil
	}
	return "", translated(err)
}

// ownerFault is that an object cannot be the customer's that it is said to be.
type ownerFault struct {
	of    site.Object
	wrong string
}

func (f ownerFault) Error() string {
	return fmt.Sprintf("%s '%s': customer: %s", f.of.Kind, f.of.Name, f.wrong)
}

// inBody is the fault of a document.
func (f ownerFault) inBody() *api.Fault {
	return &api.Fault{Location: "body.customer", Message: f.wrong, Value: f.of.Customer}
}
