package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// planned is a store in which acme has a site, and a plan.
func planned(t *testing.T, g api.Guardrails, objects ...site.Object) (api.Configuration, api.Resources) {
	t.Helper()
	ctx := context.Background()
	his := storedObject("his", "ttl 60s")
	his.Customer = "acme"
	c, e := stored(t, t.TempDir(), append(objects, his)...)
	r := e.Resources()
	_, err := r.Identities.PutPlan(ctx, "basic", api.PlanRequest{Guardrails: g}, api.NoVersion, alice)
	must(t, err)
	_, err = r.Identities.PutCustomer(ctx, "acme", api.CustomerRequest{Plan: "basic"}, api.WhateverVersion, alice)
	must(t, err)
	return c, r
}

// TestWhatAPlanDoesNotAllowIsLocated at the fields of the document, all at once.
func TestWhatAPlanDoesNotAllowIsLocated(t *testing.T) {
	t.Parallel()
	_, r := planned(t, api.Guardrails{
		MinTTL: api.Seconds(30 * time.Second), MinFailbackDelay: api.Seconds(5 * time.Minute), MaxSites: 1,
		ProbeKinds: []string{"tcp"}, Targets: []string{"cdn.example"},
	}, site.Object{Kind: site.ObjectClass, Name: "short", Text: "class short {\n\tfailback_delay 10s\n}"})
	doc, err := document.Read(strings.Replace(aSite("a.his", "ttl 20s diverted 30s min 15s"), " {", " class short {", 1))
	must(t, err)
	o, err := document.Object(doc)
	must(t, err)
	_, err = r.Documents.PutDocument(context.Background(), api.DocumentWrite{Object: o, Document: doc, Wants: api.WhateverVersion, Why: "x"}, ofAcme)
	want := []string{
		"body.ttl.full: ttl '20s' is below 30s, the least of the plan",
		"body.class: failback_delay '10s' is below 5m0s, the least of the plan",
		"body.probes[0].kind: probe kind 'http' is not in the plan, which has tcp",
		"body.cdns[0].target: target 'edge.example.net' of cdn 'edge' is not in the plan, which has cdn.example and what is below",
	}
	if got := faultsOf(err); !slices.Equal(got, want) {
		t.Errorf("Expected\n%s\ngot\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	_, err = r.Documents.PutDocument(context.Background(), aWrite(t, "b.his", "ttl 60s"), ofAcme)
	want = []string{
		"body.failback_delay: failback_delay '2m0s' is below 5m0s, the least of the plan",
	}
	if got := faultsOf(err); len(got) == 0 || got[0] != want[0] {
		t.Errorf("Expected %q first, got\n%s", want, strings.Join(got, "\n"))
	}
}

// TestTooManySitesAreLocated at the name of the one that has no room.
func TestTooManySitesAreLocated(t *testing.T) {
	t.Parallel()
	_, r := planned(t, api.Guardrails{MaxSites: 1})
	_, err := r.Documents.PutDocument(context.Background(), aWrite(t, "a.his"), ofAcme)
	want := "body.name: site 'a.his.example.org' would be number 2, and the plan has 1"
	if got := faultsOf(err); !slices.Equal(got, []string{want}) {
		t.Errorf("Expected %q, got %q", want, got)
	}
}

// TestManyWritersMakeNoMoreSitesThanThePlanHas, by documents of their own.
func TestManyWritersMakeNoMoreSitesThanThePlanHas(t *testing.T) {
	t.Parallel()
	const writers, most = 50, 10
	ctx := context.Background()
	c, r := planned(t, api.Guardrails{MaxSites: most})
	var made atomic.Int64
	var all sync.WaitGroup
	for i := range writers {
		w := aWrite(t, fmt.Sprintf("s%d.his", i))
		all.Go(func() {
			_, err := r.Documents.PutDocument(ctx, w, ofAcme)
			var faults api.Faults
			switch {
			case err == nil:
				made.Add(1)
			case !errors.As(err, &faults) || !strings.HasSuffix(err.Error(), "would be number 11, and the plan has 10"):
				t.Errorf("Expected that there is no room, got %v", err)
			}
		})
	}
	all.Wait()
	objects, err := c.Objects(ctx, site.ObjectSite, "", ofAcme)
	must(t, err)
	if made.Load() != most-1 || len(objects.Objects) != most {
		t.Errorf("Expected %d new sites of %d, got %d of %d", most-1, most, made.Load(), len(objects.Objects))
	}
}

// TestACustomerNamesNoServiceOfAnothers: what he names is read with the operator's key,
// and counts for all.
func TestACustomerNamesNoServiceOfAnothers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, r := planned(t, api.Guardrails{Services: []string{"big/shared"}}, site.Object{
		Kind: site.ObjectCDN, Name: "big", Text: "cdn big {\n\tfeed load json https://big.example/{service}/load load\n\tthreshold load 5\n}",
	})
	with := func(service, ttl string) api.DocumentWrite {
		return aWrite(t, "his", "ttl "+ttl, "cdn big www.big.example service "+service)
	}
	_, err := r.Documents.PutDocument(ctx, with("foreign", "60s"), ofAcme)
	want := []string{"body.cdns[1].service: service 'foreign' of cdn 'big' is not in the plan, which has big/shared: an operator may name it for the site"}
	if got := faultsOf(err); !slices.Equal(got, want) {
		t.Errorf("Expected %q, got %q", want, got)
	}
	for _, w := range []struct {
		who   api.Caller
		write api.DocumentWrite
	}{{ofAcme, with("shared", "60s")}, {alice, with("c0001", "60s")}, {ofAcme, with("c0001", "90s")}} {
		_, err := r.Documents.PutDocument(ctx, w.write, w.who)
		must(t, err)
	}
	_, err = c.PutDraft(ctx, api.DraftTexts{Sources: []api.Source{{Text: with("foreign", "60s").Object.Text}}}, ofAcme)
	refused(t, err, "service 'foreign' of cdn 'big' is not in the plan")
}
