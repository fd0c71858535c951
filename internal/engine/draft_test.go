//go:build linux

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// names are those of the objects that alice's draft changes.
func names(t *testing.T, c api.Configuration) string {
	t.Helper()
	draft, err := c.Draft(context.Background(), alice)
	must(t, err)
	var all []string
	for _, change := range draft.Changes {
		all = append(all, change.Name)
	}
	return strings.Join(all, " ")
}

func wantDraft(t *testing.T, c api.Configuration, want string) {
	t.Helper()
	if got := names(t, c); got != want {
		t.Errorf("Expected %q in the draft, got %q", want, got)
	}
}

// refused wants an error with these words.
func refused(t *testing.T, err error, words string) {
	t.Helper()
	var faults api.Faults
	if errors.As(err, &faults) {
		err = errors.Join(faults...)
	}
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("Expected an error with %q, got %v", words, err)
	}
}

// TestADraftIsPutInParts of which the later need the earlier.
func TestADraftIsPutInParts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, _ := stored(t, t.TempDir(), storedObject("old"))
	inClass := func(name, class string) string {
		return strings.Replace(aSite(name), " {", " class "+class+" {", 1)
	}
	must(t, put(t, c, "class web {\n ttl 10s\n}"))
	must(t, put(t, c, inClass("shop", "web")))
	refused(t, put(t, c, inClass("other", "none")), "unknown class 'none'")
	refused(t, put(t, c, "class web {\n ttl 2d\n}"), "store/class/web@0:2")
	wantDraft(t, c, "web shop.example.org")
	must(t, c.DeleteDraft(ctx, site.ObjectClass, "web", alice))
	refused(t, put(t, c, aSite("other")), "unknown class 'web'")
	must(t, c.DeleteDraft(ctx, site.ObjectSite, "shop.example.org", alice))
	must(t, put(t, c, aSite("other")))
	wantDraft(t, c, "other.example.org")
}

// TestADraftRemovesWhatTheOthersTakeThePlaceOf puts and removes in one.
func TestADraftRemovesWhatTheOthersTakeThePlaceOf(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, _ := stored(t, t.TempDir(), storedObject("old"), storedObject("b"))
	second := strings.Replace(aSite("new"), " {", " old.example.org {", 1)
	both := func(base int64, gone ...string) error {
		texts := api.DraftTexts{Base: base, Sources: []api.Source{{Name: "-", Text: second}}}
		for _, name := range gone {
			texts.Removed = append(texts.Removed, api.Named{Kind: site.ObjectSite, Name: name})
		}
		_, err := c.PutDraft(ctx, texts, operator("alice"))
		return err
	}
	refused(t, both(0), "old.example.org")
	if err := both(0, "old.example.org", "none.example.org"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected that one is not there, got %v", err)
	}
	wantDraft(t, c, "")
	must(t, both(1, "old.example.org"))
	wantDraft(t, c, "new.example.org old.example.org")
	if made, err := c.Publish(ctx, api.PublishRequest{Why: "x"}, operator("alice")); err != nil || made.Changes != 2 {
		t.Errorf("Expected two changes, got %+v, %v", made, err)
	}
	must(t, put(t, c, aSite("b", "ttl 10s")))
	if _, err := c.Publish(ctx, api.PublishRequest{Why: "x"}, operator("alice")); err != nil {
		t.Error(err)
	}
	if err := both(2, "b.example.org"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("Expected that somebody has changed it since, got %v", err)
	}
}

// TestWhatIsPutIntoADraftAtOnceIsAllThere has one operator put, and delete, by many
// requests at once.
func TestWhatIsPutIntoADraftAtOnceIsAllThere(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const many = 10
	var there []site.Object
	var want []string
	for i := range many {
		there = append(there, storedObject(fmt.Sprint("a", i)))
		want = append(want, there[i].Name)
	}
	c, _ := stored(t, t.TempDir(), there...)
	var all sync.WaitGroup
	for i := range many {
		want = append(want, fmt.Sprintf("b%d.example.org", i))
		all.Go(func() {
			if err := c.DeleteDraft(ctx, site.ObjectSite, there[i].Name, alice); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := put(t, c, aSite(fmt.Sprint("b", i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	wantDraft(t, c, strings.Join(want, " "))
}

// TestWhatAnOperatorChangesStaysTheCustomers has an operator change a customer's site.
func TestWhatAnOperatorChangesStaysTheCustomers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	his := storedObject("his")
	his.Customer = "acme"
	c, e := stored(t, dir, his)
	must(t, put(t, c, aSite("his", " ttl 10s")))
	_, err := c.Publish(ctx, api.PublishRequest{Why: "a test"}, alice)
	must(t, err)
	e.Close()
	db, err := store.Open(ctx, storeIn(dir))
	must(t, err)
	defer db.Close()
	o, err := db.As(store.Viewer{Name: "bob", Customer: "acme"}).Object(ctx, site.ObjectSite, his.Name)
	must(t, err)
	if o.Revision != 2 {
		t.Errorf("Expected the changed site, got %+v", o)
	}
}

// TestAnAdoptedSiteIsChanged while the Corefile has it still.
func TestAnAdoptedSiteIsChanged(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	e, _ := newWorld().engine(t)
	k := keepThis(t, e, engine.Keeping{State: dir, Server: "one", Store: storeIn(dir)}, storedSite)
	e.Offer(ctx, engine.Sites{Kept: k, Sites: k.Sites(), Seed: k.Seed()})
	c := e.Configuration()
	_, err := c.Adopt(ctx, api.AdoptRequest{Site: "www.example.org", Why: "a test"}, alice)
	must(t, err)
	must(t, put(t, c, aSite("www", " ttl 10s")))
	_, err = c.Publish(ctx, api.PublishRequest{Why: "a test"}, alice)
	must(t, err)
	found, err := c.Objects(ctx, site.ObjectSite, "www.example.org", alice)
	must(t, err)
	if o := found.Objects[0]; o.Revision != 2 || !o.Adopted {
		t.Errorf("Expected it to stand in front of the Corefile's still, got %+v", o)
	}
}
