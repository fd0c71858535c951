package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func TestCustomers(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		_, err := v.PutCustomer(t.Context(), store.Customer{Name: "acme", Plan: "basic"})
		expect(t, err, store.ErrInvalid, "writing customer 'acme': plan 'basic': not found")
		_, err = v.PutPlan(t.Context(), store.Plan{Name: "basic"})
		must(t, err)
		made, err := v.PutCustomer(t.Context(), store.Customer{Name: "acme", Title: "Acme Inc", Plan: "basic"})
		must(t, err)
		if since := time.Since(made.Created); since < -time.Minute || since > time.Minute {
			t.Errorf("Expected it to be made just now, got %v", made.Created)
		}
		want := store.Customer{Name: "acme", Title: "Acme Inc", Plan: "basic", Created: made.Created, Version: 1}
		equal(t, "A new customer", made, want)
		_, err = v.PutCustomer(t.Context(), store.Customer{Name: "acme"})
		expect(t, err, store.ErrConflict, "writing customer 'acme': customer 'acme' is there already")
		want.Title, want.Version = "Acme Ltd", 2
		made.Title = want.Title
		changed, err := v.PutCustomer(t.Context(), made)
		must(t, err)
		equal(t, "A changed customer", changed, want)
		_, err = v.PutCustomer(t.Context(), made)
		expect(t, err, store.ErrConflict, "writing customer 'acme': customer 'acme' has version 2, and the change was made on version 1: it was changed meanwhile")
		_, err = v.PutCustomer(t.Context(), store.Customer{Name: "none", Version: 1})
		expect(t, err, store.ErrNotFound, "writing customer 'none': customer 'none': not found")
		want.Title, want.Plan, want.Version = "", "", 3
		_, err = v.PutCustomer(t.Context(), store.Customer{Name: "acme", Version: store.Whatever})
		must(t, err)
		found, err := v.Customer(t.Context(), "acme")
		must(t, err)
		equal(t, "The customer", found, want)
		for name, words := range map[string]string{
			"":     "writing customer '': '' is no name of a customer: it has 1 to 100 letters, digits and ._-@+",
			"a b":  "writing customer 'a b': 'a b' is no name of a customer: it has 1 to 100 letters, digits and ._-@+",
			"\xff": "",
		} {
			_, err = v.PutCustomer(t.Context(), store.Customer{Name: name})
			expect(t, err, store.ErrInvalid, words)
		}
		_, err = v.PutCustomer(t.Context(), store.Customer{Name: "x", Title: "a\nb"})
		expect(t, err, store.ErrInvalid, `writing customer 'x': title "a\nb" is no line of text in UTF-8`)
	})
}

// TestCustomersDifferInMoreThanCapitals, whether they are closed or not.
func TestCustomersDifferInMoreThanCapitals(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		newCustomers(t, s, "Acme-1")
		for _, version := range []int64{0, store.Whatever} {
			_, err := v.PutCustomer(t.Context(), store.Customer{Name: "aCME-1", Version: version})
			expect(t, err, store.ErrConflict, "writing customer 'aCME-1': customer 'Acme-1' is there already, and 'aCME-1' differs from it in capitals only: take another name")
		}
		_, err := v.PutCustomer(t.Context(), store.Customer{Name: "Acme-1", Title: "changed", Version: store.Whatever})
		must(t, err)
		must(t, v.CloseCustomer(t.Context(), "Acme-1", store.Whatever))
		_, err = v.PutCustomer(t.Context(), store.Customer{Name: "acme-1"})
		expect(t, err, store.ErrConflict, "writing customer 'acme-1': customer 'Acme-1' is there already, and 'acme-1' differs from it in capitals only: take another name")
		customers, err := v.Customers(t.Context(), "", 0)
		must(t, err)
		equal(t, "Customers", len(customers), 0)
	})
}

func TestCustomersAreListedByPages(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "delta", "alpha", "carol", "bravo")
		must(t, operator(s).CloseCustomer(t.Context(), "carol", store.Whatever))
		var pages []string
		for after := ""; ; {
			customers, err := operator(s).Customers(t.Context(), after, 2)
			must(t, err)
			if len(customers) == 0 {
				break
			}
			var names []string
			for _, c := range customers {
				names = append(names, c.Name)
			}
			after = names[len(names)-1]
			pages = append(pages, strings.Join(names, " "))
		}
		equal(t, "The pages", strings.Join(pages, "|"), "alpha bravo|delta")
	})
}

