package site

import "testing"

func TestRoles(t *testing.T) {
	for role, want := range map[Role][2]bool{
		RoleOperator:         {true, true},
		RoleOperatorReadonly: {true, false},
		RoleCustomerAdmin:    {false, true},
		RoleCustomerReadonly: {false, false},
		"":                   {false, false},
		"root":               {false, false},
	} {
		if got := [2]bool{role.Operates(), role.Writes()}; got != want {
			t.Errorf("Expected '%s' to operate and write: %v, got %v", role, want, got)
		}
	}
	if len(Roles()) != 4 {
		t.Errorf("Expected four roles, got %v", Roles())
	}
}
