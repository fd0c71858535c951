package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func sorted(objects []site.Object) []site.Object {
	return slices.SortedFunc(slices.Values(objects), func(a, b site.Object) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// at is what there was at a revision: all that it differs in from nothing.
func at(ctx context.Context, v *store.View, revision int64) (objects []site.Object, err error) {
	differences, err := v.Diff(ctx, 0, revision)
	for _, d := range differences {
		objects = append(objects, d.After)
	}
	return objects, err
}

func TestHistory(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		for base := range int64(4) {
			publish(t, v, base, siteOf("www.example.org", "", fmt.Sprint(base)), siteOf(fmt.Sprintf("s%d.example.org", base), ""))
		}
		page, err := v.History(t.Context(), 4, 2)
		must(t, err)
		equal(t, "Revisions of the page", fmt.Sprint(len(page), page[0].Number, page[1].Number), "2 3 2")
		if r := page[0]; r.Who != "ann" || r.Why != "a test" || r.Changes != 2 || r.At.IsZero() {
			t.Errorf("Expected who, when, why and how much, got %+v", r)
		}
		all, err := v.History(t.Context(), 0, 0)
		must(t, err)
		equal(t, "All revisions", len(all), 4)
	})
}

func TestDiffAndRollback(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		publish(t, v, 0, siteOf("www.example.org", "", "one"), siteOf("gone.example.org", ""), siteOf("back.example.org", "", "one"))
		publish(t, v, 1, siteOf("www.example.org", "", "two"), site.Object{Kind: site.ObjectSite, Name: "gone.example.org"},
			siteOf("new.example.org", ""), siteOf("back.example.org", "", "two"))
		publish(t, v, 2, siteOf("back.example.org", "", "one"))

		differences, err := v.Diff(t.Context(), 1, 3)
		must(t, err)
		var lines []string
		for _, d := range differences {
			lines = append(lines, fmt.Sprintf("%s: %d %d", d.Name, d.Before.Revision, d.After.Revision))
		}
		equal(t, "Differences", lines, []string{"gone.example.org: 1 0", "new.example.org: 0 2", "www.example.org: 1 2"})

		_, err = v.Rollback(t.Context(), 1, 1, "no good")
		expect(t, err, store.ErrConflict, "")
		_, err = v.Rollback(t.Context(), 4, 3, "no good")
		expect(t, err, store.ErrNotFound, "rolling back to revision 4: revision 4: not found (the last one is 3)")
		_, err = v.Rollback(t.Context(), 3, 3, "no good")
		expect(t, err, store.ErrInvalid, "rolling back to revision 3: everything is as it was at revision 3")
		_, err = v.Diff(t.Context(), -1, 3)
		expect(t, err, store.ErrNotFound, "comparing revisions -1 and 3: revision -1: not found (the last one is 3)")
		_, err = v.Diff(t.Context(), 0, 4)
		expect(t, err, store.ErrNotFound, "comparing revisions 0 and 4: revision 4: not found (the last one is 3)")

		revision, err := v.Rollback(t.Context(), 1, 3, "no good")
		must(t, err)
		equal(t, "The new revision", revision, 4)
		differences, err = v.Diff(t.Context(), 1, 4)
		must(t, err)
		equal(t, "Differences after it", len(differences), 0)
		there, err := at(t.Context(), v, 4)
		must(t, err)
		equal(t, "Objects after it", names(there), "back.example.org gone.example.org www.example.org")
		history, err := v.History(t.Context(), 0, 1)
		must(t, err)
		equal(t, "Why", fmt.Sprint(history[0].Why, " ", history[0].Changes), "no good 3")
	})
}

// model is the configuration at each revision, by names.
type model []map[string]site.Object

func (m model) last() map[string]site.Object { return m[len(m)-1] }

// become adds a revision.
func (m *model) become(revision int64, next map[string]site.Object) {
	for name, o := range next {
		if before, ok := m.last()[name]; !ok || before != o {
			o.Revision = revision
			next[name] = o
		}
	}
	*m = append(*m, next)
}

// TestAnyRevisionCanBeReadBack publishes and rolls back at random, and holds
// everything that the store says of its past against a model.
func TestAnyRevisionCanBeReadBack(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		run := 0
		rapid.Check(t, func(r *rapid.T) {
			run++
			h := &historian{T: r, v: operator(s), s: s, prefix: fmt.Sprintf("r%d-", run)}
			var err error
			if h.offset, err = s.Revision(t.Context()); err != nil {
				r.Fatal(err)
			}
			h.model = model{{}}
			for range rapid.IntRange(1, 8).Draw(r, "steps") {
				h.step()
			}
			h.check()
			h.tidy()
		})
	})
}

// historian plays one run: its names have a prefix, and its revisions an
// offset, so that runs share a store.
type historian struct {
	*rapid.T
	s      *store.Store
	v      *store.View
	prefix string
	offset int64
	model  model
}

