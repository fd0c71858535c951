package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// wantDraft wants objects with these names in a draft that was made on a revision.
func wantDraft(t *testing.T, v *store.View, want string) {
	t.Helper()
	base, objects, err := v.Draft(t.Context())
	must(t, err)
	equal(t, "The draft", fmt.Sprint(base, " ", names(objects)), want)
}

func TestDrafts(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		_, _, err := v.Draft(t.Context())
		expect(t, err, store.ErrNotFound, "reading the draft: a draft of 'ann': not found")
		draft(t, v, 0, siteOf("www.example.org", "", "old"))
		draft(t, v, 0, siteOf("www.example.org", "acme"), site.Object{Kind: site.ObjectClass, Name: "web", Text: "class web"})
		wantDraft(t, v, "0 web www.example.org")
		_, objects, err := v.Draft(t.Context())
		must(t, err)
		equal(t, "What was put last", objects[1], siteOf("www.example.org", "acme"))
		if last, _ := s.Revision(t.Context()); last != 0 {
			t.Errorf("Expected a draft to publish nothing, got revision %d", last)
		}
		_, err = v.Publish(t.Context(), store.Publication{Draft: true, Objects: []site.Object{siteOf("other.example.org", "")}})
		expect(t, err, store.ErrConflict, "publishing the draft: the draft, made on revision 0: it was changed meanwhile")
		_, err = v.Publish(t.Context(), store.Publication{Draft: true, Objects: objects, Why: "first"})
		must(t, err)
		_, err = v.Publish(t.Context(), store.Publication{Draft: true})
		expect(t, err, store.ErrNotFound, "publishing the draft: a draft of 'ann': not found")
		_, found, err := s.Changes(t.Context(), 0)
		must(t, err)
		equal(t, "What was published", names(sorted(found)), "web www.example.org")
		_, err = v.PutDraft(t.Context(), 7, siteOf("a.example.org", ""))
		expect(t, err, store.ErrNotFound, "writing the draft: revision 7: not found (the last one is 1)")
		_, err = v.PutDraft(t.Context(), 0)
		expect(t, err, store.ErrInvalid, "writing the draft: there are no objects")
	})
}

func TestDraftsThatAreRefusedStay(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v, other := operator(s), s.As(store.Viewer{Name: "cem", Operator: true})
		draft(t, v, 0, siteOf("www.example.org", "", "mine"))
		publish(t, other, 0, siteOf("www.example.org", "", "other"))
		_, err := v.Publish(t.Context(), store.Publication{Draft: true})
		expect(t, err, store.ErrConflict, "")
		wantDraft(t, v, "0 www.example.org")
		must(t, v.DropDraft(t.Context()))
		expect(t, v.DropDraft(t.Context()), store.ErrNotFound, "dropping the draft: a draft of 'ann': not found")
		_, _, err = other.Draft(t.Context())
		expect(t, err, store.ErrNotFound, "")
	})
}

// TestADraftHoldsWhatDiffersFromWhatIsPublished also where that is put back, and knows
// what was changed since the texts were made.
func TestADraftHoldsWhatDiffersFromWhatIsPublished(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		one, two := siteOf("one.example.org", ""), siteOf("two.example.org", "")
		publish(t, v, 0, one, two)
		publish(t, v, 1, siteOf("one.example.org", "", "new"))
		changed := siteOf("two.example.org", "", "new")
		put, err := v.PutDraft(t.Context(), 0, siteOf("one.example.org", "", "new"), changed)
		must(t, err)
		equal(t, "What became of it", put, store.Put{Base: 2, Same: 1})
		all, err := v.DraftWith(t.Context(), 0, two, siteOf("three.example.org", ""))
		must(t, err)
		equal(t, "With others", names(all), "three.example.org")
		wantDraft(t, v, "2 two.example.org")

		_, err = v.PutDraft(t.Context(), 1, one)
		const conflict = "writing the draft: site 'one.example.org' has revision 2, and the change was made on revision 1: it was changed meanwhile"
		expect(t, err, store.ErrConflict, conflict)
		_, err = v.DraftWith(t.Context(), 1, one)
		expect(t, err, store.ErrConflict, conflict)
		draft(t, v, 1, two)
		_, _, err = v.Draft(t.Context())
		expect(t, err, store.ErrNotFound, "reading the draft: a draft of 'ann': not found")
	})
}

