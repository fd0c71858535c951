//go:build linux

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// identitiesIn is an engine with a new store, in which there are two customers, with an
// admin each, and two operators.
func identitiesIn(t *testing.T) api.Identities {
	t.Helper()
	_, e := stored(t, t.TempDir(), storedObject("www"))
	i, ctx := e.Resources().Identities, context.Background()
	must(t, second(i.PutPlan(ctx, "basic", api.PlanRequest{Title: "Basic", Guardrails: api.Guardrails{MaxSites: 3, MinTTL: api.Seconds(10 * time.Second)}}, api.NoVersion, alice)))
	for _, who := range []api.Caller{ofAcme, ofOther} {
		must(t, second(i.PutCustomer(ctx, who.Customer, api.CustomerRequest{Plan: "basic"}, api.WhateverVersion, alice)))
		must(t, second(i.PutUser(ctx, who.Name, api.UserRequest{Customer: who.Customer, Role: who.Role}, api.WhateverVersion, alice)))
	}
	for _, name := range []string{"alice", "carol"} {
		must(t, second(i.PutUser(ctx, name, api.UserRequest{Role: site.RoleOperator}, api.WhateverVersion, alice)))
	}
	return i
}

func TestIdentitiesAreWrittenForTheVersionThatIsMeant(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	i := identitiesIn(t)
	plan, err := i.Plan(ctx, "basic", alice)
	must(t, err)
	writes := map[string]func(api.Version) (api.Version, error){
		"acme": func(v api.Version) (api.Version, error) {
			c, err := i.PutCustomer(ctx, "acme", api.CustomerRequest{Title: "Acme", Plan: "basic"}, v, alice)
			return c.Version, err
		},
		"basic": func(v api.Version) (api.Version, error) {
			p, err := i.PutPlan(ctx, "basic", api.PlanRequest{Title: "Basis"}, v, alice)
			return p.Version, err
		},
		"bob": func(v api.Version) (api.Version, error) {
			u, err := i.PutUser(ctx, "bob", api.UserRequest{Customer: "acme", Role: site.RoleCustomerReadonly}, v, alice)
			return u.Version, err
		},
	}
	for name, first := range map[string]api.Version{"acme": 1, "basic": plan.Version, "bob": 1} {
		write := writes[name]
		for _, wrong := range []api.Version{api.NoVersion, first + 1} {
			if _, err := write(wrong); !errors.Is(err, api.ErrStale) {
				t.Errorf("%s, version %d: Expected it to be stale, got %v", name, wrong, err)
			}
		}
		for _, right := range []api.Version{first, api.SomeVersion, api.WhateverVersion} {
			now, err := write(right)
			if err != nil || now <= first {
				t.Errorf("%s, version %d: Expected a later one, got %d, %v", name, right, now, err)
			}
		}
	}
	if _, err := i.PutCustomer(ctx, "new", api.CustomerRequest{}, 3, alice); !errors.Is(err, api.ErrStale) {
		t.Errorf("Expected nothing new for a version, got %v", err)
	}
	if err := i.CloseUser(ctx, "bob", 1, alice); !errors.Is(err, api.ErrStale) {
		t.Errorf("Expected the user to be of a later version, got %v", err)
	}
	must(t, i.CloseUser(ctx, "carol", 1, alice))
	if err := i.CloseUser(ctx, "alice", 1, alice); !errors.Is(err, api.ErrConflict) || errors.Is(err, api.ErrStale) {
		t.Errorf("Expected the last operator to stay, got %v", err)
	}
}