func (h *historian) now() int64 { return h.offset + int64(len(h.model)-1) }

func (h *historian) step() {
	if len(h.model) > 1 && rapid.IntRange(0, 2).Draw(h.T, "roll back") == 0 {
		h.rollback()
		return
	}
	next := maps.Clone(h.model.last())
	var objects []site.Object
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID[string]).Draw(h.T, "names") {
		name = h.prefix + name
		o := site.Object{Kind: site.ObjectSite, Name: name, Text: rapid.SampledFrom([]string{"", "x", "y"}).Draw(h.T, "text")}
		if _, there := next[name]; o.Text == "" && !there {
			o.Text = "z"
		}
		objects = append(objects, o)
		if delete(next, name); o.Text != "" {
			next[name] = o
		}
	}
	revision, err := h.v.Publish(h.Context(), store.Publication{Base: h.now(), Objects: objects})
	if err != nil || revision != h.now()+1 {
		h.Fatalf("Expected revision %d, got %d: %v", h.now()+1, revision, err)
	}
	h.model.become(revision, next)
}

func (h *historian) rollback() {
	to := rapid.IntRange(0, len(h.model)-1).Draw(h.T, "to")
	next := map[string]site.Object{}
	for name, o := range h.model[to] {
		if is := h.model.last()[name]; is.Text == o.Text {
			next[name] = is // it is as it was: it keeps its revision
		} else {
			o.Revision = 0
			next[name] = o
		}
	}
	revision, err := h.v.Rollback(h.Context(), h.offset+int64(to), h.now(), "")
	if maps.Equal(next, h.model.last()) {
		if !errors.Is(err, store.ErrInvalid) {
			h.Fatalf("Expected a rollback to what is there to be refused, got %d, %v", revision, err)
		}
		return
	}
	if err != nil || revision != h.now()+1 {
		h.Fatalf("Expected revision %d, got %d: %v", h.now()+1, revision, err)
	}
	h.model.become(revision, next)
}

func (h *historian) check() {
	for i, want := range h.model {
		revision := h.offset + int64(i)
		found, err := at(h.Context(), h.v, revision)
		h.same(fmt.Sprintf("Revision %d", revision), err, h.own(found), slices.Collect(maps.Values(want)))
		_, changes, err := h.s.Changes(h.Context(), revision)
		if revision > 0 {
			h.same(fmt.Sprintf("Changes(%d)", revision), err, changes, h.changed(int64(i)))
		}
		j := rapid.IntRange(0, len(h.model)-1).Draw(h.T, "compared with")
		differences, err := h.v.Diff(h.Context(), revision, h.offset+int64(j))
		h.sameDiff(err, differences, want, h.model[j])
	}
}

// tidy removes what is left, so that later runs do not read it.
func (h *historian) tidy() {
	var left []site.Object
	for name := range h.model.last() {
		left = append(left, site.Object{Kind: site.ObjectSite, Name: name})
	}
	if len(left) == 0 {
		return
	}
	if _, err := h.v.Publish(h.Context(), store.Publication{Base: h.now(), Objects: left}); err != nil {
		h.Fatal(err)
	}
}

// changed is what Changes has to say after a revision of the model.
func (h *historian) changed(i int64) (objects []site.Object) {
	for _, o := range h.model.last() {
		if o.Revision > h.offset+i {
			objects = append(objects, o)
		}
	}
	gone := map[string]int64{}
	for j := range h.model[1:] {
		for name := range h.model[j] {
			if _, still := h.model[j+1][name]; !still {
				gone[name] = h.offset + int64(j) + 1
			}
		}
	}
	for name, revision := range gone {
		if _, there := h.model.last()[name]; !there && revision > h.offset+i {
			objects = append(objects, site.Object{Kind: site.ObjectSite, Name: name, Revision: revision})
		}
	}
	return objects
}

func (h *historian) own(objects []site.Object) (own []site.Object) {
	for _, o := range objects {
		if len(o.Name) > len(h.prefix) && o.Name[:len(h.prefix)] == h.prefix {
			own = append(own, o)
		}
	}
	return own
}

func (h *historian) same(what string, err error, got, want []site.Object) {
	if got, want = sorted(got), sorted(want); err != nil || !slices.Equal(got, want) {
		h.Fatalf("%s: expected %+v, got %+v, %v", what, want, got, err)
	}
}

func (h *historian) sameDiff(err error, got []store.Difference, from, to map[string]site.Object) {
	var want []store.Difference
	for _, name := range []string{"a", "b", "c", "d"} {
		name = h.prefix + name
		if before, after := from[name], to[name]; before.Text != after.Text {
			want = append(want, store.Difference{Kind: site.ObjectSite, Name: name, Before: before, After: after})
		}
	}
	if err != nil || !slices.Equal(got, want) {
		h.Fatalf("Diff: expected %+v, got %+v, %v", want, got, err)
	}
}
