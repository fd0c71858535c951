package engine_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

var (
	ofAcme  = api.Caller{Name: "bob", Role: site.RoleCustomerAdmin, Customer: "acme"}
	ofOther = api.Caller{Name: "eve", Role: site.RoleCustomerAdmin, Customer: "other"}
)

func TestACustomerHasADraftOfHisOwn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	his := storedObject("his")
	his.Customer = "acme"
	c, e := stored(t, t.TempDir(), his, storedObject("ours"))
	texts := api.DraftTexts{Sources: []api.Source{{Name: "-", Text: aSite("his", " ttl 10s")}}}
	if _, err := c.PutDraft(ctx, texts, ofOther); err == nil || strings.Contains(err.Error(), "acme") {
		t.Errorf("Expected the other customer not to get at the site, got %v", err)
	}
	_, err := c.PutDraft(ctx, texts, ofAcme)
	must(t, err)
	_, err = c.Publish(ctx, api.PublishRequest{Why: "a test"}, ofAcme)
	must(t, err)
	for who, want := range map[api.Caller]int{ofAcme: 1, ofOther: 0, alice: 2} {
		objects, err := c.Objects(ctx, "", "", who)
		must(t, err)
		history, err := c.History(ctx, 10, who)
		must(t, err)
		if len(objects.Objects) != want || len(history.Revisions) > 0 != (want > 0) {
			t.Errorf("%s: Expected %d objects and their history, got %+v, %+v", who.Name, want, objects, history)
		}
	}
	if _, err := c.Objects(ctx, site.ObjectSite, "ours.example.org", ofAcme); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected nothing of the provider's, got %v", err)
	}
	x, err := e.Explain("his.example.org.", netip.Addr{})
	must(t, err)
	if x.Customer != "acme" {
		t.Errorf("Expected the site to know whose it is, got %q", x.Customer)
	}
}

// TestF41NobodyIsToldOfAnothersSite has somebody claim a name that is another's.
func TestF41NobodyIsToldOfAnothersSite(t *testing.T) {
	t.Parallel()
	his := storedObject("his")
	his.Customer = "acme"
	c, _ := stored(t, t.TempDir(), his)
	text := strings.Replace(aSite("mine"), "site mine.example.org", "site mine.example.org his.example.org", 1)
	texts := api.DraftTexts{Sources: []api.Source{{Name: "-", Text: text}}}
	for who, told := range map[api.Caller]bool{ofOther: false, ofAcme: true, alice: true} {
		_, err := c.PutDraft(context.Background(), texts, who)
		if !errors.Is(err, api.ErrInvalid) || strings.Contains(err.Error(), "his.example.org") != told {
			t.Errorf("%s: Expected to be told of the other site: %t, got %v", who.Name, told, err)
		}
	}
}

// TestAPlanBindsWhatACustomerPublishes, whichever way, and no operator.
func TestAPlanBindsWhatACustomerPublishes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	his := storedObject("his", "ttl 60s")
	his.Customer = "acme"
	c, e := stored(t, t.TempDir(), his)
	r := e.Resources()
	plan := api.PlanRequest{Guardrails: api.Guardrails{MinTTL: api.Seconds(30 * time.Second), MaxSites: 1, MinFailbackDelay: api.Seconds(time.Second)}}
	_, err := r.Identities.PutPlan(ctx, "basic", plan, api.NoVersion, alice)
	must(t, err)
	_, err = r.Identities.PutCustomer(ctx, "acme", api.CustomerRequest{Plan: "basic"}, api.WhateverVersion, alice)
	must(t, err)

	put := func(who api.Caller, texts ...string) error {
		_, err := c.PutDraft(ctx, api.DraftTexts{Sources: []api.Source{{Name: "-", Text: strings.Join(texts, "\n")}}}, who)
		return err
	}
	wants := func(what string, err error, want ...string) {
		t.Helper()
		var faults api.Faults
		if !errors.As(err, &faults) || len(faults) != len(want) {
			t.Fatalf("%s: Expected %q, got %v", what, want, err)
		}
		for i, fault := range faults {
			if !strings.HasSuffix(fault.Error(), want[i]) {
				t.Errorf("%s: Expected %q, got %v", what, want[i], fault)
			}
		}
	}
	short := []string{"@0:7 - Error during parsing: ttl '10s' is below 30s, the least of the plan", "ttl diverted '10s' is below 30s, the least of the plan", "ttl min '5s' is below 15s, the least of the plan"}
	wants("a draft", put(ofAcme, aSite("his", "ttl 10s")), short...)
	_, err = r.Documents.PutDocument(ctx, aWrite(t, "his", "ttl 10s"), ofAcme)
	var faults api.Faults
	if !errors.As(err, &faults) || !strings.Contains(faults[0].Error(), short[0][len("@0:7 - Error during parsing: "):]) {
		t.Errorf("a document: Expected %q, got %v", short[0], err)
	}
	wants("a second site", put(ofAcme, aSite("a.his", "ttl 60s")), "site 'a.his.example.org' would be number 2, and the plan has 1")
	must(t, put(ofAcme, aSite("his", "ttl 30s")))
	_, err = c.Publish(ctx, api.PublishRequest{Why: "x"}, ofAcme)
	must(t, err)
	must(t, put(alice, aSite("his", "ttl 10s")))
	_, err = c.Publish(ctx, api.PublishRequest{Why: "x"}, alice)
	must(t, err)
}
