package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// unsettled is a store whose revisions no server ever serves.
type unsettled struct {
	api.Configuration
	onboardingsOf
	documentsOf
}

// Their names are those of methods, too.
type (
	onboardingsOf = api.Onboardings
	documentsOf   = api.Documents
)

func (unsettled) Await(ctx context.Context, _ int64, d time.Duration, _ api.Caller) (api.Spread, error) {
	time.Sleep(d)
	return api.Spread{}, nil
}

func (unsettled) WatchOnboarding(ctx context.Context, _ string, _ int64, _ api.Caller) (api.Onboarding, error) {
	<-ctx.Done()
	return api.Onboarding{}, nil
}

func (unsettled) DeleteDocument(_ context.Context, w api.DocumentWrite, _ api.Caller) (api.Written, error) {
	time.Sleep(w.Wait)
	return api.Written{}, nil
}

// TestWaitsAreBounded for a user, and for all users of a customer; who does not wait is
// answered.
func TestWaitsAreBounded(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var s unsettled
		a := api.New(api.Config{Engine: oneSite("a."), Log: new(journal), Store: s, Resources: api.Resources{Onboardings: s, Documents: s}})
		ask := func(user, customer, does string) *httptest.ResponseRecorder {
			method, path, _ := strings.Cut(does, " ")
			w := httptest.NewRecorder()
			who := api.Caller{Name: user, Customer: customer, Role: site.RoleCustomerAdmin}
			if customer == "" {
				who.Role = site.RoleOperator
			}
			a.As(who).ServeHTTP(deadlines{w}, httptest.NewRequest(method, path, nil))
			return w
		}
		waits := []string{"GET /v1/revisions/1?wait=30s", "GET /v1/onboardings/x?wait=30s", "DELETE /v1/config/site/a.example.org?why=x&wait=30s"}
		var all sync.WaitGroup
		fill := func(user, customer string) {
			for i := range 16 {
				all.Go(func() {
					if w := ask(user, customer, waits[i%3]); w.Code != 200 {
						t.Errorf("Expected to wait, got %d %s", w.Code, w.Body)
					}
				})
			}
			synctest.Wait()
		}
		refused := func(user, customer, want string) {
			t.Helper()
			for _, does := range waits {
				if w := ask(user, customer, does); w.Code != 429 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s: Expected 429 with %q, got %d, %s, %s", does, want, w.Code, w.Header().Get("Retry-After"), w.Body)
				}
			}
		}
		fill("ann", "acme")
		refused("ann", "acme", "you wait in 16 requests already")
		fill("ben", "acme")
		refused("cem", "acme", "the users of 'acme' wait in 32 requests already")
		if w := ask("cem", "acme", "GET /v1/revisions/1"); w.Code != 200 {
			t.Errorf("Expected who does not wait to be answered, got %d", w.Code)
		}
		for i := range 10 {
			fill(fmt.Sprint(i), fmt.Sprint("c", i))
		}
		refused("dan", "other", "customers wait in 192 requests already")
		fill("eve", "")
		refused("eve", "", "you wait in 16 requests already")
		all.Wait()
		if w := ask("ann", "acme", waits[0]); w.Code != 200 {
			t.Errorf("Expected a place to be free again, got %d", w.Code)
		}
	})
}

// deadlines is a recorder that takes deadlines.
type deadlines struct{ http.ResponseWriter }

func (deadlines) SetWriteDeadline(time.Time) error { return nil }
func (deadlines) SetReadDeadline(time.Time) error  { return nil }

func (unsettled) Onboarding(context.Context, string, api.Caller) (api.Onboarding, error) {
	return api.Onboarding{ID: "as it is"}, nil
}

// TestAllWaitsAreReadAlike: 0s is not to wait.
func TestAllWaitsAreReadAlike(t *testing.T) {
	var s unsettled
	h := api.Handler(api.Config{Engine: oneSite("a."), Log: new(journal), Store: s, Resources: api.Resources{Onboardings: s, Documents: s}})
	for _, does := range []string{"GET /v1/revisions/1?", "GET /v1/onboardings/x?", "DELETE /v1/config/site/a.example.org?why=x&"} {
		for wait, want := range map[string]string{
			"0s": "", "-1s": `"expected a time from 0s to 1m, such as '5s'"`, "61s": `"expected a time from 0s to 1m, such as '5s'"`, "5": `"expected a time from 0s to 1m, such as '5s'"`,
		} {
			method, path, _ := strings.Cut(does, " ")
			w := httptest.NewRecorder()
			h.ServeHTTP(deadlines{w}, httptest.NewRequest(method, path+"wait="+wait, nil))
			if (want == "") != (w.Code == 200) || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%swait=%s: Expected %q, got %d %s", does, wait, want, w.Code, w.Body)
			}
		}
	}
}
