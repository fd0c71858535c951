package api_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// pushed remembers the last push, and errs with err.
type pushed struct {
	last site.Push
	err  error
}

func (p *pushed) Push(push site.Push) error {
	p.last = push
	return p.err
}

func TestAPushArrivesUnchanged(t *testing.T) {
	p := new(pushed)
	path := filepath.Join(folder(t), "s")
	open(t, path, api.Config{Engine: oneSite("a."), Log: new(journal), Resources: api.Resources{Pushes: p}})
	values := map[site.Signal]float64{site.Load: 0.5, site.ResponseTime: 0.2}
	if err := api.Dial(path).Push(soon(t), api.PushRequest{Host: "web1", Epoch: 3, Sequence: 7, At: then, Values: values}); err != nil {
		t.Fatal(err)
	}
	if want := (site.Push{Host: "web1", Epoch: 3, Sequence: 7, At: then, Values: values}); !reflect.DeepEqual(p.last, want) {
		t.Errorf("Expected %+v, got %+v", want, p.last)
	}
	const good = `{"host": "web1", "sequence": 1, "at": "2026-01-02T03:04:05Z", "values": {"load": 1}}`
	for err, want := range map[error]int{api.ErrNoReader: 404, api.ErrRepeated: 409, api.ErrImprobable: 422} {
		p.err = fmt.Errorf("host 'web1': %w", err)
		if status, _, problem := exchange(t, path, "POST", "/v1/push", good); status != want || problem.Detail != p.err.Error() {
			t.Errorf("Expected %d and %v, got %d, %v", want, p.err, status, problem)
		}
	}
	p.last = site.Push{}
	for body, detail := range map[string]string{
		strings.Replace(good, "web1", "a b", 1):        "body.host: 'a b' is not the name of a host that pushes",
		strings.Replace(good, "load", "heat", 1):       "body.values: unknown signal 'heat'",
		strings.Replace(good, `"load": 1`, "", 1):      "body.values: there are no values",
		strings.Replace(good, `"load": 1`, `"a":1`, 1): "unknown signal 'a'",
		strings.Replace(good, `1}}`, `"1"}}`, 1):       "body.values.load: expected number",
		strings.Replace(good, `1}}`, `null}}`, 1):      "body.values.load: expected number",
		`{"host": "web1"}`:                             "expected required property sequence",
		`{"sequence": 1}`:                              "expected required property at",
	} {
		if status, _, problem := exchange(t, path, "POST", "/v1/push", body); status != 400 || !strings.Contains(wordsOf(problem), detail) {
			t.Errorf("%s: Expected 400 with %q, got %d, %s", body, detail, status, wordsOf(problem))
		}
	}
	if p.last.Host != "" {
		t.Errorf("Expected nothing that is wrong to arrive, got %+v", p.last)
	}
}

// TestACustomersHostIsHis, whatever it is called.
func TestACustomersHostIsHis(t *testing.T) {
	p := new(pushed)
	a := api.New(api.Config{Engine: oneSite("a."), Log: new(journal), Resources: api.Resources{Pushes: p}})
	for _, c := range []struct {
		who    api.Caller
		host   string
		status int
		want   string
	}{
		{api.Caller{Role: site.RoleOperator}, "acme/web1", 200, "acme/web1"},
		{api.Caller{Role: site.RoleCustomerAdmin, Customer: "acme"}, "web1", 200, "acme/web1"},
		{api.Caller{Role: site.RoleCustomerAdmin, Customer: "acme"}, "192.0.2.1", 200, "acme/192.0.2.1"},
		{api.Caller{Role: site.RoleCustomerAdmin, Customer: "acme"}, "other/web1", 400, ""},
		{api.Caller{Role: site.RoleCustomerReadonly, Customer: "acme"}, "web1", 404, ""},
		{api.Caller{Role: site.RoleOperatorReadonly}, "web1", 404, ""},
	} {
		p.last = site.Push{}
		w := newRecorder()
		body := fmt.Sprintf(`{"host": "%s", "sequence": 1, "at": "2026-01-02T03:04:05Z", "values": {"load": 1}}`, c.host)
		a.As(c.who).ServeHTTP(w, httptest.NewRequest("POST", "/v1/push", strings.NewReader(body)))
		if w.Code != c.status || p.last.Host != c.want {
			t.Errorf("%s of %s: Expected %d and '%s', got %d and '%s': %s", c.host, c.who.Role, c.status, c.want, w.Code, p.last.Host, w.Body)
		}
	}
}