func TestDeletingFromADraft(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		remove := func(name string) error { return v.DeleteDraft(t.Context(), site.ObjectSite, name) }
		publish(t, v, 0, siteOf("one.example.org", "acme"))
		expect(t, remove("new.example.org"), store.ErrNotFound, "writing the draft: site 'new.example.org': not found")
		draft(t, v, 0, siteOf("new.example.org", ""), siteOf("one.example.org", "acme", "new"))
		must(t, remove("new.example.org"))
		wantDraft(t, v, "1 one.example.org")
		must(t, remove("one.example.org"))
		_, objects, err := v.Draft(t.Context())
		must(t, err)
		equal(t, "What publishing takes away", objects, []site.Object{{Kind: site.ObjectSite, Name: "one.example.org", Customer: "acme"}})
		expect(t, customer(s, "other").DeleteDraft(t.Context(), site.ObjectSite, "one.example.org"), store.ErrNotFound,
			"writing the draft: site 'one.example.org': not found")
		draft(t, v, 0, siteOf("one.example.org", "acme"))
		draft(t, v, 0, siteOf("new.example.org", ""))
		must(t, remove("new.example.org"))
		_, _, err = v.Draft(t.Context())
		expect(t, err, store.ErrNotFound, "")
	})
}

// TestDraftedObjectsStayWhoseTheyAre unless they name somebody else, and in front of
// the Corefile's.
func TestDraftedObjectsStayWhoseTheyAre(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		adopted := siteOf("adopted.example.org", "acme")
		adopted.Adopted = true
		gone := siteOf("gone.example.org", "acme")
		publish(t, v, 0, adopted, siteOf("sold.example.org", "acme"), gone)
		publish(t, v, 1, site.Object{Kind: site.ObjectSite, Name: gone.Name})
		draft(t, v, 0, siteOf("adopted.example.org", "", "new"), siteOf("gone.example.org", "", "new"), siteOf("sold.example.org", "other"))
		_, objects, err := v.Draft(t.Context())
		must(t, err)
		adopted.Text = siteOf("adopted.example.org", "", "new").Text
		equal(t, "The draft", objects, []site.Object{adopted, siteOf("gone.example.org", "", "new"), siteOf("sold.example.org", "other")})
	})
}

// TestDraftsThatAreChangedAtOnce lose nothing: what is put and deleted while the draft
// is published is published, or still in the draft.
func TestDraftsThatAreChangedAtOnce(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		const many = 20
		v := operator(s)
		var old []site.Object
		var want []string
		for i := range many {
			old = append(old, siteOf(fmt.Sprintf("old%02d.example.org", i), ""))
			want = append(want, fmt.Sprintf("new%02d.example.org", i))
		}
		publish(t, v, 0, old...)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() { draft(t, v, 0, siteOf(want[i], "")) })
			all.Go(func() { must(t, v.DeleteDraft(t.Context(), site.ObjectSite, old[i].Name)) })
			all.Go(func() {
				_, err := v.Publish(t.Context(), store.Publication{Draft: true})
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if _, err := v.Publish(t.Context(), store.Publication{Draft: true}); err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		_, objects, err := s.Changes(t.Context(), 0)
		must(t, err)
		equal(t, "What is published in the end", names(sorted(objects)), strings.Join(want, " "))
	})
}

func TestADraftIsComparedWithWhatIsPublished(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		publish(t, v, 0, siteOf("changed.example.org", "acme"), siteOf("gone.example.org", ""), siteOf("stays.example.org", ""))
		publish(t, v, 1, site.Object{Kind: site.ObjectSite, Name: "gone.example.org"})
		changed, removed, again := siteOf("changed.example.org", "acme", "new"), site.Object{Kind: site.ObjectSite, Name: "stays.example.org"}, siteOf("gone.example.org", "")
		draft(t, v, 2, changed, removed, again)
		base, changes, err := v.DiffDraft(t.Context())
		must(t, err)
		equal(t, "The base", base, 2)
		before, stays := siteOf("changed.example.org", "acme"), siteOf("stays.example.org", "")
		before.Revision, stays.Revision = 1, 1
		equal(t, "The changes", changes, []store.Difference{
			{Kind: site.ObjectSite, Name: "changed.example.org", Before: before, After: changed},
			{Kind: site.ObjectSite, Name: "gone.example.org", After: again},
			{Kind: site.ObjectSite, Name: "stays.example.org", Before: stays, After: removed},
		})
		_, _, err = s.As(store.Viewer{Name: "cem", Operator: true}).DiffDraft(t.Context())
		expect(t, err, store.ErrNotFound, "comparing the draft: a draft of 'cem': not found")
	})
}
