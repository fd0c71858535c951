package site

// Role says what somebody may see and change.
type Role string

// The roles. Operators are the provider's and see everything; the others are of one
// customer and see what is that customer's.
const (
	RoleOperator         Role = "operator"
	RoleOperatorReadonly Role = "operator-readonly"
	RoleCustomerAdmin    Role = "customer-admin"
	RoleCustomerReadonly Role = "customer-readonly"
)

// Roles lists them.
func Roles() []Role {
	return []Role{RoleOperator, RoleOperatorReadonly, RoleCustomerAdmin, RoleCustomerReadonly}
}

// Operates reports whether the role is one of the provider's.
func (r Role) Operates() bool { return r == RoleOperator || r == RoleOperatorReadonly }

// Writes reports whether it may change what it sees.
func (r Role) Writes() bool { return r == RoleOperator || r == RoleCustomerAdmin }
