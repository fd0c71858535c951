package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// faultsOf are what an error says to be wrong, one by one.
func faultsOf(err error) (all []string) {
	var faults api.Faults
	if !errors.As(err, &faults) {
		if err != nil {
			all = append(all, err.Error())
		}
		return all
	}
	for _, fault := range faults {
		all = append(all, fault.Error())
	}
	return all
}

// TestCheckSaysAllThatIsWrong at once, and changes nothing.
func TestCheckSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	his := storedObject("his", "ttl 60s")
	his.Customer = "acme"
	c, e := stored(t, t.TempDir(), his, storedObject("ours"))
	i := e.Resources().Identities
	plan := api.PlanRequest{Guardrails: api.Guardrails{MinTTL: api.Seconds(30 * time.Second)}}
	_, err := i.PutPlan(ctx, "basic", plan, api.NoVersion, alice)
	must(t, err)
	_, err = i.PutCustomer(ctx, "acme", api.CustomerRequest{Plan: "basic"}, api.WhateverVersion, alice)
	must(t, err)
	texts := func(texts ...string) api.DraftTexts {
		return api.DraftTexts{Sources: []api.Source{{Name: "-", Text: strings.Join(texts, "\n")}}}
	}

	reader := ofAcme
	reader.Role = site.RoleCustomerReadonly
	for _, who := range []api.Caller{ofAcme, reader, alice} {
		checked, err := c.Check(ctx, texts(aSite("his", "ttl 90s")), who)
		if err != nil || checked != (api.Checked{Base: 1, Changes: 1}) {
			t.Errorf("%s: Expected one good change, got %+v, %v", who.Name, checked, err)
		}
	}
	if checked, err := c.Check(ctx, texts(his.Text), ofAcme); err != nil || checked != (api.Checked{Base: 1}) {
		t.Errorf("Expected no change, got %+v, %v", checked, err)
	}

	_, err = c.Check(ctx, texts(
		strings.Replace(aSite("a.his", "ttl 60s"), " {", " class none {", 1),
		strings.Replace(aSite("b.his"), "b.his.example.org {", "b.his.example.org ours.example.org {", 1),
		aSite("c.his", "ttl 20s diverted 30s min 15s"),
		aSite("d.new", "ttl 60s"),
	), ofAcme)
	want := []string{
		"store/site/a.his.example.org@0:1 - Error during parsing: unknown class 'none': define it with 'class none { ... }'",
		"site 'b.his.example.org' does not go with what there is already: its names or hosts are taken, or lead to each other",
		"store/site/c.his.example.org@0:7 - Error during parsing: ttl '20s' is below 30s, the least of the plan",
		"not a valid request: publishing site 'a.his.example.org', site 'b.his.example.org', site 'c.his.example.org', site 'd.new.example.org': customer 'acme' has no proved claim to 'd.new.example.org'",
	}
	if got := faultsOf(err); !slices.Equal(got, want) {
		t.Errorf("Expected\n%s\ngot\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}

	both := texts(aSite("ours", "ttl 60s"))
	both.Sources[0].Customer = "none"
	both.Removed = []api.Named{{Kind: site.ObjectSite, Name: "his.example.org"}}
	want = []string{"site 'ours.example.org': customer: customer 'none' is not there: make one by 'cdnctl customer put'"}
	if _, err = c.Check(ctx, both, alice); !slices.Equal(faultsOf(err), want) {
		t.Errorf("Expected %q, got %v", want, faultsOf(err))
	}
	wantDraft(t, c, "")
	history, err := c.History(ctx, 10, alice)
	must(t, err)
	if history.Newest != 1 {
		t.Errorf("Expected no new revision, got %+v", history)
	}
}

// TestCheckOfManySites is one request.
func TestCheckOfManySites(t *testing.T) {
	const many = 10_000
	ctx := context.Background()
	his := storedObject("his")
	his.Customer = "acme"
	c, e := stored(t, t.TempDir(), his)
	customers(t, e.Resources(), "acme")
	var all strings.Builder
	for i := range many {
		all.WriteString(aSite(fmt.Sprintf("s%d.his", i)) + "\n")
	}
	began := time.Now()
	checked, err := c.Check(ctx, api.DraftTexts{Sources: []api.Source{{Text: all.String()}}}, ofAcme)
	if err != nil || checked.Changes != many {
		t.Errorf("Expected %d good changes, got %+v, %v", many, checked, err)
	}
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("Expected an answer within the time that a request has, got %s", took)
	}
	t.Logf("%d sites were checked in %s", many, time.Since(began))
}
