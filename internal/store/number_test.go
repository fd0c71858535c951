package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// bounded has acme have a plan with so many sites. He has one.
func bounded(t *testing.T, s *store.Store, most int) *store.View {
	t.Helper()
	_, err := operator(s).PutPlan(t.Context(), store.Plan{Name: "few", Guardrails: site.Guardrails{MaxSites: most}, Version: store.Whatever})
	must(t, err)
	_, err = operator(s).PutCustomer(t.Context(), store.Customer{Name: "acme", Plan: "few", Version: store.Whatever})
	must(t, err)
	return customer(s, "acme")
}

func publishing(v *store.View, t *testing.T, base int64, objects ...site.Object) error {
	_, err := v.Publish(t.Context(), store.Publication{Base: base, Objects: objects, Claims: ownNames(objects)})
	return err
}

// TestWritersAtOnceMakeNoMoreSitesThanThePlanHas though each sees room.
func TestWritersAtOnceMakeNoMoreSitesThanThePlanHas(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		const writers, most = 50, 10
		tenants(t, s)
		acme := bounded(t, s, most)
		var made atomic.Int64
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				err := publishing(acme, t, 2, siteOf(fmt.Sprintf("s%d.acme.example", i), ""))
				many := new(store.TooMany)
				switch {
				case err == nil:
					made.Add(1)
				case !errors.As(err, &many) || many.Number != most+1:
					t.Errorf("Expected that there is no room, got %v", err)
				}
			})
		}
		all.Wait()
		equal(t, "New sites", made.Load(), int64(most-1))
		n, err := acme.CountSites(t.Context(), "acme")
		must(t, err)
		equal(t, "All sites", n, most)
	})
}

// TestThePlanCountsWhatComesAndGoes in one publication, and in a draft.
func TestThePlanCountsWhatComesAndGoes(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		acme := bounded(t, s, 2)
		a, b, c := siteOf("a.acme.example", ""), siteOf("b.acme.example", ""), siteOf("c.acme.example", "")
		gone := site.Object{Kind: site.ObjectSite, Name: "www.acme.example"}
		err := publishing(acme, t, 2, a, b, c)
		expect(t, err, store.ErrInvalid, "publishing site 'a.acme.example', site 'b.acme.example', site 'c.acme.example': site 'b.acme.example' would be number 3, and the plan has 2 (as would be 1 more)")
		must(t, acme.DropDraft(t.Context()))
		_, err = acme.DraftWith(t.Context(), 0, a, b)
		expect(t, err, store.ErrInvalid, "writing the draft: site 'b.acme.example' would be number 3, and the plan has 2")
		_, err = acme.DraftWith(t.Context(), 0, a, b, gone)
		must(t, err)
		must(t, publishing(acme, t, 2, gone, a, b))

		bounded(t, s, 1) // he has two, which stay
		must(t, publishing(acme, t, 3, siteOf("a.acme.example", "", "changed")))
		expect(t, publishing(acme, t, 4, c), store.ErrInvalid, "publishing site 'c.acme.example': site 'c.acme.example' would be number 3, and the plan has 1")
		unproved := siteOf("x.example", "")
		expect(t, publishing(acme, t, 4, unproved), store.ErrInvalid,
			"publishing site 'x.example': site 'x.example' would be number 3, and the plan has 1\ncustomer 'acme' has no proved claim to 'x.example'")
		c.Customer = "acme"
		must(t, publishing(operator(s), t, 4, c))
	})
}
