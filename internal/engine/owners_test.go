package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// saying puts a text that says whose it is.
func saying(c api.Configuration, who api.Caller, customer, text string) error {
	_, err := c.PutDraft(context.Background(), api.DraftTexts{Sources: []api.Source{{Name: "-", Text: text, Customer: customer}}}, who)
	return err
}

// customers makes them.
func customers(t *testing.T, r api.Resources, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := r.Identities.PutCustomer(context.Background(), name, api.CustomerRequest{}, api.WhateverVersion, alice)
		must(t, err)
	}
}

// TestAnOperatorPublishesForCustomers who are there, and a customer for himself alone.
func TestAnOperatorPublishesForCustomers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, e := stored(t, t.TempDir(), storedObject("ours"))
	customers(t, e.Resources(), "acme", "other")

	refused(t, saying(c, alice, "none", aSite("his")), "site 'his.example.org': customer: customer 'none' is not there: make one by 'cdnctl customer put'")
	refused(t, saying(c, ofAcme, "other", aSite("his")), "site 'his.example.org': customer: customer 'other' is not yours: leave it out, or write 'acme'")
	wantDraft(t, c, "")

	publish := func(who api.Caller) {
		t.Helper()
		_, err := c.Publish(ctx, api.PublishRequest{Why: "x"}, who)
		must(t, err)
	}
	must(t, saying(c, alice, "acme", aSite("his")))
	publish(alice)
	must(t, saying(c, ofAcme, "acme", aSite("his", " ttl 10s")))
	publish(ofAcme)
	must(t, saying(c, alice, "", aSite("his", " ttl 20s")))
	publish(alice)
	objects, err := c.Objects(ctx, site.ObjectSite, "his.example.org", alice)
	must(t, err)
	if o := objects.Objects[0]; o.Customer != "acme" || o.Revision != 4 {
		t.Errorf("Expected acme's site, got %+v", o)
	}
}

// TestADiffSaysThatASiteIsHandedOver though its text stays.
func TestADiffSaysThatASiteIsHandedOver(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	his := storedObject("his")
	his.Customer = "acme"
	c, e := stored(t, t.TempDir(), his)
	customers(t, e.Resources(), "acme", "other")
	must(t, saying(c, alice, "other", aSite("his")))
	draft, err := c.Draft(ctx, alice)
	must(t, err)
	diff, err := c.Diff(ctx, api.PointPublished, api.PointDraft, alice)
	must(t, err)
	for what, changes := range map[string][]api.Change{"draft": draft.Changes, "diff": diff.Changes} {
		if len(changes) != 1 || changes[0].CustomerBefore != "acme" || changes[0].CustomerAfter != "other" || changes[0].Before != changes[0].After {
			t.Errorf("%s: Expected the site to be handed over, got %+v", what, changes)
		}
	}
}

// TestADocumentOfNobody is located at its field.
func TestADocumentOfNobody(t *testing.T) {
	t.Parallel()
	c, e := stored(t, t.TempDir(), storedObject("ours"))
	w := aWrite(t, "his")
	w.Object.Customer = "none"
	_, err := e.Resources().Documents.PutDocument(context.Background(), w, alice)
	var faults api.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Error() != "body.customer: customer 'none' is not there: make one by 'cdnctl customer put'" {
		t.Errorf("Expected one fault at body.customer, got %v", err)
	}
	wantDraft(t, c, "")
}
