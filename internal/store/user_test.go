package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// userNames lists whom a viewer sees.
func userNames(t *testing.T, v *store.View, after string, limit int) (names []string) {
	t.Helper()
	users, err := v.Users(t.Context(), after, limit)
	must(t, err)
	for _, u := range users {
		names = append(names, u.Name)
	}
	return names
}

func TestUsers(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		newCustomers(t, s, "acme", "other")
		acme := s.As(store.Viewer{Name: "admin@acme", Customer: "acme"})
		made, err := acme.PutUser(t.Context(), store.User{Name: "eve", Role: site.RoleCustomerReadonly})
		must(t, err)
		equal(t, "A new user", made, store.User{Name: "eve", Customer: "acme", Role: site.RoleCustomerReadonly, Created: made.Created, Version: 1})
		made.Role = site.RoleCustomerAdmin
		_, err = acme.PutUser(t.Context(), made)
		must(t, err)
		_, err = acme.PutUser(t.Context(), made)
		expect(t, err, store.ErrConflict, "writing user 'eve': user 'eve' has version 2, and the change was made on version 1: it was changed meanwhile")
		newUser(t, s, "ann", "", site.RoleOperator)
		newUser(t, s, "zoe", "", site.RoleOperatorReadonly)
		equal(t, "What an operator sees", userNames(t, v, "", 0), "[admin@acme admin@other ann eve zoe]")
		equal(t, "A page of it", userNames(t, v, "admin@other", 2), "[ann eve]")
		equal(t, "What a customer sees", userNames(t, acme, "", 0), "[admin@acme eve]")
		must(t, acme.CloseUser(t.Context(), "eve", 2))
		equal(t, "What he sees then", userNames(t, acme, "", 0), "[admin@acme]")
		expect(t, acme.CloseUser(t.Context(), "eve", store.Whatever), store.ErrNotFound, "closing user 'eve': user 'eve': not found")
		gone, err := acme.User(t.Context(), "eve")
		must(t, err)
		_, err = acme.PutUser(t.Context(), store.User{Name: "eve", Role: site.RoleCustomerAdmin, Version: store.Whatever})
		expect(t, err, store.ErrConflict, "writing user 'eve': user 'eve' was closed at "+gone.Closed.Format(time.RFC3339)+": the name is not used again")
	})
}

func TestUsersThatAreRefused(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme", "other")
		newUser(t, s, "ann", "", site.RoleOperator)
		acme := s.As(store.Viewer{Name: "admin@acme", Customer: "acme"})
		for _, c := range []struct {
			v    *store.View
			u    store.User
			kind error
			text string
		}{
			{acme, store.User{Name: "eve", Role: site.RoleOperator}, store.ErrInvalid,
				"writing user 'eve': role 'operator' is the provider's, and user 'eve' is of customer 'acme'"},
			{acme, store.User{Name: "eve", Role: site.RoleOperatorReadonly}, store.ErrInvalid, ""},
			{acme, store.User{Name: "eve", Role: "root"}, store.ErrInvalid, "writing user 'eve': unknown role 'root'"},
			{acme, store.User{Name: "eve", Customer: "other", Role: site.RoleCustomerAdmin}, store.ErrNotFound, "writing user 'eve': customer 'other': not found"},
			{acme, store.User{Name: "ann", Role: site.RoleCustomerAdmin, Version: store.Whatever}, store.ErrNotFound, "writing user 'ann': user 'ann': not found"},
			{acme, store.User{Name: "admin@other", Role: site.RoleCustomerAdmin}, store.ErrNotFound, "writing user 'admin@other': user 'admin@other': not found"},
			{operator(s), store.User{Name: "eve", Role: site.RoleCustomerAdmin}, store.ErrInvalid,
				"writing user 'eve': role 'customer-admin' is of a customer, and user 'eve' has none"},
			{operator(s), store.User{Name: "eve", Customer: "none", Role: site.RoleCustomerAdmin}, store.ErrNotFound, "writing user 'eve': customer 'none': not found"},
			{operator(s), store.User{Name: "admin@acme", Customer: "other", Role: site.RoleCustomerAdmin, Version: 1}, store.ErrInvalid,
				"writing user 'admin@acme': user 'admin@acme' is of customer 'acme': users do not change sides"},
			{operator(s), store.User{Name: "ann", Customer: "acme", Role: site.RoleCustomerAdmin, Version: 1}, store.ErrInvalid,
				"writing user 'ann': user 'ann' is of the provider: users do not change sides"},
			{operator(s), store.User{Name: "e v e", Role: site.RoleOperator}, store.ErrInvalid, ""},
		} {
			_, err := c.v.PutUser(t.Context(), c.u)
			expect(t, err, c.kind, c.text)
		}
		expect(t, acme.CloseUser(t.Context(), "ann", store.Whatever), store.ErrNotFound, "closing user 'ann': user 'ann': not found")
		expect(t, acme.CloseUser(t.Context(), "nobody", store.Whatever), store.ErrNotFound, "closing user 'nobody': user 'nobody': not found")
	})
}

func TestTheLastOperatorStays(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		newUser(t, s, "ann", "", site.RoleOperator)
		newUser(t, s, "zoe", "", site.RoleOperatorReadonly)
		expect(t, v.CloseUser(t.Context(), "ann", store.Whatever), store.ErrConflict, "closing user 'ann': 'ann' is the last operator")
		_, err := v.PutUser(t.Context(), store.User{Name: "ann", Role: site.RoleOperatorReadonly, Version: 1})
		expect(t, err, store.ErrConflict, "writing user 'ann': 'ann' is the last operator")
		must(t, v.CloseUser(t.Context(), "zoe", store.Whatever))
		for i := range 10 {
			newUser(t, s, fmt.Sprint("op", i), "", site.RoleOperator)
		}
		var all sync.WaitGroup
		for _, name := range userNames(t, v, "", 0) {
			all.Go(func() {
				if err := v.CloseUser(t.Context(), name, store.Whatever); err != nil && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		equal(t, "Operators that are left", len(userNames(t, v, "", 0)), 1)
	})
}

func TestViewersOfUsers(t *testing.T) {
	for role, want := range map[site.Role]store.Viewer{
		site.RoleOperator:         {Name: "eve", Operator: true},
		site.RoleOperatorReadonly: {Name: "eve", Operator: true, ReadOnly: true},
		site.RoleCustomerAdmin:    {Name: "eve", Customer: "acme"},
		site.RoleCustomerReadonly: {Name: "eve", Customer: "acme", ReadOnly: true},
		"":                        {Name: "eve", Customer: "acme", ReadOnly: true},
	} {
		u := store.User{Name: "eve", Customer: want.Customer, Role: role}
		equal(t, "The viewer of role '"+string(role)+"'", u.Viewer(), want)
	}
}
