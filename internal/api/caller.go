package api

import (
	"context"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Caller is who asks.
type Caller struct {
	Name     string // such as "alice" or "alice (uid 0)"
	Role     site.Role
	Customer string // empty: he is the provider's
}

// may reports whether the caller has a role, or one that may do all that it may.
func (c Caller) may(least site.Role) bool {
	switch {
	case c.Role == "":
		return false
	case c.Role == site.RoleOperator, c.Role == least:
		return true
	}
	return least == site.RoleCustomerReadonly
}

// sees reports whether something of a customer's, or of the provider's, is the
// caller's to see.
func (c Caller) sees(customer string) bool {
	return c.Role.Operates() || c.Role != "" && c.Customer != "" && c.Customer == customer
}

// callerKey is the key of who asks in a request's context.
type callerKey struct{}

func withCaller(ctx context.Context, who Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, who)
}

// callerOf says who asks; nobody has no role.
func callerOf(ctx context.Context) Caller {
	who, _ := ctx.Value(callerKey{}).(Caller)
	return who
}