func TestClosingACustomer(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		newCustomers(t, s, "acme", "other")
		token, _ := newToken(t, s, "admin@acme")
		publish(t, v, 0, siteOf("www.acme.example", "acme"), site.Object{Kind: site.ObjectOrigin, Name: "fra", Customer: "acme", Text: "origin fra"},
			siteOf("www.other.example", "other"))
		expect(t, v.CloseCustomer(t.Context(), "acme", 1), store.ErrConflict,
			"closing customer 'acme': there are still origin 'fra', site 'www.acme.example' of his")
		publish(t, v, 1, site.Object{Kind: site.ObjectSite, Name: "www.acme.example"}, site.Object{Kind: site.ObjectOrigin, Name: "fra"})
		expect(t, v.CloseCustomer(t.Context(), "acme", 7), store.ErrConflict, "")
		draft(t, s.As(store.Viewer{Name: "admin@acme", Customer: "acme"}), 2, siteOf("new.acme.example", ""))
		must(t, v.CloseCustomer(t.Context(), "acme", 1))
		expect(t, v.CloseCustomer(t.Context(), "acme", store.Whatever), store.ErrNotFound, "closing customer 'acme': customer 'acme': not found")

		c, err := v.Customer(t.Context(), "acme")
		must(t, err)
		_, err = s.Authenticate(t.Context(), token)
		expect(t, err, store.ErrToken, "")
		u, err := v.User(t.Context(), "admin@acme")
		must(t, err)
		if c.Closed.IsZero() || u.Closed.IsZero() || c.Version != 2 || u.Version != 2 {
			t.Errorf("Expected the customer and his user to be closed, got %+v, %+v", c, u)
		}
		_, _, err = s.As(store.Viewer{Name: "admin@acme", Customer: "acme"}).Draft(t.Context())
		expect(t, err, store.ErrNotFound, "")

		at := c.Closed.Format(time.RFC3339)
		_, err = v.PutCustomer(t.Context(), store.Customer{Name: "acme", Version: store.Whatever})
		expect(t, err, store.ErrConflict, "writing customer 'acme': customer 'acme' was closed at "+at+": the name is not used again")
		_, err = v.PutUser(t.Context(), store.User{Name: "new@acme", Customer: "acme", Role: site.RoleCustomerAdmin})
		expect(t, err, store.ErrConflict, "writing user 'new@acme': customer 'acme' was closed at "+at+": the name is not used again")
		_, err = v.Publish(t.Context(), store.Publication{Base: 2, Objects: []site.Object{siteOf("www.acme.example", "acme")}})
		expect(t, err, store.ErrConflict, "publishing site 'www.acme.example': customer 'acme' was closed at "+at+": the name is not used again")
		if others, err := v.User(t.Context(), "admin@other"); err != nil || !others.Closed.IsZero() {
			t.Errorf("Expected another customer's user to stay, got %+v, %v", others, err)
		}
	})
}

// TestACustomerIsClosedOrGetsASite: never both, when they come at once.
func TestACustomerIsClosedOrGetsASite(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		for i := range 20 {
			name := fmt.Sprint("c", i)
			newCustomers(t, s, name)
			var closed, published error
			var both sync.WaitGroup
			both.Go(func() { closed = operator(s).CloseCustomer(t.Context(), name, store.Whatever) })
			both.Go(func() {
				_, published = operator(s).Publish(t.Context(), store.Publication{Objects: []site.Object{siteOf("www."+name+".example", name)}})
			})
			both.Wait()
			if (closed == nil) == (published == nil) {
				t.Errorf("Expected one of them to be refused, got %v and %v", closed, published)
			}
		}
	})
}

func TestPlans(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		half := 0.5
		_, err := v.PutPlan(t.Context(), store.Plan{Name: "basic", Guardrails: site.Guardrails{MaxSites: -1, ProbeKinds: []string{"x"}}})
		expect(t, err, store.ErrInvalid, "writing plan 'basic': max_sites -1 is negative\n'x' is not a kind of probe")
		plan := store.Plan{Name: "basic", Title: "Basic", Currency: "EUR", Guardrails: site.Guardrails{MinTTL: 30 * time.Second, MaxShare: &half, Targets: []string{"bigcdn.example"}}}
		first, err := v.PutPlan(t.Context(), plan)
		must(t, err)
		_, err = v.PutPlan(t.Context(), plan)
		expect(t, err, store.ErrConflict, "writing plan 'basic': plan 'basic' is there already")
		plan.Version, plan.Guardrails.MaxSites = first.Version, 3
		second, err := v.PutPlan(t.Context(), plan)
		must(t, err)
		if !second.Since.After(first.Since) {
			t.Errorf("Expected a later version, got %v after %v", second.Since, first.Since)
		}
		_, err = v.PutPlan(t.Context(), plan)
		expect(t, err, store.ErrConflict, "")
		_, err = v.PutPlan(t.Context(), store.Plan{Name: "all", Version: store.Whatever})
		must(t, err)
		found, err := v.Plan(t.Context(), "basic")
		must(t, err)
		share := *found.Guardrails.MaxShare
		found.Guardrails.MaxShare, plan.Guardrails.MaxShare = nil, nil
		plan.Since, plan.Version = second.Since, second.Version
		equal(t, "The plan", found, plan)
		equal(t, "Its share", share, half)
		plans, err := v.Plans(t.Context(), "", 0)
		must(t, err)
		equal(t, "Plans", fmt.Sprint(len(plans), plans[0].Name, plans[1].Name), "2allbasic")
		plans, err = v.Plans(t.Context(), "all", 1)
		must(t, err)
		equal(t, "The second page", plans[0].Version, second.Version)
		var versions int64
		must(t, s.Ask(t.Context(), &versions, "SELECT COUNT(*) FROM plans WHERE name = 'basic'"))
		equal(t, "Versions that are on record", versions, 2)
	})
}

// TestPlansAfterAClockWasSetBack have new versions all the same.
func TestPlansAfterAClockWasSetBack(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		_, err := v.PutPlan(t.Context(), store.Plan{Name: "basic"})
		must(t, err)
		must(t, s.Do(t.Context(), "UPDATE plans SET since = since + 3600000000"))
		before, err := v.Plan(t.Context(), "basic")
		must(t, err)
		after, err := v.PutPlan(t.Context(), store.Plan{Name: "basic", Title: "new", Version: before.Version})
		must(t, err)
		equal(t, "The next version", fmt.Sprint(after.Version-before.Version, " ", after.Title), "1 new")
	})
}
