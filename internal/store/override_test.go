package store_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func freeze(id string) site.Override {
	return site.Override{ID: id, Scope: site.ScopeAll, Action: site.OverrideFreeze, Until: time.Now().Add(time.Hour)}
}

func TestOverrides(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		set, err := v.SetOverride(t.Context(), site.Override{Scope: site.ScopeSite, Name: "www.example.org", Action: site.OverrideShare, CDN: "edge",
			Share: 0.25, Reason: "a test", Until: time.Now().Add(time.Hour), Local: true})
		must(t, err)
		if set.ID == "" || set.Owner != "ann" || set.Since.IsZero() || set.Local {
			t.Errorf("Expected an ID, an owner and a time, and not to be local any more, got %+v", set)
		}
		all, err := s.Overrides(t.Context())
		must(t, err)
		equal(t, "The overrides", all, []site.Override{set})

		set.Action, set.Owner = site.OverrideOrigin, "cem"
		_, err = v.SetOverride(t.Context(), set)
		must(t, err)
		all, err = s.Overrides(t.Context())
		must(t, err)
		equal(t, "After the same once more", all, []site.Override{set})

		over := freeze("over")
		over.Until = time.Now().Add(-time.Hour)
		_, err = v.SetOverride(t.Context(), over)
		must(t, err)
		must(t, v.ClearOverride(t.Context(), set.ID))
		all, err = s.Overrides(t.Context())
		must(t, err)
		equal(t, "After one is cleared and the other over", len(all), 0)
		for _, id := range []string{set.ID, "over", "none"} {
			expect(t, v.ClearOverride(t.Context(), id), store.ErrNotFound, "clearing override '"+id+"': not found")
		}
		_, err = v.SetOverride(t.Context(), set)
		expect(t, err, store.ErrConflict, "setting override '"+set.ID+"': it was cleared: it was changed meanwhile")
	})
}

func TestOverridesThatAreRefused(t *testing.T) {
	s := open(t, sqliteConfig(t))
	for _, c := range []struct {
		change func(*site.Override)
		text   string
	}{
		{func(o *site.Override) { o.Scope = "zone" }, "unknown scope 'zone'"},
		{func(o *site.Override) { o.Action = "" }, "unknown action ''"},
		{func(o *site.Override) { o.Name = "x" }, "'x' is no name of scope all"},
		{func(o *site.Override) { o.Scope = site.ScopeSite }, "'' is no name of scope site"},
		{func(o *site.Override) { o.Share = 1.5 }, "share 1.5 is not from 0 to 1"},
		{func(o *site.Override) { o.Share = math.NaN() }, "share NaN is not from 0 to 1"},
		{func(o *site.Override) { o.Until = time.Time{} }, "an override needs an end"},
		{func(o *site.Override) { o.Reason = "\xff" }, `the override: "o1ann\xff" is no text in UTF-8`},
	} {
		o := freeze("o1")
		c.change(&o)
		_, err := operator(s).SetOverride(t.Context(), o)
		expect(t, err, store.ErrInvalid, "setting an override: "+c.text)
	}
}

func TestSeedIsMadeOnce(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		first, err := s.Seed(t.Context(), "")
		must(t, err)
		second, err := s.Seed(t.Context(), "another")
		must(t, err)
		if first == "" || first != second {
			t.Errorf("Expected one seed, got %q and %q", first, second)
		}
	})
	contract(t, func(t *testing.T, s *store.Store) {
		seed, err := s.Seed(t.Context(), "mine")
		must(t, err)
		equal(t, "A seed that was given", seed, "mine")
	})
}

func TestServersReport(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		must(t, s.Report(t.Context(), store.Server{Name: "ns2", Version: "1"}))
		full := store.Server{Name: "ns1", Version: "2", Schema: 1, Revision: 7, Held: 8, Refused: 3, Alone: true, Decides: true}
		must(t, s.Report(t.Context(), store.Server{Name: "ns1"}))
		must(t, s.Report(t.Context(), full))
		servers, err := s.Servers(t.Context())
		must(t, err)
		if len(servers) != 2 || servers[0].Seen.IsZero() || servers[0].Ago < 0 || servers[0].Ago > generous || servers[1].Name != "ns2" {
			t.Fatalf("Expected two servers that were just seen, got %+v", servers)
		}
		full.Seen, full.Ago = servers[0].Seen, servers[0].Ago
		equal(t, "The first", fmt.Sprint(servers[0]), fmt.Sprint(full))
	})
}
