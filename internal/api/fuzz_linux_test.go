package api_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// strict is a configuration that fails the test for a request that no server
// may pass on.
type strict struct {
	api.Configuration
	t *testing.T
}

func (s strict) valid(ok bool, req any) error {
	if !ok {
		s.t.Errorf("Expected the request to be refused: %+v", req)
	}
	return nil
}

func why(text string) bool {
	return text != "" && text == strings.TrimSpace(text) && len(text) <= api.MaxWhy
}

func canonical(name string) bool {
	got, err := site.CanonicalName(name)
	return err == nil && strings.TrimSuffix(got, ".") == name
}

func (s strict) PutDraft(_ context.Context, r api.DraftTexts, _ api.Caller) (p api.Put, _ error) {
	return p, s.draftable(r)
}

func (s strict) Check(_ context.Context, r api.DraftTexts, _ api.Caller) (c api.Checked, _ error) {
	return c, s.draftable(r)
}

func (s strict) draftable(r api.DraftTexts) error {
	unknown := func(o api.Named) bool { return o.Name == "" || !slices.Contains(site.ObjectKinds(), o.Kind) }
	return s.valid(r.Base >= 0 && len(r.Sources)+len(r.Removed) > 0 && !slices.ContainsFunc(r.Removed, unknown), r)
}

func (s strict) Publish(_ context.Context, r api.PublishRequest, _ api.Caller) (p api.Publication, _ error) {
	return p, s.valid(r.Base >= 0 && why(r.Why), r)
}

func (s strict) Confirm(_ context.Context, r api.ConfirmRequest, _ api.Caller) error {
	return s.valid(r.Revision >= 0 && (r.Why == "" || why(r.Why)), r)
}

func (s strict) Rollback(_ context.Context, r api.RollbackRequest, _ api.Caller) (p api.Publication, _ error) {
	return p, s.valid(r.Base >= 0 && r.To >= 0 && why(r.Why), r)
}

func (s strict) SetOverride(_ context.Context, r api.OverrideRequest, _ api.Caller) (o api.Override, _ error) {
	return o, s.valid(r.For > 0 && why(r.Why) && (r.Scope != site.ScopeSite || canonical(r.Name)), r)
}

func (s strict) Adopt(_ context.Context, r api.AdoptRequest, _ api.Caller) (p api.Publication, _ error) {
	return p, s.valid(canonical(r.Site) && why(r.Why), r)
}

func (s strict) Migrate(context.Context, bool, api.Caller) (m api.Migration, err error) { return }

func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{"base": 41, "sources": [{"name": "a.conf", "text": "class a {\n}\n"}]}`,
		`{"base": 41, "why": "new"}`,
		`{"revision": 43, "why": ""}`,
		`{"to": 40, "base": 41, "why": "bad"}`,
		`{"scope": "site", "name": "www.example.org", "action": "share", "share": 0.5, "for": 3600, "why": "x", "local": true}`,
		`{"site": "www.example.org", "why": "x"}`,
		`{"site": ".", "why": "x"}`,
		`{"finish": true}`,
		`{"for": 9223372036.854775807}`,
		`null`,
	} {
		f.Add(body)
	}
	s := new(strict)
	handler := api.Handler(api.Config{Engine: oneSite("a."), Store: s, Log: new(journal)})
	f.Fuzz(func(t *testing.T, body string) {
		s.t = t
		for _, route := range []string{"PUT draft", "POST publish", "POST confirm", "POST rollback", "POST overrides", "POST adopt", "POST migrate"} {
			method, path, _ := strings.Cut(route, " ")
			w := newRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(method, "/v1/"+path, strings.NewReader(body)))
			if w.Code != 200 && w.Code != 400 && w.Code != 413 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: Expected an answer or a refusal, got %d %s", route, w.Code, w.Body)
			}
		}
	})
}
