package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func TestChangesSinceARevision(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		revision, objects, err := s.Changes(t.Context(), 0)
		must(t, err)
		equal(t, "An empty store", fmt.Sprint(revision, objects), "0 []")
		class := site.Object{Kind: site.ObjectClass, Name: "web", Text: "class web {\n}"}
		adopted := siteOf("www.example.org", "acme")
		adopted.Adopted = true
		publish(t, v, 0, class, adopted)
		publish(t, v, 1, siteOf("shop.example.org", ""))
		publish(t, v, 2, site.Object{Kind: site.ObjectClass, Name: "web"})

		revision, objects, err = s.Changes(t.Context(), 0)
		must(t, err)
		adopted.Revision = 1
		shop := siteOf("shop.example.org", "")
		shop.Revision = 2
		equal(t, "All that there is", sorted(objects), []site.Object{shop, adopted})
		equal(t, "Its revision", revision, 3)

		revision, objects, err = s.Changes(t.Context(), 2)
		must(t, err)
		equal(t, "What has changed since 2", objects, []site.Object{{Kind: site.ObjectClass, Name: "web", Revision: 3}})
		equal(t, "Its revision", revision, 3)
		revision, objects, err = s.Changes(t.Context(), 9)
		must(t, err)
		equal(t, "Since a revision to come", fmt.Sprint(revision, objects), "3 []")
		last, err := s.Revision(t.Context())
		must(t, err)
		equal(t, "The revision", last, 3)
	})
}

func TestObjectsOfAKindAndAName(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		publish(t, v, 0, siteOf("a.example.org", ""), siteOf("b.example.org", ""), siteOf("c.example.org", ""),
			site.Object{Kind: site.ObjectCDN, Name: "edge", Text: "cdn edge {\n}"}, site.Object{Kind: site.ObjectClass, Name: "edge", Text: "class edge {\n}"})
		publish(t, v, 1, site.Object{Kind: site.ObjectSite, Name: "c.example.org"})
		for _, c := range []struct {
			kind site.ObjectKind
			name string
			want string
		}{
			{"", "", "edge edge a.example.org b.example.org"},
			{site.ObjectSite, "", "a.example.org b.example.org"},
			{site.ObjectSite, "b.example.org", "b.example.org"},
			{site.ObjectSite, "c.example.org", ""},
			{"", "edge", "edge edge"},
		} {
			revision, objects, err := v.Objects(t.Context(), c.kind, c.name)
			must(t, err)
			equal(t, fmt.Sprintf("Objects of '%s' '%s'", c.kind, c.name), fmt.Sprint(revision, names(sorted(objects))), "2"+c.want)
		}
		o, err := v.Object(t.Context(), site.ObjectCDN, "edge")
		must(t, err)
		equal(t, "An object", o, site.Object{Kind: site.ObjectCDN, Name: "edge", Text: "cdn edge {\n}", Revision: 1})
		_, err = v.Object(t.Context(), site.ObjectSite, "c.example.org")
		expect(t, err, store.ErrNotFound, "reading the configuration: site 'c.example.org': not found")
	})
}