// TestACustomersAdminManagesHisOwn users and tokens, and nothing of anybody else.
func TestACustomersAdminManagesHisOwn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	i := identitiesIn(t)
	must(t, second(i.PutUser(ctx, "robot", api.UserRequest{Role: site.RoleCustomerReadonly}, api.NoVersion, ofAcme)))
	made, err := i.CreateToken(ctx, api.TokenRequest{Owner: "robot", Title: "reports"}, ofAcme)
	must(t, err)
	if !strings.HasPrefix(made.Secret, "cdr_") || made.Token.Owner != "robot" {
		t.Errorf("Expected a token, got %+v", made.Token)
	}
	for who, want := range map[api.Caller]string{
		ofAcme:  "[bob robot] [acme] [basic] [robot] true",
		ofOther: "[eve] [other] [basic] [] false",
		alice:   "[alice bob carol eve robot] [acme other] [basic] [robot] true",
	} {
		if got := seen(t, i, who); got != want {
			t.Errorf("%s: Expected to see %s, got %s", who.Name, want, got)
		}
	}
	for what, err := range map[string]error{
		"reads his user":       second(i.User(ctx, "robot", ofOther)),
		"changes him":          second(i.PutUser(ctx, "robot", api.UserRequest{Role: site.RoleCustomerAdmin}, api.WhateverVersion, ofOther)),
		"closes him":           i.CloseUser(ctx, "robot", api.WhateverVersion, ofOther),
		"closes a version":     i.CloseUser(ctx, "alice", api.SomeVersion, ofOther),
		"makes a token":        second(i.CreateToken(ctx, api.TokenRequest{Owner: "robot"}, ofOther)),
		"revokes a token":      i.RevokeToken(ctx, made.Token.ID, ofOther),
		"reads the customer":   second(i.Customer(ctx, "acme", ofOther)),
		"changes the customer": second(i.PutCustomer(ctx, "other", api.CustomerRequest{}, api.WhateverVersion, ofOther)),
		"changes the plan":     second(i.PutPlan(ctx, "basic", api.PlanRequest{}, api.WhateverVersion, ofOther)),
	} {
		if !errors.Is(err, api.ErrNotFound) && !errors.Is(err, api.ErrStale) {
			t.Errorf("Another customer %s: Expected nothing to be there, got %v", what, err)
		}
	}
	if _, err := i.PutUser(ctx, "root", api.UserRequest{Role: site.RoleOperator}, api.WhateverVersion, ofAcme); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("Expected no operator of a customer's, got %v", err)
	}
	must(t, i.RevokeToken(ctx, made.Token.ID, ofAcme))
	must(t, i.CloseUser(ctx, "robot", 1, ofAcme))
}

// seen is what somebody sees of each list, and whether he sees what acme did.
func seen(t *testing.T, i api.Identities, who api.Caller) string {
	t.Helper()
	ctx, all := context.Background(), api.Page{Limit: 100}
	users, _, err := i.Users(ctx, all, who)
	must(t, err)
	customers, _, err := i.Customers(ctx, all, who)
	must(t, err)
	plans, _, err := i.Plans(ctx, all, who)
	must(t, err)
	tokens, _, err := i.Tokens(ctx, "", all, who)
	must(t, err)
	acts, _, err := i.Audit(ctx, 0, 100, who)
	must(t, err)
	acme := false
	for _, a := range acts {
		acme = acme || a.Customer == "acme"
	}
	return fmt.Sprint(called(users, func(u api.User) string { return u.Name }), " ", called(customers, func(c api.Customer) string { return c.Name }), " ",
		called(plans, func(p api.Plan) string { return p.Name }), " ", called(tokens, func(k api.Token) string { return k.Owner }), " ", acme)
}

func called[T any](all []T, name func(T) string) []string {
	names := []string{}
	for _, one := range all {
		names = append(names, name(one))
	}
	return names
}

func TestListsOfIdentitiesComeInParts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	i := identitiesIn(t)
	for _, c := range []struct {
		page api.Page
		want string
		next string
	}{
		{api.Page{Limit: 2}, "[alice bob]", "bob"},
		{api.Page{Limit: 2, Cursor: "bob"}, "[carol eve]", ""},
		{api.Page{Limit: 2, Cursor: "eve"}, "[]", ""},
	} {
		users, next, err := i.Users(ctx, c.page, alice)
		must(t, err)
		if got := fmt.Sprint(called(users, func(u api.User) string { return u.Name })); got != c.want || next != c.next {
			t.Errorf("%+v: Expected %s and %q, got %s and %q", c.page, c.want, c.next, got, next)
		}
	}
	newest, more, err := i.Audit(ctx, 0, 3, alice)
	must(t, err)
	older, _, err := i.Audit(ctx, newest[2].Number, 100, alice)
	must(t, err)
	if !more || len(newest) != 3 || older[0].Number != newest[2].Number-1 {
		t.Errorf("Expected the newest three and then the others, got %+v, %t, %+v", newest, more, older)
	}
}
