package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// identities are one of each. They remember what they were asked, and err with err.
type identities struct{ store }

var (
	half       = 0.5
	aCustomer  = api.Customer{Name: "acme", Title: "Acme", Plan: "basic", Created: then, Closed: then, Version: 3}
	guardrails = api.Guardrails{MinTTL: api.Seconds(10 * time.Second), MinFailbackDelay: api.Seconds(time.Minute), MaxShare: &half, ProbeKinds: []string{"http"},
		MinProbePeriod: api.Seconds(5 * time.Second), MaxSites: 9, Targets: []string{"edge.example.net"}, Services: []string{"edge/c1"}}
	aPlan  = api.Plan{Name: "basic", Title: "Basic", Currency: "EUR", Guardrails: guardrails, Since: then, Version: 4}
	aUser  = api.User{Name: "bob", Customer: "acme", Role: site.RoleCustomerAdmin, Created: then, Closed: then, Version: 5}
	aToken = api.Token{ID: "KBZ3SJGGTBPX", Owner: "bob", Title: "deployment", Created: then, Expires: then, Used: then}
	anAct  = api.AuditEntry{Number: 7, At: then, Who: "bob", Customer: "acme", What: "publish", Base: 42, Revision: 43}
)

func (i *identities) Customers(_ context.Context, p api.Page, _ api.Caller) ([]api.Customer, string, error) {
	return []api.Customer{aCustomer}, "acme", i.note("customers %+v", p)
}

func (i *identities) Customer(_ context.Context, name string, _ api.Caller) (api.Customer, error) {
	return aCustomer, i.note("customer %s", name)
}

func (i *identities) PutCustomer(_ context.Context, name string, r api.CustomerRequest, wants api.Version, by api.Caller) (api.Customer, error) {
	return aCustomer, i.note("put customer %s %+v wants %d by %s", name, r, wants, by.Name)
}

func (i *identities) CloseCustomer(_ context.Context, name string, wants api.Version, by api.Caller) error {
	return i.note("close customer %s wants %d by %s", name, wants, by.Name)
}

func (i *identities) Plans(_ context.Context, p api.Page, _ api.Caller) ([]api.Plan, string, error) {
	return []api.Plan{aPlan}, "basic", i.note("plans %+v", p)
}

func (i *identities) Plan(_ context.Context, name string, _ api.Caller) (api.Plan, error) {
	return aPlan, i.note("plan %s", name)
}

func (i *identities) PutPlan(_ context.Context, name string, r api.PlanRequest, wants api.Version, by api.Caller) (api.Plan, error) {
	return aPlan, i.note("put plan %s %s %s %t wants %d by %s", name, r.Title, r.Currency, reflect.DeepEqual(r.Guardrails, guardrails), wants, by.Name)
}

func (i *identities) Users(_ context.Context, p api.Page, _ api.Caller) ([]api.User, string, error) {
	return []api.User{aUser}, "bob", i.note("users %+v", p)
}

func (i *identities) User(_ context.Context, name string, _ api.Caller) (api.User, error) {
	return aUser, i.note("user %s", name)
}

func (i *identities) PutUser(_ context.Context, name string, r api.UserRequest, wants api.Version, by api.Caller) (api.User, error) {
	return aUser, i.note("put user %s %+v wants %d by %s", name, r, wants, by.Name)
}

func (i *identities) CloseUser(_ context.Context, name string, wants api.Version, by api.Caller) error {
	return i.note("close user %s wants %d by %s", name, wants, by.Name)
}

func (i *identities) Tokens(_ context.Context, owner string, p api.Page, _ api.Caller) ([]api.Token, string, error) {
	return []api.Token{aToken}, "KBZ3SJGGTBPX", i.note("tokens %s %+v", owner, p)
}

func (i *identities) CreateToken(_ context.Context, r api.TokenRequest, by api.Caller) (api.NewToken, error) {
	return api.NewToken{Token: aToken, Secret: "cdr_x"}, i.note("create token %s %s %s by %s", r.Owner, r.Title, r.Expires.Format(time.RFC3339), by.Name)
}

func (i *identities) RevokeToken(_ context.Context, id string, by api.Caller) error {
	return i.note("revoke %s by %s", id, by.Name)
}

func (i *identities) Audit(_ context.Context, before int64, limit int, _ api.Caller) ([]api.AuditEntry, bool, error) {
	return []api.AuditEntry{anAct}, before == 0, i.note("audit %d %d", before, limit)
}