func TestPublicationsThatAreRefused(t *testing.T) {
	many := []site.Object{}
	for i := range 7 {
		many = append(many, siteOf(fmt.Sprintf("s%d.example.org", i), ""))
	}
	many[6].Name = "S6.example.org"
	none := site.Object{Kind: site.ObjectSite, Name: "none.example.org"}
	cases := []struct {
		name string
		p    store.Publication
		kind error
		text string
	}{
		{"nothing", store.Publication{Base: 2}, store.ErrInvalid, "publishing : there are no objects"},
		{"stale", store.Publication{Base: 1, Objects: []site.Object{siteOf("www.example.org", "", "changed")}}, store.ErrConflict,
			"publishing site 'www.example.org': site 'www.example.org' has revision 2, and the change was made on revision 1: it was changed meanwhile"},
		{"stale removal", store.Publication{Base: 1, Objects: []site.Object{{Kind: site.ObjectSite, Name: "www.example.org"}}}, store.ErrConflict, ""},
		{"from the future", store.Publication{Base: 3, Objects: []site.Object{siteOf("a.example.org", "")}}, store.ErrInvalid,
			"publishing site 'a.example.org': base 3: the last revision is 2"},
		{"negative base", store.Publication{Base: -1, Objects: []site.Object{siteOf("a.example.org", "")}}, store.ErrInvalid, ""},
		{"not there", store.Publication{Base: 2, Objects: []site.Object{none}}, store.ErrNotFound,
			"publishing site 'none.example.org': site 'none.example.org': not found"},
		{"twice", store.Publication{Base: 2, Objects: []site.Object{siteOf("a.example.org", ""), siteOf("a.example.org", "")}}, store.ErrInvalid,
			"publishing site 'a.example.org', site 'a.example.org': site 'a.example.org' is there twice"},
		{"kind", store.Publication{Base: 2, Objects: []site.Object{{Kind: "zone", Name: "x", Text: "x"}}}, store.ErrInvalid,
			"publishing zone 'x': unknown kind of object 'zone'"},
		{"no name", store.Publication{Base: 2, Objects: []site.Object{{Kind: "cdn", Name: "a b", Text: "x"}}}, store.ErrInvalid,
			"publishing cdn 'a b': 'a b' is no name of a cdn"},
		{"capitals", store.Publication{Base: 2, Objects: many}, store.ErrInvalid,
			"publishing site 's0.example.org', site 's1.example.org', site 's2.example.org', site 's3.example.org', site 's4.example.org', 2 more: " +
				"'S6.example.org' is no name of a site: it has capitals, or a dot at its end"},
		{"no text", store.Publication{Base: 2, Objects: []site.Object{{Kind: "cdn", Name: "a", Text: "x\x00y"}}}, store.ErrInvalid,
			`publishing cdn 'a': cdn 'a': "x\x00y" is no text in UTF-8`},
		{"no reason", store.Publication{Base: 2, Objects: []site.Object{siteOf("a.example.org", "")}, Why: "\xff"}, store.ErrInvalid,
			`publishing site 'a.example.org': the reason: "\xff" is no text in UTF-8`},
	}
	contract(t, func(t *testing.T, s *store.Store) {
		publish(t, operator(s), 0, siteOf("www.example.org", ""))
		publish(t, operator(s), 1, siteOf("www.example.org", "", "new"))
		for _, c := range cases {
			_, err := operator(s).Publish(t.Context(), c.p)
			expect(t, err, c.kind, c.text)
			revision, objects, err := s.Changes(t.Context(), 0)
			must(t, err)
			equal(t, "The store after "+c.name, fmt.Sprint(revision, " ", names(objects)), "2 www.example.org")
		}
	})
}

func TestFiftyWritersOnOneRevision(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		publish(t, operator(s), 0, siteOf("www.example.org", ""))
		var won, lost atomic.Int32
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				_, err := operator(s).Publish(t.Context(), store.Publication{Base: 1, Objects: []site.Object{siteOf("www.example.org", "", fmt.Sprint("writer ", i))}})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, store.ErrConflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		equal(t, "Winners and losers", fmt.Sprint(won.Load(), lost.Load()), "1 49")
		last, err := s.Revision(t.Context())
		must(t, err)
		equal(t, "The revision", last, 2)
	})
}

func TestWritersOfDifferentObjects(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		const writers = 20
		revisions := make([]int64, writers)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() { revisions[i] = publish(t, operator(s), 0, siteOf(fmt.Sprintf("s%d.example.org", i), "")) })
		}
		all.Wait()
		seen := map[int64]bool{}
		for _, r := range revisions {
			seen[r] = r >= 1 && r <= writers
		}
		equal(t, "Revisions that differ", len(seen), writers)
		_, objects, err := s.Changes(t.Context(), 0)
		must(t, err)
		equal(t, "Sites", len(objects), writers)
	})
}

