package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// first is a store without users. It remembers what it was asked.
type first struct{ store }

func (f *first) Initialize(_ context.Context, name, invitation string, who api.Caller) (string, error) {
	return "cdr_x", f.note("init %s %q by %q", name, invitation, who.Role)
}

// TestAnybodyAsksForTheFirstUser, with and without a role; who may do so is decided
// behind.
func TestAnybodyAsksForTheFirstUser(t *testing.T) {
	f := new(first)
	a := api.New(api.Config{Engine: oneSite("a."), Store: f, Log: new(journal), Resources: api.Resources{Beginning: f}})
	for _, c := range []struct {
		role         site.Role
		method, body string
		err          error
		status       int
		asked        string
	}{
		{"", "POST", `{"name": "alice", "token": "cdi_y"}`, nil, 200, `init alice "cdi_y" by ""`},
		{"", "POST", `{"name": "alice"}`, api.ErrNotInvited, 401, `init alice "" by ""`},
		{site.RoleCustomerReadonly, "POST", `{"name": "alice"}`, api.ErrNotInvited, 401, `init alice "" by "customer-readonly"`},
		{site.RoleOperator, "POST", `{"name": "alice"}`, api.ErrConflict, 409, `init alice "" by "operator"`},
		{"", "POST", `{"name": ""}`, nil, 400, ""},
		{"", "GET", ``, nil, 405, ""},
	} {
		if c.err != nil {
			f.err = fmt.Errorf("doing 'x': %w", c.err)
		}
		w := newRecorder()
		a.As(api.Caller{Role: c.role, Customer: "acme"}).ServeHTTP(w, httptest.NewRequest(c.method, "/v1/init", strings.NewReader(c.body)))
		if asked := strings.Join(f.called(), "; "); w.Code != c.status || asked != c.asked {
			t.Errorf("%s %s: Expected %d after %q, got %d after %q: %s", c.role, c.body, c.status, c.asked, w.Code, asked, w.Body)
		}
		f.err = nil
	}
}

// TestAnErrorDoesNotSayTheBody, which may have a token.
func TestAnErrorDoesNotSayTheBody(t *testing.T) {
	f := new(first)
	a := api.New(api.Config{Engine: oneSite("a."), Store: f, Log: new(journal), Resources: api.Resources{Beginning: f}})
	for body, form := range map[string]string{`{"name": "alice", "token": "cdi_y"`: "application/json", `{"name": "alice", "token": "cdi_y"}`: "text/plain", `"cdi_y"`: "application/json"} {
		w := newRecorder()
		r := httptest.NewRequest("POST", "/v1/init", strings.NewReader(body))
		r.Header.Set("Content-Type", form)
		a.As(api.Caller{}).ServeHTTP(w, r)
		if w.Code/100 != 4 || strings.Contains(w.Body.String(), "cdi_y") {
			t.Errorf("%s: Expected a refusal without the token, got %d %s", body, w.Code, w.Body)
		}
	}
}

func TestTheFirstOperatorGetsHisToken(t *testing.T) {
	f := new(first)
	path := filepath.Join(folder(t), "s")
	open(t, path, api.Config{Engine: oneSite("a."), Store: f, Log: new(journal), Resources: api.Resources{Beginning: f}})
	secret, err := api.Dial(path).Initialize(soon(t), "alice", "")
	if asked := f.called(); err != nil || secret != "cdr_x" || len(asked) != 1 || asked[0] != `init alice "" by "operator"` {
		t.Errorf("Expected the secret, got %q, %v after %q", secret, err, asked)
	}
}
