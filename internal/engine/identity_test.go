package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func TestATokenIsSomebodys(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	db, err := store.Open(ctx, storeIn(dir))
	must(t, err)
	ann := db.As(store.Viewer{Name: "ann", Operator: true})
	_, err = ann.PutUser(ctx, store.User{Name: "ann", Role: site.RoleOperator})
	must(t, err)
	_, err = ann.PutCustomer(ctx, store.Customer{Name: "acme"})
	must(t, err)
	_, err = ann.PutUser(ctx, store.User{Name: "bob", Customer: "acme", Role: site.RoleCustomerReadonly})
	must(t, err)
	tokens := make(map[string]string)
	for _, name := range []string{"ann", "bob"} {
		tokens[name], _, err = ann.CreateToken(ctx, name, "a test", time.Time{})
		must(t, err)
	}
	must(t, db.Close())
	c, _ := stored(t, dir, storedObject("www"))
	identities := c.(api.Authenticator)
	for name, want := range map[string]api.Caller{
		"ann": {Name: "ann", Role: site.RoleOperator},
		"bob": {Name: "bob", Role: site.RoleCustomerReadonly, Customer: "acme"},
	} {
		if got, err := identities.Authenticate(ctx, tokens[name]); err != nil || got != want {
			t.Errorf("Expected %+v, got %+v, %v", want, got, err)
		}
	}
	if _, err := identities.Authenticate(ctx, "cdr_unknown"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected no such token, got %v", err)
	}
	bob, err := identities.Authenticate(ctx, tokens["bob"])
	must(t, err)
	if _, err := c.Draft(ctx, bob); err != nil {
		t.Errorf("Expected to see an empty draft, got %v", err)
	}
	if err := c.DropDraft(ctx, bob); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected somebody who only reads to have nothing to change, got %v", err)
	}
}

func TestAKeyIsKeptInTheStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, _ := stored(t, t.TempDir(), storedObject("www"))
	keys := c.(api.Keys)
	for _, step := range []struct {
		hash string
		err  error
		done bool
		then int // status to finish with; -1: nothing
	}{
		{"a", nil, false, 0}, {"a", nil, false, -1}, {"a", api.ErrUnderWay, false, -1}, {"b", api.ErrOtherRequest, false, 200}, {"a", nil, true, -1}, {"b", api.ErrOtherRequest, false, -1},
	} {
		answer, status, done, err := keys.Begin(ctx, alice, "k", []byte(step.hash))
		if !errors.Is(err, step.err) || done != step.done || done && (status != 200 || string(answer) != "{}") {
			t.Errorf("%+v: Expected that, got %d %s, %t, %v", step, status, answer, done, err)
		}
		if step.then >= 0 {
			must(t, keys.Finish(ctx, alice, "k", step.then, []byte("{}")))
		}
	}
}
