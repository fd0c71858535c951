package api

import "context"

// Identities is what the API asks of the customers, plans, users and tokens that the
// store has, and of the record of what they did. What the caller may not see is not
// there for him. Lists are in the order of names, and have the cursor of their next
// part; empty: there is none. A write that is meant for another version than there is
// is ErrStale; one that cannot be as things are, such as of the last operator,
// ErrConflict.
type Identities interface {
	Customers(ctx context.Context, p Page, who Caller) (customers []Customer, next string, err error)
	Customer(ctx context.Context, name string, who Caller) (Customer, error)
	PutCustomer(ctx context.Context, name string, r CustomerRequest, wants Version, who Caller) (Customer, error)
	CloseCustomer(ctx context.Context, name string, wants Version, who Caller) error

	Plans(ctx context.Context, p Page, who Caller) (plans []Plan, next string, err error)
	Plan(ctx context.Context, name string, who Caller) (Plan, error)
	PutPlan(ctx context.Context, name string, r PlanRequest, wants Version, who Caller) (Plan, error)

	Users(ctx context.Context, p Page, who Caller) (users []User, next string, err error)
	User(ctx context.Context, name string, who Caller) (User, error)
	PutUser(ctx context.Context, name string, r UserRequest, wants Version, who Caller) (User, error)
	CloseUser(ctx context.Context, name string, wants Version, who Caller) error

	// Tokens lists those of a user, or of all with an empty name, in the order of IDs.
	Tokens(ctx context.Context, owner string, p Page, who Caller) (tokens []Token, next string, err error)
	CreateToken(ctx context.Context, r TokenRequest, who Caller) (NewToken, error)
	RevokeToken(ctx context.Context, id string, who Caller) error

	// Audit lists what was done before an entry, or all if that is 0, the newest first.
	Audit(ctx context.Context, before int64, limit int, who Caller) (entries []AuditEntry, more bool, err error)
}
