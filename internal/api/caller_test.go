package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestWhatTheCallerMayNotDoIsNotThere(t *testing.T) {
	a := api.New(api.Config{Engine: erring(api.ErrUnknown), Store: new(store), Log: new(journal)})
	body := map[string]string{"POST": `{"cdn": "a", "node": "b", "drain": true, "revision": 1, "why": "x"}`}
	for _, c := range []struct {
		method, path, allow string
		want                map[site.Role]int
	}{
		{"GET", "/v1/objects", "", map[site.Role]int{"": 404, site.RoleCustomerReadonly: 200, site.RoleCustomerAdmin: 200, site.RoleOperatorReadonly: 200, site.RoleOperator: 200}},
		{"DELETE", "/v1/draft", "", map[site.Role]int{"": 404, site.RoleCustomerReadonly: 404, site.RoleCustomerAdmin: 200, site.RoleOperatorReadonly: 404, site.RoleOperator: 200}},
		{"GET", "/v1/servers", "", map[site.Role]int{"": 404, site.RoleCustomerReadonly: 404, site.RoleCustomerAdmin: 404, site.RoleOperatorReadonly: 200, site.RoleOperator: 200}},
		{"DELETE", "/v1/overrides?id=x", "", map[site.Role]int{"": 404, site.RoleCustomerAdmin: 404, site.RoleOperatorReadonly: 404, site.RoleOperator: 200}},
		{"PATCH", "/v1/draft", "GET", map[site.Role]int{site.RoleCustomerReadonly: 405, site.RoleOperatorReadonly: 405}},
		{"PATCH", "/v1/draft", "DELETE, GET, PUT", map[site.Role]int{site.RoleCustomerAdmin: 405}},
		{"PATCH", "/v1/servers", "", map[site.Role]int{site.RoleCustomerAdmin: 404}},
		{"HEAD", "/v1/objects", "GET", map[site.Role]int{site.RoleOperator: 405}},
		{"HEAD", "/v1/servers", "", map[site.Role]int{site.RoleCustomerAdmin: 404}},
	} {
		for role, want := range c.want {
			w := newRecorder()
			a.As(api.Caller{Name: "ann", Role: role, Customer: "acme"}).ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(body[c.method])))
			if w.Code != want || w.Header().Get("Allow") != c.allow {
				t.Errorf("%q: %s %s: Expected %d and %q, got %d and %q", role, c.method, c.path, want, c.allow, w.Code, w.Header().Get("Allow"))
			}
			if path, _, _ := strings.Cut(c.path, "?"); want == 404 && !strings.Contains(w.Body.String(), "there is nothing at '"+path+"'") {
				t.Errorf("%q: %s %s: Expected what is said of any other path, got %s", role, c.method, c.path, w.Body)
			}
		}
	}
}

// TestSitesOfOthersAreNotThere asks for states of sites of two customers.
func TestSitesOfOthersAreNotThere(t *testing.T) {
	states := []api.State{{Site: "a.", Customer: "acme"}, {Site: "b.", Customer: "other"}, {Site: "c."}}
	a := api.New(api.Config{Log: new(journal), Engine: fake{
		states:  func() []api.State { return append([]api.State(nil), states...) },
		explain: explained(states),
	}})
	ask := func(who api.Caller, path string) (int, string) {
		w := newRecorder()
		a.As(who).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	for who, want := range map[api.Caller]string{
		{Role: site.RoleCustomerReadonly, Customer: "acme"}: "a.",
		{Role: site.RoleCustomerAdmin, Customer: "other"}:   "b.",
		{Role: site.RoleCustomerAdmin, Customer: ""}:        "",
		{Role: site.RoleOperatorReadonly}:                   "a. b. c.",
	} {
		_, body := ask(who, "/v1/states")
		for _, s := range states {
			sees := strings.Contains(want, s.Site)
			if strings.Contains(body, `"site":"`+s.Site) != sees {
				t.Errorf("%+v: Expected %q, got %s", who, want, body)
			}
			status, said := ask(who, "/v1/explain?name="+s.Site)
			_, nobodys := ask(who, "/v1/explain?name=n.")
			if (status == 200) != sees || !sees && said != strings.Replace(nobodys, "'n.'", "'"+s.Site+"'", 1) {
				t.Errorf("%+v: Expected of %s no more than of a name that is nobody's, got %d %s", who, s.Site, status, said)
			}
		}
	}
}

// explained explains some sites, and no others.
func explained(states []api.State) func(string, netip.Addr) (api.Explanation, error) {
	return func(name string, _ netip.Addr) (api.Explanation, error) {
		for _, s := range states {
			if s.Site == name {
				return api.Explanation{State: s}, nil
			}
		}
		return api.Explanation{}, api.Unknown(name)
	}
}

// TestADryRunIsOfOnesOwnSites, also where it fails.
func TestADryRunIsOfOnesOwnSites(t *testing.T) {
	var fails error
	a := api.New(api.Config{Log: new(journal), Engine: fake{dryRun: func(q api.DryRunQuery) (api.DryRun, error) {
		return api.DryRun{Site: q.Name, Customer: "acme"}, fails
	}}})
	for who, want := range map[api.Caller]int{
		{Role: site.RoleCustomerReadonly, Customer: "acme"}: 200, {Role: site.RoleCustomerAdmin, Customer: "other"}: 404, {Role: site.RoleOperatorReadonly}: 200,
	} {
		for fails, want = range map[error]int{nil: want, api.ErrInvalid: max(want, 400)} {
			w := newRecorder()
			a.As(who).ServeHTTP(w, httptest.NewRequest("POST", "/v1/dry-run", strings.NewReader(`{"name": "a.example.org"}`)))
			if w.Code != want || want == 404 && !strings.Contains(w.Body.String(), "no such site: 'a.example.org.'") {
				t.Errorf("%+v: Expected %d, got %d %s", who, want, w.Code, w.Body)
			}
		}
	}
	for body, place := range map[string]string{`{"name": "a", "type": "AXFR"}`: "body.type", `{"name": "a", "type": "B"}`: "body.type", `{"name": "a", "client": "b"}`: "body.client", `{}`: "name"} {
		w := newRecorder()
		a.As(api.Caller{Role: site.RoleOperator}).ServeHTTP(w, httptest.NewRequest("POST", "/v1/dry-run", strings.NewReader(body)))
		if w.Code != 400 || !strings.Contains(w.Body.String(), place) {
			t.Errorf("%s: Expected 400 with %s, got %d %s", body, place, w.Code, w.Body)
		}
	}
}
