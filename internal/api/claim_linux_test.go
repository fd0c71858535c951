package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// claims have one claim. They remember what they were asked, and err with err.
type claims struct{ store }

var aClaim = api.Claim{Name: "example.org", Customer: "acme", Begun: then, Proof: site.ProofTXT, Proved: then,
	Record: &api.ProofRecord{Name: "_cdnredirect.example.org", Text: "cdnredirect=TOKEN"}}

func (c *claims) Claims(_ context.Context, customer string, p api.Page, _ api.Caller) ([]api.Claim, string, error) {
	return []api.Claim{aClaim}, "acme/example.org", c.note("claims of '%s' %+v", customer, p)
}

func (c *claims) BeginClaim(_ context.Context, r api.ClaimRequest, by api.Caller) (api.Claim, error) {
	return aClaim, c.note("begin %+v by %s", r, by.Name)
}

func (c *claims) ProveClaim(_ context.Context, customer, name string, by api.Caller) (api.Claim, error) {
	return aClaim, c.note("prove %s of %s by %s", name, customer, by.Name)
}

func (c *claims) ReleaseClaim(_ context.Context, customer, name string, by api.Caller) error {
	return c.note("release %s of %s by %s", name, customer, by.Name)
}

var claimCalls = []call{
	{func(ctx context.Context, c *api.Client) (any, error) { return c.Claims(ctx, "", api.Page{}) }, "claims of '' {Cursor: Limit:100}",
		api.ClaimList{Claims: []api.Claim{aClaim}, Next: "acme/example.org"}},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.Claims(ctx, "acme", api.Page{Cursor: "acme/a.example", Limit: 5000})
	}, "claims of 'acme' {Cursor:acme/a.example Limit:1000}", api.ClaimList{Claims: []api.Claim{aClaim}, Next: "acme/example.org"}},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.BeginClaim(ctx, api.ClaimRequest{Name: "Example.ORG.", Customer: "acme", Proof: site.ProofOperator})
	}, "begin {Name:example.org Customer:acme Proof:operator} by BY", aClaim},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return c.ProveClaim(ctx, "acme", "*.Example.org.")
	}, "prove *.example.org of acme by BY", aClaim},
	{func(ctx context.Context, c *api.Client) (any, error) {
		return nil, c.ReleaseClaim(ctx, "acme", "Example.org")
	}, "release example.org of acme by BY", nil},
}

func TestWhatClaimsAreAskedAndSayArrivesUnchanged(t *testing.T) {
	s := new(claims)
	path := filepath.Join(folder(t), "s")
	open(t, path, api.Config{Engine: oneSite("a."), Store: s, Log: new(journal), Resources: api.Resources{Claims: s}})
	for _, c := range claimCalls {
		got, err := c.do(soon(t), api.Dial(path))
		if err != nil || c.want != nil && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: Expected %+v, got %+v, %v", c.asked, c.want, got, err)
		}
		if asked, want := strings.Join(s.called(), "; "), strings.Replace(c.asked, "BY", me(t), 1); asked != want {
			t.Errorf("Expected to be asked %q, got %q", want, asked)
		}
		if c.want != nil {
			said(t, reflect.ValueOf(c.want), reflect.TypeOf(c.want).String())
		}
	}
	s.err = fmt.Errorf("%w: there is none", api.ErrUnproved)
	_, err := api.Dial(path).ProveClaim(soon(t), "acme", "example.org")
	if p := new(api.Problem); !errors.As(err, &p) || p.Status != 422 || p.Detail != "it is not proved: there is none" {
		t.Errorf("Expected 422 and why, got %v", err)
	}
}

// TestWhoseAClaimIs is the caller's customer's; an operator says whose.
func TestWhoseAClaimIs(t *testing.T) {
	s := new(claims)
	a := api.New(api.Config{Engine: oneSite("a."), Store: s, Log: new(journal), Resources: api.Resources{Claims: s}})
	bob, ann := api.Caller{Name: "bob", Role: site.RoleCustomerAdmin, Customer: "acme"}, api.Caller{Name: "ann", Role: site.RoleOperator}
	for _, c := range []struct {
		who         api.Caller
		does, body  string
		status      int
		asked, says string
	}{
		{bob, "POST ", `{"name": "example.org"}`, 200, "begin {Name:example.org Customer:acme Proof:} by bob", ""},
		{bob, "POST ", `{"name": "example.org", "customer": "other"}`, 200, "begin {Name:example.org Customer:other Proof:} by bob", ""}, // which is not there for him
		{bob, "POST ", `{"name": "example.org", "proof": "operator"}`, 400, "", "body.proof: it is an operator's: yours is 'txt', got 'operator'"},
		{bob, "POST ", `{"name": "example.org", "proof": "word"}`, 400, "", "body.proof: expected value to be one of"},
		{bob, "POST ", `{"name": "a..b"}`, 400, "", "body.name: "},
		{bob, "POST ", `{"name": "example.org", "token": "x"}`, 400, "", "body.token: "}, // nobody says himself what DNS is to say
		{bob, "POST /example.org/prove", "", 200, "prove example.org of acme by bob", ""},
		{bob, "POST /a..b/prove", "", 404, "", "a claim to 'a..b': not found"},
		{bob, "DELETE /example.org", "", 200, "release example.org of acme by bob", ""},
		{ann, "POST ", `{"name": "example.org"}`, 400, "", "body.customer: say which customer's the claim is"},
		{ann, "POST /example.org/prove", "", 400, "", "query.customer: say which customer's the claim is"},
		{ann, "DELETE /example.org", "", 400, "", "query.customer: say which customer's the claim is"},
		{ann, "DELETE /example.org?customer=acme", "", 200, "release example.org of acme by ann", ""},
	} {
		method, path, _ := strings.Cut(c.does, " ")
		w := newRecorder()
		a.As(c.who).ServeHTTP(w, httptest.NewRequest(method, "/v1/claims"+path, strings.NewReader(c.body)))
		if asked := strings.Join(s.called(), "; "); w.Code != c.status || asked != c.asked || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s %s: Expected %d, %q and %q, got %d, %q and %s", c.who.Name, c.does, c.body, c.status, c.asked, c.says, w.Code, asked, w.Body)
		}
	}
}