// TestChangesAreOfOneMoment reads while others write: what is read is never
// newer than the revision that it comes with, and never incomplete.
func TestChangesAreOfOneMoment(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		var writer sync.WaitGroup
		writer.Go(func() {
			for base := range int64(30) {
				publish(t, operator(s), base, siteOf("a.example.org", "", fmt.Sprint(base)), siteOf("b.example.org", "", fmt.Sprint(base)))
			}
		})
		for last := int64(0); last < 30; {
			revision, objects, err := s.Changes(t.Context(), last)
			must(t, err)
			for _, o := range objects {
				if o.Revision != revision {
					t.Errorf("Expected all of revision %d, got %s of %d", revision, o.Name, o.Revision)
				}
			}
			if revision > last && len(objects) != 2 {
				t.Errorf("Expected both sites with revision %d, got %q", revision, names(objects))
			}
			last = revision
		}
		writer.Wait()
	})
}

func TestManyObjectsInOneRevision(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		objects := manySites(3001)
		publish(t, operator(s), 0, objects...)
		publish(t, operator(s), 1, objects...)
		_, found, err := s.Changes(t.Context(), 1)
		must(t, err)
		equal(t, "Objects of the second revision", len(found), len(objects))
		for i := range objects {
			objects[i].Text = ""
		}
		publish(t, operator(s), 2, objects...)
		_, found, err = s.Changes(t.Context(), 0)
		must(t, err)
		equal(t, "What is left", len(found), 0)
	})
}

func TestConfirm(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		publish(t, operator(s), 0, siteOf("www.example.org", ""))
		is := func() bool {
			confirmed, err := s.Confirmed(t.Context(), 1)
			must(t, err)
			return confirmed
		}
		equal(t, "Before", is(), false)
		must(t, operator(s).Confirm(t.Context(), 1, ""))
		must(t, operator(s).Confirm(t.Context(), 1, ""))
		equal(t, "After", is(), true)
		expect(t, operator(s).Confirm(t.Context(), 2, ""), store.ErrNotFound, "confirming revision 2: not found")
	})
}

func TestAuditHasEveryWrite(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		publish(t, v, 0, siteOf("www.example.org", ""))
		draft(t, v, 1, siteOf("www.example.org", "", "new"))
		_, err := v.Publish(t.Context(), store.Publication{Draft: true})
		must(t, err)
		_, err = v.Rollback(t.Context(), 1, 2, "no good")
		must(t, err)
		must(t, v.Confirm(t.Context(), 3, "they are sold"))
		draft(t, v, 1, siteOf("a.example.org", ""))
		must(t, v.DropDraft(t.Context()))
		o, err := v.SetOverride(t.Context(), freeze("o1"))
		must(t, err)
		must(t, v.ClearOverride(t.Context(), o.ID))
		if _, err := v.Publish(t.Context(), store.Publication{}); err == nil {
			t.Error("Expected an empty publication to be refused")
		}
		entries, err := v.Audit(t.Context(), 0, 0)
		must(t, err)
		var lines []string
		for _, e := range entries {
			lines = append(lines, fmt.Sprintf("%d %s %q %d>%d", e.Number, e.Who, e.What, e.Base, e.Revision))
			if e.At.IsZero() || e.Customer != "" {
				t.Errorf("Expected a time and no customer, got %+v", e)
			}
		}
		equal(t, "The audit", strings.Join(lines, "\n"), `9 ann "clear override o1" 0>0
8 ann "override o1: all '' freeze" 0>0
7 ann "drop the draft" 0>0
6 ann "draft site 'a.example.org'" 1>0
5 ann "confirm revision 3: they are sold" 3>0
4 ann "roll back to revision 1: site 'www.example.org'" 2>3
3 ann "publish site 'www.example.org'" 1>2
2 ann "draft site 'www.example.org'" 1>0
1 ann "publish site 'www.example.org'" 0>1`)
		entries, err = v.Audit(t.Context(), 3, 1)
		must(t, err)
		equal(t, "A page", entries[0].Number, 2)
		equal(t, "Its length", len(entries), 1)
	})
}
