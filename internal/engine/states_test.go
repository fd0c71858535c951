package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestStatesInParts reads the states of some sites part by part, whatever order they are in.
func TestStatesInParts(t *testing.T) {
	t.Parallel()
	const all = 50
	var sites []*site.Site
	for _, i := range rand.Perm(all) {
		s := newSite(fmt.Sprintf("s%02d.example.org.", i), "192.0.2.1")
		s.Customer = []string{"", "acme", "other"}[i%3]
		sites = append(sites, s)
	}
	e, _ := newWorld().engine(t)
	e.Offer(context.Background(), engine.Sites{Sites: sites})
	e.Promote()
	anybody := func(string) bool { return true }
	acme := func(customer string) bool { return customer == "acme" }
	for _, c := range []struct {
		q     api.StateQuery
		first string
		sites int
	}{
		{api.StateQuery{Sees: anybody}, "s00", 50},
		{api.StateQuery{Sees: acme}, "s01", 17},
		{api.StateQuery{Sees: anybody, Customer: "other"}, "s02", 16},
		{api.StateQuery{Sees: acme, Customer: "other"}, "", 0},
		{api.StateQuery{Sees: anybody, Prefix: "s1"}, "s10", 10},
		{api.StateQuery{Sees: anybody, Prefix: "S"}, "", 0},
	} {
		for _, limit := range []int{1, 7, 10, 16, 50, 1000} {
			c.q.Limit = limit
			names := inParts(t, e, c.q)
			if len(names) != c.sites || c.sites > 0 && names[0] != c.first+".example.org." {
				t.Errorf("%+v: Expected %d sites from %s on, got %v", c.q, c.sites, c.first, names)
			}
		}
	}
}

// TestStatesAfterChanges have the sites that are in force, however many have changed.
func TestStatesAfterChanges(t *testing.T) {
	t.Parallel()
	e, _ := newWorld().engine(t)
	e.Offer(context.Background(), engine.Sites{Sites: []*site.Site{newSite("m.example.org.", "192.0.2.1")}})
	e.Promote()
	q := api.StateQuery{Page: api.Page{Limit: 1000}, Sees: func(string) bool { return true }}
	is := map[string]bool{"m.example.org.": true}
	for round := range 200 {
		var c engine.Change
		for range 1 + rand.IntN(3)*rand.IntN(10) {
			name := fmt.Sprintf("s%d.example.org.", rand.IntN(60))
			if slices.ContainsFunc(c.Put, func(s *site.Site) bool { return s.Name() == name }) || slices.Contains(c.Removed, name) {
				continue
			}
			if is[name] && rand.IntN(2) == 0 {
				c.Removed = append(c.Removed, name)
			} else {
				c.Put = append(c.Put, newSite(name, "192.0.2.1"))
			}
			is[name] = !slices.Contains(c.Removed, name)
		}
		if !e.Change(c) {
			t.Fatal("Expected the change to be made")
		}
		var want []string
		for name, there := range is {
			if there {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		if got := inParts(t, e, q); !slices.Equal(got, want) {
			t.Fatalf("Round %d: Expected %v, got %v", round, want, got)
		}
	}
}

// inParts returns the names in all parts of a list. They have to be in order.
func inParts(t *testing.T, e *engine.Engine, q api.StateQuery) (names []string) {
	t.Helper()
	for {
		part, next := e.States(q)
		if len(part) > q.Limit || next != "" && (len(part) < q.Limit || next != part[len(part)-1].Site) {
			t.Errorf("%+v: Expected a part of %d, got %d and '%s'", q, q.Limit, len(part), next)
		}
		for _, s := range part {
			if len(names) > 0 && strings.Compare(names[len(names)-1], s.Site) >= 0 {
				t.Errorf("%+v: Expected the order of names, got %s behind %s", q, s.Site, names[len(names)-1])
			}
			names = append(names, s.Site)
		}
		if next == "" || len(part) == 0 {
			return names
		}
		q.Cursor = next
	}
}