// identityCalls are those of the client.
var identityCalls = []call{
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Customers(ctx, api.Page{Cursor: "a", Limit: 5})
	}, "customers {Cursor:a Limit:5}", api.CustomerList{Customers: []api.Customer{aCustomer}, Next: "acme"}},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Customer(ctx, "a/c") }, "customer a/c", aCustomer},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.PutCustomer(ctx, "acme", api.CustomerRequest{Title: "Acme", Plan: "basic"}, 3)
	}, "put customer acme {Title:Acme Plan:basic} wants 3 by BY", aCustomer},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return nil, c.CloseCustomer(ctx, "acme", api.WhateverVersion)
	}, "close customer acme wants -1 by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Plans(ctx, api.Page{}) }, "plans {Cursor: Limit:100}", api.PlanList{Plans: []api.Plan{aPlan}, Next: "basic"}},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Plan(ctx, "basic") }, "plan basic", aPlan},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.PutPlan(ctx, "basic", api.PlanRequest{Title: "Basic", Currency: "EUR", Guardrails: guardrails}, api.NoVersion)
	}, "put plan basic Basic EUR true wants 0 by BY", aPlan},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Users(ctx, api.Page{Limit: 9999}) }, "users {Cursor: Limit:1000}", api.UserList{Users: []api.User{aUser}, Next: "bob"}},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.User(ctx, "bob") }, "user bob", aUser},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.PutUser(ctx, "bob", api.UserRequest{Customer: "acme", Role: site.RoleCustomerAdmin}, api.SomeVersion)
	}, "put user bob {Customer:acme Role:customer-admin} wants -2 by BY", aUser},
	{func(ctx context.Context, c *api.Client) (any, error) { return nil, c.CloseUser(ctx, "bob", 5) }, "close user bob wants 5 by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Tokens(ctx, "bob", api.Page{}) }, "tokens bob {Cursor: Limit:100}", api.TokenList{Tokens: []api.Token{aToken}, Next: "KBZ3SJGGTBPX"}},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.CreateToken(ctx, api.TokenRequest{Owner: "bob", Title: "deployment", Expires: then})
	}, "create token bob deployment 2026-01-02T03:04:05Z by BY", api.NewToken{Token: aToken, Secret: "cdr_x"}},
	{func(ctx context.Context, c *api.Client) (any, error) { return nil, c.RevokeToken(ctx, "x y") }, "revoke x y by BY", nil},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Audit(ctx, api.Page{Limit: 3}) }, "audit 0 3", api.AuditList{Entries: []api.AuditEntry{anAct}, Next: "7"}},
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Audit(ctx, api.Page{Cursor: "7"}) }, "audit 7 100", api.AuditList{Entries: []api.AuditEntry{anAct}}},
}

func TestIdentitiesArriveUnchanged(t *testing.T) {
	i := new(identities)
	path := keepIdentities(t, i)
	for _, c := range identityCalls {
		got, err := c.do(soon(t), api.Dial(path))
		if err != nil || c.want != nil && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: Expected %+v, got %+v, %v", c.asked, c.want, got, err)
		}
		if asked, want := i.called(), strings.Replace(c.asked, "BY", me(t), 1); !slices.Equal(asked, []string{want}) {
			t.Errorf("Expected %q to be asked, got %q", want, asked)
		}
	}
	for _, v := range []any{aCustomer, aPlan, aUser, aToken, anAct} {
		said(t, reflect.ValueOf(v), reflect.TypeOf(v).Name())
	}
	for err, want := range map[error]int{api.ErrStale: 412, api.ErrConflict: 409, api.ErrNotFound: 404, api.ErrInvalid: 400, api.ErrUnavailable: 503} {
		i.err = fmt.Errorf("doing 'x': %w", err)
		for _, c := range identityCalls {
			_, got := c.do(soon(t), api.Dial(path))
			if p := new(api.Problem); !errors.As(got, &p) || p.Status != want {
				t.Errorf("%s: Expected status %d, got %v", c.asked, want, got)
			}
		}
	}
}

// keepIdentities serves identities on a new socket until the test is over.
func keepIdentities(t *testing.T, i *identities) (path string) {
	t.Helper()
	path = filepath.Join(folder(t), "s")
	open(t, path, api.Config{Engine: oneSite("a."), Store: i, Log: new(journal), Resources: api.Resources{Identities: i}})
	return path
}

func TestIdentitiesThatAreRefused(t *testing.T) {
	i := new(identities)
	path := keepIdentities(t, i)
	for _, c := range []struct{ method, target, body, detail string }{
		{"PUT", "customers/a", `{"titel": "x"}`, "body.titel: unexpected property"},
		{"PUT", "users/a", `{"role": "root"}`, "body.role: expected value to be one of"},
		{"PUT", "users/a", `{}`, "expected required property role"},
		{"PUT", "plans/a", `{"guardrails": {"min_ttl": -1, "max_share": 2, "probe_kinds": ["smtp"]}}`, "body.guardrails.min_ttl: min_ttl -1s is not from 0s"},
		{"PUT", "plans/a", `{"guardrails": {"min_ttl": -1, "max_share": 2, "probe_kinds": ["smtp"]}}`, "body.guardrails.max_share: "},
		{"PUT", "plans/a", `{"guardrails": {"min_ttl": -1, "max_share": 2, "probe_kinds": ["smtp"]}}`, "body.guardrails.probe_kinds: 'smtp'"},
		{"POST", "tokens", `{"owner": ""}`, "body.owner: expected length >= 1"},
		{"POST", "tokens", `{"owner": "a", "expires": "tomorrow"}`, "body.expires: expected string to be RFC 3339"},
		{"GET", "audit?cursor=x", "", "query.cursor: expected what 'next' said, got 'x'"},
	} {
		status, _, p := exchange(t, path, c.method, "/v1/"+c.target, c.body)
		if status != 400 || !strings.Contains(wordsOf(p), c.detail) {
			t.Errorf("%s %s %s: Expected 400 with %q, got %d: %s", c.method, c.target, c.body, c.detail, status, wordsOf(p))
		}
		if asked := i.called(); asked != nil {
			t.Errorf("%s %s: Expected nothing to be asked, got %q", c.method, c.target, asked)
		}
	}
}

func TestWhoSomebodyIs(t *testing.T) {
	got, err := api.Dial(keepIdentities(t, new(identities))).Whoami(soon(t))
	if want := (api.Identity{Name: me(t), Role: site.RoleOperator}); err != nil || got != want {
		t.Errorf("Expected %+v, got %+v, %v", want, got, err)
	}
	w := newRecorder()
	a := api.New(api.Config{Engine: oneSite("a."), Log: new(journal)})
	a.As(api.Caller{Name: "bob", Role: site.RoleCustomerReadonly, Customer: "acme"}).ServeHTTP(w, httptest.NewRequest("GET", "/v1/whoami", nil))
	if want := `{"name":"bob","role":"customer-readonly","customer":"acme"}`; w.Body.String() != want {
		t.Errorf("Expected %s, got %s", want, w.Body)
	}
}
