//go:build linux

package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// operator is one of the provider's.
func operator(name string) api.Caller { return api.Caller{Name: name, Role: site.RoleOperator} }

var alice = operator("alice")

// stored is the configuration of an engine with a store in dir, in which some objects
// are published.
func stored(t *testing.T, dir string, objects ...site.Object) (api.Configuration, *engine.Engine) {
	t.Helper()
	publishIn(t, dir, objects...)
	e, _ := newWorld().engine(t)
	keepIn(t, e, dir, true)
	return e.Configuration(), e
}

// aSite is the text of a site, with some lines more.
func aSite(name string, lines ...string) string {
	text := strings.TrimSuffix(strings.Replace(storedSite, "www", name, 1), "}")
	return text + strings.Join(append(lines, "}"), "\n")
}

func storedObject(name string, lines ...string) site.Object {
	return site.Object{Kind: site.ObjectSite, Name: name + ".example.org", Text: aSite(name, lines...)}
}

// put puts texts into alice's draft.
func put(t *testing.T, c api.Configuration, texts ...string) error {
	t.Helper()
	_, err := c.PutDraft(context.Background(), api.DraftTexts{Sources: []api.Source{{Name: "-", Text: strings.Join(texts, "\n")}}}, alice)
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sides says which texts of changes there are.
func sides(changes []api.Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, fmt.Sprintf("%s %t %t", c.Name, c.Before != "", c.After != ""))
	}
	return strings.Join(all, ", ")
}

func TestWhatADraftChanges(t *testing.T) {
	ctx := context.Background()
	c, _ := stored(t, t.TempDir(), storedObject("a"), storedObject("b"))
	must(t, put(t, c, aSite("new"), aSite("a", "ttl 10s")))
	must(t, c.DeleteDraft(ctx, site.ObjectSite, "b.example.org", alice))
	const want = "a.example.org true true, b.example.org true false, new.example.org false true"
	draft, err := c.Draft(ctx, alice)
	must(t, err)
	if got := sides(draft.Changes); got != want || draft.Base != 1 {
		t.Errorf("Expected %s on 1, got %s on %d", want, got, draft.Base)
	}
	for _, p := range []struct {
		from, to api.Point
		want     string
	}{
		{api.PointPublished, api.PointDraft, want},
		{0, api.PointDraft, "a.example.org false true, new.example.org false true"},
		{api.PointDraft, 0, "a.example.org true false, new.example.org true false"},
		{api.PointDraft, api.PointDraft, ""},
	} {
		diff, err := c.Diff(ctx, p.from, p.to, alice)
		must(t, err)
		if got := sides(diff.Changes); got != p.want {
			t.Errorf("From %s to %s: Expected %q, got %q", p.from, p.to, p.want, got)
		}
	}
}

// TestWhyARevisionIsLetThrough is in the audit.
func TestWhyARevisionIsLetThrough(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	c, e := stored(t, dir, storedObject("www"))
	must(t, c.Confirm(ctx, api.ConfirmRequest{Revision: 1, Why: "they are sold"}, operator("bob")))
	e.Close()
	db, err := store.Open(ctx, storeIn(dir))
	must(t, err)
	defer db.Close()
	entries, err := db.As(store.Viewer{Name: "alice", Operator: true}).Audit(ctx, 0, 1)
	must(t, err)
	if got := entries[0]; got.Who != "bob" || got.What != "confirm revision 1: they are sold" {
		t.Errorf("Expected who and why, got %+v", got)
	}
}
