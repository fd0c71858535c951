package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// sitesBelow are texts of sites of acme's, of which each has something wrong.
func sitesBelow(name string, n int) (texts api.DraftTexts) {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "site s%d.%s.example.org class none\n", i, name)
	}
	texts.Sources = []api.Source{{Text: all.String()}}
	return texts
}

// TestACustomersObjectsAreBounded by his plan, or without one: that they are too many is
// said alone. Operators have as many as they like.
func TestACustomersObjectsAreBounded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, r := planned(t, api.Guardrails{MaxSites: 2000})
	reader := ofAcme
	reader.Role = site.RoleCustomerReadonly
	wants := func(n int, want ...string) {
		t.Helper()
		_, admins := c.Check(ctx, sitesBelow("his", n), ofAcme)
		_, readers := c.Check(ctx, sitesBelow("his", n), reader)
		_, drafted := c.PutDraft(ctx, sitesBelow("his", n), ofAcme)
		for what, err := range map[string]error{"check": admins, "check by who only reads": readers, "draft": drafted} {
			switch got := faultsOf(err); {
			case want == nil && len(got) < n:
				t.Errorf("Expected the %s of %d sites to say what is wrong with each, got %d faults, %.100q", what, n, len(got), got)
			case want != nil && !slices.Equal(got, want):
				t.Errorf("Expected the %s of %d sites to say %q, got %.100q", what, n, want, got)
			}
		}
	}
	wants(1999)
	wants(2001, "not a valid request: these are 2001 sites, and the plan has 2000")
	_, err := c.Check(ctx, sitesBelow("ours", 2001), alice)
	if got := len(faultsOf(err)); got < 2001 {
		t.Errorf("Expected an operator to be told of each, got %d", got)
	}

	_, err = r.Identities.PutPlan(ctx, "basic", api.PlanRequest{}, api.WhateverVersion, alice)
	must(t, err)
	wants(2001)
	wants(20_001, "not a valid request: these are 20001 objects, and 20000 at once are possible")
}

// TestADraftInPartsIsBounded as one that is put at once.
func TestADraftInPartsIsBounded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, _ := planned(t, api.Guardrails{})
	put := func(name string, n int) error {
		var all strings.Builder
		for i := range n {
			all.WriteString(aSite(fmt.Sprintf("%s%d.his", name, i)) + "\n")
		}
		_, err := c.PutDraft(ctx, api.DraftTexts{Sources: []api.Source{{Text: all.String()}}}, ofAcme)
		return err
	}
	must(t, put("a", 10_001))
	refused(t, put("b", 10_000), "with what is in the draft: not a valid request: these are 20001 objects, and 20000 at once are possible")
}
