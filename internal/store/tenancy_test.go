package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// tenants is a store with things of a customer, acme, and of the operator.
func tenants(t *testing.T, s *store.Store) {
	t.Helper()
	v := operator(s)
	publish(t, v, 0, siteOf("www.acme.example", "acme"), site.Object{Kind: site.ObjectOrigin, Name: "acme-fra", Customer: "acme", Text: "origin acme-fra"},
		site.Object{Kind: site.ObjectClass, Name: "web", Text: "class web"})
	publish(t, v, 1, siteOf("www.acme.example", "acme", "changed"), siteOf("www.example.org", ""))
	_, err := v.SetOverride(t.Context(), freeze("o1"))
	must(t, err)
	draft(t, customer(s, "acme"), 2, siteOf("new.acme.example", ""))
	draft(t, v, 2, siteOf("new.example.org", ""))
	_, err = v.PutPlan(t.Context(), store.Plan{Name: "basic"})
	must(t, err)
	newCustomers(t, s, "acme", "other")
	_, err = v.PutCustomer(t.Context(), store.Customer{Name: "acme", Plan: "basic", Version: 1})
	must(t, err)
	_, err = v.ClaimByWord(t.Context(), "acme", "acme.example")
	must(t, err)
	newUser(t, s, "ann", "", site.RoleOperator)
	newUser(t, s, "eve", "acme", site.RoleCustomerReadonly)
	decided := entry("www.acme.example", 1, noon)
	decided.Revision = 2
	must(t, s.Record(t.Context(), []store.Entry{decided}))
	begin(t, v, newOnboarding("begun.acme.example", "acme"))
	putSetups(t, s, newSetup("www.acme.example", "edge", "acme"))
}

// begunOf is the ID of the onboarding that tenants has begun.
func begunOf(t *testing.T, s *store.Store) string {
	t.Helper()
	list, err := operator(s).Onboardings(t.Context(), store.OnboardingQuery{Site: "begun.acme.example"})
	must(t, err)
	return list[0].ID
}

// found makes an empty answer of no error one of ErrNotFound: lists leave out
// what the viewer may not see.
func found(n int, err error) error {
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// TestTenancy has every method of a View, asked for what is acme's by acme,
// by another customer, by somebody without one, and by an operator; and by those of
// acme's and of the operators who may only read: what others write is refused to them.
func TestTenancy(t *testing.T) {
	const yes, no = true, false
	const reads, writes = false, true
	type call func(ctx context.Context, v *store.View) error
	var begun string // ID of an onboarding of acme's
	for _, c := range []struct {
		method                 string
		call                   call
		writes                 bool
		own, other, none, oper bool
	}{
		{"Object", func(ctx context.Context, v *store.View) error {
			_, err := v.Object(ctx, site.ObjectSite, "www.acme.example")
			return err
		}, reads, yes, no, no, yes},
		{"Object of a kind that only operators write", func(ctx context.Context, v *store.View) error {
			_, err := v.Object(ctx, site.ObjectOrigin, "acme-fra")
			return err
		}, reads, yes, no, no, yes},
		{"Object of the operator's", func(ctx context.Context, v *store.View) error {
			_, err := v.Object(ctx, site.ObjectClass, "web")
			return err
		}, reads, no, no, no, yes},
		{"Objects", func(ctx context.Context, v *store.View) error {
			_, objects, err := v.Objects(ctx, site.ObjectSite, "")
			return found(len(objects), err)
		}, reads, yes, no, no, yes},
		{"Objects of the operator's", func(ctx context.Context, v *store.View) error {
			_, objects, err := v.Objects(ctx, site.ObjectClass, "web")
			return found(len(objects), err)
		}, reads, no, no, no, yes},
		{"ObjectPage", func(ctx context.Context, v *store.View) error {
			_, objects, err := v.ObjectPage(ctx, store.ObjectQuery{Kind: site.ObjectSite, Prefix: "www.acme"})
			return found(len(objects), err)
		}, reads, yes, no, no, yes},
		{"ObjectPage of a customer's", func(ctx context.Context, v *store.View) error {
			_, objects, err := v.ObjectPage(ctx, store.ObjectQuery{Kind: site.ObjectSite, Customer: "acme"})
			return found(len(objects), err)
		}, reads, yes, no, no, yes},
		{"ObjectPage of the operator's", func(ctx context.Context, v *store.View) error {
			_, objects, err := v.ObjectPage(ctx, store.ObjectQuery{Kind: site.ObjectClass})
			return found(len(objects), err)
		}, reads, no, no, no, yes},
		{"Diff", func(ctx context.Context, v *store.View) error {
			differences, err := v.Diff(ctx, 1, 2)
			return found(len(differences), err)
		}, reads, yes, no, no, yes},
		{"History", func(ctx context.Context, v *store.View) error {
			revisions, err := v.History(ctx, 0, 0)
			return found(len(revisions), err)
		}, reads, yes, no, no, yes},
		{"Journal", func(ctx context.Context, v *store.View) error {
			entries, err := v.Journal(ctx, store.JournalQuery{})
			return found(len(entries), err)
		}, reads, yes, no, no, yes},
		{"Journal of a site", func(ctx context.Context, v *store.View) error {
			entries, err := v.Journal(ctx, store.JournalQuery{Site: "www.acme.example"})
			return found(len(entries), err)
		}, reads, yes, no, no, yes},
		{"Audit", func(ctx context.Context, v *store.View) error {
			entries, err := v.Audit(ctx, 0, 0)
			return found(len(entries), err)
		}, reads, yes, no, no, yes},
		{"Draft", func(ctx context.Context, v *store.View) error {
			_, _, err := v.Draft(ctx)
			return err
		}, reads, yes, no, no, yes},
		{"DiffDraft", func(ctx context.Context, v *store.View) error {
			_, _, err := v.DiffDraft(ctx)
			return err
		}, reads, yes, no, no, yes},
		{"PutDraft", func(ctx context.Context, v *store.View) error {
			_, err := v.PutDraft(ctx, 2, siteOf("www.acme.example", "", "drafted"))
			return err
		}, writes, yes, no, no, yes},
		{"DraftWith", func(ctx context.Context, v *store.View) error {
			_, err := v.DraftWith(ctx, 2, siteOf("www.acme.example", "", "drafted"))
			return err
		}, reads, yes, no, no, yes},
		{"Changed", func(ctx context.Context, v *store.View) error {
			changed, err := v.Changed(ctx, 2, siteOf("www.acme.example", "", "drafted"))
			return found(len(changed), err)
		}, reads, yes, no, no, yes},
		{"TryPublish", trial(siteOf("www.acme.example", "acme", "published")), reads, yes, no, no, yes},
		{"TryPublish over the operator's", trial(siteOf("www.example.org", "", "stolen")), reads, no, no, no, yes},
		{"DeleteDraft", func(ctx context.Context, v *store.View) error {
			return v.DeleteDraft(ctx, site.ObjectSite, "www.acme.example")
		}, writes, yes, no, no, yes},
		{"DeleteDraft of what is drafted alone", func(ctx context.Context, v *store.View) error {
			return v.DeleteDraft(ctx, site.ObjectSite, "new.acme.example")
		}, writes, yes, no, no, no},
		{"DropDraft", func(ctx context.Context, v *store.View) error { return v.DropDraft(ctx) }, writes, yes, no, no, yes},
		{"Publish", publication(siteOf("www.acme.example", "", "published")), writes, yes, no, no, yes},
		{"Publish for acme", publication(siteOf("x.acme.example", "acme")), writes, yes, no, no, yes},
		{"Publish a removal", publication(site.Object{Kind: site.ObjectSite, Name: "www.acme.example"}), writes, yes, no, no, yes},
		{"Publish over the operator's", publication(siteOf("www.example.org", "", "stolen")), writes, no, no, no, yes},
		{"Publish what only operators write", publication(site.Object{Kind: site.ObjectOrigin, Name: "acme-fra", Text: "origin acme-fra changed"}), writes, no, no, no, yes},
		{"Publish a draft", func(ctx context.Context, v *store.View) error {
			_, objects, err := v.Draft(ctx)
			if err == nil {
				_, err = v.Publish(ctx, store.Publication{Draft: true, Claims: ownNames(objects)})
			}
			return err
		}, writes, yes, no, no, yes},
		{"Publish what acme has not proved", func(ctx context.Context, v *store.View) error {
			err := publication(siteOf("www.unproved.example", "acme"))(ctx, v)
			if errors.Is(err, store.ErrInvalid) {
				err = store.ErrNotFound
			}
			return err
		}, writes, no, no, no, yes},
		{"Claims", func(ctx context.Context, v *store.View) error {
			claims, err := v.Claims(ctx, "acme", store.Claim{}, 0)
			return found(len(claims), err)
		}, reads, yes, no, no, yes},
		{"Claim", func(ctx context.Context, v *store.View) error {
			_, err := v.Claim(ctx, "acme", "acme.example")
			return err
		}, reads, yes, no, no, yes},
		{"BeginClaim", func(ctx context.Context, v *store.View) error {
			_, err := v.BeginClaim(ctx, "acme", "new.example")
			return err
		}, writes, yes, no, no, yes},
		{"ProveClaim", func(ctx context.Context, v *store.View) error {
			_, err := v.ProveClaim(ctx, "acme", "begun.example", tokenOfClaim)
			return err
		}, writes, yes, no, no, yes},
		{"ClaimByWord", func(ctx context.Context, v *store.View) error {
			_, err := v.ClaimByWord(ctx, "acme", "begun.example")
			return err
		}, writes, no, no, no, yes},
		{"ClaimByOnboarding", func(ctx context.Context, v *store.View) error {
			_, err := v.ClaimByOnboarding(ctx, site.Onboarding{ID: "one", Customer: "acme", Proof: site.ProofTXT}, "begun.example")
			return err
		}, writes, yes, no, no, yes},
		{"ReleaseClaim", func(ctx context.Context, v *store.View) error {
			return v.ReleaseClaim(ctx, "acme", "begun.example")
		}, writes, yes, no, no, no},
		{"Confirm", func(ctx context.Context, v *store.View) error { return v.Confirm(ctx, 2, "") }, writes, no, no, no, yes},
		{"SetOverride", func(ctx context.Context, v *store.View) error {
			_, err := v.SetOverride(ctx, freeze("o2"))
			return err
		}, writes, no, no, no, yes},
		{"Customer", func(ctx context.Context, v *store.View) error {
			_, err := v.Customer(ctx, "acme")
			return err
		}, reads, yes, no, no, yes},
		{"Customers", func(ctx context.Context, v *store.View) error {
			customers, err := v.Customers(ctx, "", 1)
			return found(slices.IndexFunc(customers, func(c store.Customer) bool { return c.Name == "acme" })+1, err)
		}, reads, yes, no, no, yes},
		{"PutCustomer", func(ctx context.Context, v *store.View) error {
			_, err := v.PutCustomer(ctx, store.Customer{Name: "acme", Version: store.Whatever})
			return err
		}, writes, no, no, no, yes},
		{"CloseCustomer", func(ctx context.Context, v *store.View) error {
			return v.CloseCustomer(ctx, "acme", store.Whatever)
		}, writes, no, no, no, yes},
		{"Plan", func(ctx context.Context, v *store.View) error {
			_, err := v.Plan(ctx, "basic")
			return err
		}, reads, yes, no, no, yes},
		{"Plans", func(ctx context.Context, v *store.View) error {
			plans, err := v.Plans(ctx, "", 0)
			return found(len(plans), err)
		}, reads, yes, no, no, yes},
		{"PutPlan", func(ctx context.Context, v *store.View) error {
			_, err := v.PutPlan(ctx, store.Plan{Name: "basic", Version: store.Whatever})
			return err
		}, writes, no, no, no, yes},
		{"User", func(ctx context.Context, v *store.View) error {
			_, err := v.User(ctx, "eve")
			return err
		}, reads, yes, no, no, yes},
		{"User who operates", func(ctx context.Context, v *store.View) error {
			_, err := v.User(ctx, "ann")
			return err
		}, reads, no, no, no, yes},
		{"Users", func(ctx context.Context, v *store.View) error {
			users, err := v.Users(ctx, "", 0)
			return found(slices.IndexFunc(users, func(u store.User) bool { return u.Name == "eve" })+1, err)
		}, reads, yes, no, no, yes},
		{"PutUser", func(ctx context.Context, v *store.View) error {
			_, err := v.PutUser(ctx, store.User{Name: "new", Customer: "acme", Role: site.RoleCustomerAdmin})
			return err
		}, writes, yes, no, no, yes},
		{"PutUser over one of acme's", func(ctx context.Context, v *store.View) error {
			u := store.User{Name: "eve", Role: site.RoleCustomerAdmin, Version: store.Whatever}
			_, err := v.PutUser(ctx, u) // as one of the viewer's own
			if errors.Is(err, store.ErrInvalid) {
				u.Customer = "acme" // an operator says whose
				_, err = v.PutUser(ctx, u)
			}
			return err
		}, writes, yes, no, no, yes},
		{"CloseUser", func(ctx context.Context, v *store.View) error { return v.CloseUser(ctx, "eve", 1) }, writes, yes, no, no, no},
		{"Tokens", func(ctx context.Context, v *store.View) error {
			tokens, err := v.Tokens(ctx, "eve", "", 0)
			return found(len(tokens), err)
		}, reads, yes, no, no, yes},
		{"CreateToken", func(ctx context.Context, v *store.View) error {
			_, _, err := v.CreateToken(ctx, "eve", "", time.Time{})
			return err
		}, writes, yes, no, no, yes},
		{"CreateToken of an operator", func(ctx context.Context, v *store.View) error {
			_, _, err := v.CreateToken(ctx, "ann", "", time.Time{})
			return err
		}, writes, no, no, no, yes},
		{"RevokeToken", func(ctx context.Context, v *store.View) error { return v.RevokeToken(ctx, tokenOfEve) }, writes, yes, no, no, no},
		{"Standing", func(ctx context.Context, v *store.View) error {
			_, err := v.Standing(ctx, "acme", []string{"www.acme.example"})
			return err
		}, reads, yes, no, no, yes},
		{"CountSites", func(ctx context.Context, v *store.View) error {
			n, err := v.CountSites(ctx, "acme")
			return found(n, err)
		}, reads, yes, no, no, yes},
		{"ClearOverride", func(ctx context.Context, v *store.View) error { return v.ClearOverride(ctx, "o1") }, writes, no, no, no, yes},
		{"BeginOnboarding", func(ctx context.Context, v *store.View) error {
			_, err := v.BeginOnboarding(ctx, newOnboarding("x.acme.example", "acme"))
			return err
		}, writes, yes, no, no, yes},
		{"Onboarding", func(ctx context.Context, v *store.View) error {
			_, err := v.Onboarding(ctx, begun)
			return err
		}, reads, yes, no, no, yes},
		{"Onboardings", func(ctx context.Context, v *store.View) error {
			list, err := v.Onboardings(ctx, store.OnboardingQuery{})
			return found(len(list), err)
		}, reads, yes, no, no, yes},
		{"Setups", func(ctx context.Context, v *store.View) error {
			list, err := v.Setups(ctx, store.SetupQuery{})
			return found(len(list), err)
		}, reads, yes, no, no, yes},
		{"RetrySetups", func(ctx context.Context, v *store.View) error {
			_, err := v.RetrySetups(ctx, "www.acme.example", "edge")
			return err
		}, writes, no, no, no, yes},
		{"CancelOnboarding", func(ctx context.Context, v *store.View) error { return v.CancelOnboarding(ctx, begun) }, writes, yes, no, no, yes},
	} {
		t.Run(c.method, func(t *testing.T) {
			s := open(t, sqliteConfig(t))
			tenants(t, s)
			newToken(t, s, "eve")
			must(t, s.Do(t.Context(), "UPDATE tokens SET id = ?", tokenOfEve))
			_, err := operator(s).BeginClaim(t.Context(), "acme", "begun.example")
			must(t, err)
			must(t, s.Do(t.Context(), "UPDATE claims SET token = ? WHERE name = 'begun.example'", tokenOfClaim))
			begun = begunOf(t, s)
			for _, one := range []struct {
				who   store.Viewer
				works bool
			}{
				{store.Viewer{Name: "bob", Customer: "other"}, c.other},
				{store.Viewer{Name: "bob"}, c.none},
				{store.Viewer{}, no},
				{store.Viewer{Name: "bob", Customer: "acme"}, c.own},
				{store.Viewer{Name: "ann", Operator: true}, c.oper},
			} {
				reader := one.who
				reader.ReadOnly = true
				err := c.call(t.Context(), s.As(reader))
				switch wrote := !errors.Is(err, store.ErrReadOnly) && !errors.Is(err, store.ErrNotFound); {
				case c.writes && one.works && !errors.Is(err, store.ErrReadOnly), c.writes && wrote:
					t.Errorf("Expected %+v to be told that he may only read, got %v", reader, err)
				case !c.writes && one.works != (err == nil):
					t.Errorf("Expected reading to be the same for %+v, got %v", reader, err)
				}
				switch err := c.call(t.Context(), s.As(one.who)); {
				case one.works && err != nil && !errors.Is(err, store.ErrConflict): // the one before has changed it: he may
					t.Errorf("Expected it to work for %+v, got %v", one.who, err)
				case !one.works && !errors.Is(err, store.ErrNotFound):
					t.Errorf("Expected nothing to be found for %+v, got %v", one.who, err)
				}
			}
		})
	}
	checkMethods(t)
}

const (
	tokenOfEve   = "EVE"   // the ID of the token of a user of acme's
	tokenOfClaim = "CLAIM" // what is to be found for a claim of acme's
)

// methodsInTenancy are those that the table above calls; Rollback has a test
// of its own.
const methodsInTenancy = "Audit BeginClaim BeginOnboarding CancelOnboarding Changed Claim ClaimByOnboarding ClaimByWord Claims ClearOverride CloseCustomer CloseUser Confirm CountSites CreateToken Customer Customers DeleteDraft Diff DiffDraft Draft DraftWith DropDraft " +
	"History Journal Object ObjectPage Objects Onboarding Onboardings Plan Plans ProveClaim Publish PutCustomer PutDraft PutPlan PutUser ReleaseClaim RetrySetups RevokeToken Rollback SetOverride Setups Standing Tokens TryPublish User Users"

// checkMethods fails when there is a method that nobody has thought of here.
func checkMethods(t *testing.T) {
	var all []string
	for i := range reflect.TypeFor[*store.View]().NumMethod() {
		all = append(all, reflect.TypeFor[*store.View]().Method(i).Name)
	}
	equal(t, "Methods of a View", strings.Join(all, " "), methodsInTenancy)
}

func publication(o site.Object) func(ctx context.Context, v *store.View) error {
	return func(ctx context.Context, v *store.View) error {
		_, err := v.Publish(ctx, store.Publication{Base: 2, Objects: []site.Object{o}, Claims: ownNames([]site.Object{o})})
		return err
	}
}

func trial(o site.Object) func(ctx context.Context, v *store.View) error {
	return func(ctx context.Context, v *store.View) error {
		return v.TryPublish(ctx, store.Publication{Base: 2, Objects: []site.Object{o}, Claims: ownNames([]site.Object{o})})
	}
}

// TestTenancyOnBoth has the conditions that the databases evaluate.
func TestTenancyOnBoth(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		acme, other := customer(s, "acme"), customer(s, "other")
		objects, err := at(t.Context(), acme, 2)
		must(t, err)
		equal(t, "Objects of acme", names(objects), "acme-fra www.acme.example")
		differences, err := acme.Diff(t.Context(), 0, 2)
		must(t, err)
		equal(t, "Differences of acme", len(differences), 2)
		history, err := acme.History(t.Context(), 0, 0)
		must(t, err)
		equal(t, "Who made them, and why, of which others made all", history[0].Who+history[0].Why+history[1].Who+history[1].Why, "")
		equal(t, "Changes of acme", fmt.Sprint(history[0].Number, history[0].Changes, history[1].Number, history[1].Changes), "2 1 1 2")
		must(t, acme.ReleaseClaim(t.Context(), "acme", "acme.example"))
		publish(t, operator(s), 2, siteOf("www.acme.example", "other", "sold"))
		entries, err := other.Journal(t.Context(), store.JournalQuery{Site: "www.acme.example"})
		must(t, err)
		equal(t, "What the new owner sees of the time before", len(entries), 0)
		entries, err = acme.Journal(t.Context(), store.JournalQuery{})
		must(t, err)
		equal(t, "What the old one sees", len(entries), 1)
		differences, err = acme.Diff(t.Context(), 2, 3)
		must(t, err)
		if len(differences) != 1 || differences[0].After.Text != "" {
			t.Errorf("Expected the site to be gone for its old owner, got %+v", differences)
		}
		history, err = acme.History(t.Context(), 0, 1)
		must(t, err)
		equal(t, "Its newest revision", history[0].Number, 3)
		equal(t, "Who made it, and why", history[0].Who+history[0].Why, "")
		publish(t, other, 3, siteOf("www.acme.example", "", "changed"))
		history, err = other.History(t.Context(), 0, 1)
		must(t, err)
		equal(t, "Who made the new owner's own, and why", fmt.Sprint(history[0].Number, " ", history[0].Who, ": ", history[0].Why), "4 bob: a test")
	})
}

// TestNamesOfOthersAreRefusedAlike: who tries names learns nothing of whose
// they are, nor of when they were changed.
func TestNamesOfOthersAreRefusedAlike(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		other := customer(s, "other")
		for _, base := range []int64{0, 2} {
			for _, text := range []string{"", "site www.acme.example"} {
				o := site.Object{Kind: site.ObjectSite, Name: "www.acme.example", Text: text}
				_, err := other.Publish(t.Context(), store.Publication{Base: base, Objects: []site.Object{o}})
				expect(t, err, store.ErrNotFound, "publishing site 'www.acme.example': site 'www.acme.example': not found")
			}
		}
		for _, name := range []string{"acme-fra", "none"} {
			_, err := other.Publish(t.Context(), store.Publication{Base: 2, Objects: []site.Object{{Kind: site.ObjectOrigin, Name: name, Text: "x"}}})
			expect(t, err, store.ErrNotFound, fmt.Sprintf("publishing origin '%[1]s': origin '%[1]s': not found", name))
			_, err = other.Object(t.Context(), site.ObjectOrigin, name)
			expect(t, err, store.ErrNotFound, fmt.Sprintf("reading the configuration: origin '%s': not found", name))
		}
	})
}

func TestNamesAreFreeOnceTheyAreGone(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		acme, other := customer(s, "acme"), customer(s, "other")
		publish(t, acme, 2, site.Object{Kind: site.ObjectSite, Name: "www.acme.example"})
		again := siteOf("www.acme.example", "")
		_, err := other.Publish(t.Context(), store.Publication{Objects: []site.Object{again}, Claims: ownNames([]site.Object{again})})
		expect(t, err, store.ErrInvalid, "publishing site 'www.acme.example': customer 'other' has no proved claim to 'www.acme.example'")
		_, err = other.BeginClaim(t.Context(), "other", "www.acme.example")
		expect(t, err, store.ErrConflict, "claiming 'www.acme.example': 'www.acme.example' is taken, or a name above or below it is")
		must(t, acme.ReleaseClaim(t.Context(), "acme", "acme.example"))
		must(t, acme.ReleaseClaim(t.Context(), "acme", "www.acme.example"))
		claim, err := other.BeginClaim(t.Context(), "other", "www.acme.example")
		must(t, err)
		_, err = other.Publish(t.Context(), store.Publication{Objects: []site.Object{again}, Claims: ownNames([]site.Object{again})})
		expect(t, err, store.ErrInvalid, "")
		_, err = other.ProveClaim(t.Context(), "other", "www.acme.example", claim.Token)
		must(t, err)
		publish(t, other, 0, again)
		o, err := customer(s, "other").Object(t.Context(), site.ObjectSite, "www.acme.example")
		must(t, err)
		equal(t, "Its owner", o.Customer, "other")
		_, err = acme.Rollback(t.Context(), 2, 4, "mine")
		expect(t, err, store.ErrNotFound, "rolling back to revision 2: site 'www.acme.example': not found")
		gone, err := at(t.Context(), customer(s, "other"), 2)
		must(t, err)
		equal(t, "What the new owner sees of the time before", len(gone), 0)
	})
}

func TestCustomersRollBackTheirSitesOnly(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		publish(t, operator(s), 2, siteOf("www.example.org", "", "new"),
			site.Object{Kind: site.ObjectOrigin, Name: "acme-fra", Customer: "acme", Text: "origin acme-fra new"})
		_, err := customer(s, "other").Rollback(t.Context(), 1, 3, "")
		expect(t, err, store.ErrInvalid, "rolling back to revision 1: everything is as it was at revision 1")
		_, err = s.As(store.Viewer{Name: "bob"}).Rollback(t.Context(), 1, 3, "")
		expect(t, err, store.ErrNotFound, "rolling back to revision 1: viewer 'bob' has no customer: not found")
		_, err = customer(s, "acme").Rollback(t.Context(), 1, 3, "")
		must(t, err)
		differences, err := operator(s).Diff(t.Context(), 3, 4)
		must(t, err)
		if len(differences) != 1 || differences[0].Name != "www.acme.example" {
			t.Errorf("Expected the customer's site alone to change, got %+v", differences)
		}
	})
}

func TestCustomersTakeNoPlaceInTheCorefile(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		adopted := siteOf("www.example.org", "acme")
		adopted.Adopted = true
		_, err := customer(s, "acme").Publish(t.Context(), store.Publication{Objects: []site.Object{adopted}})
		expect(t, err, store.ErrInvalid, "publishing site 'www.example.org': site 'www.example.org': only an operator has it take the place of a site of the Corefile")
		publish(t, operator(s), 0, adopted)
		adopted.Text += " # new"
		publish(t, customer(s, "acme"), 1, adopted)
		publish(t, customer(s, "acme"), 2, site.Object{Kind: site.ObjectSite, Name: "www.example.org"})
		_, err = customer(s, "acme").Publish(t.Context(), store.Publication{Base: 3, Objects: []site.Object{adopted}, Claims: ownNames([]site.Object{adopted})})
		expect(t, err, store.ErrInvalid, "publishing site 'www.example.org': site 'www.example.org': only an operator has it take the place of a site of the Corefile")
	})
}

func TestWritersHaveNames(t *testing.T) {
	s := open(t, sqliteConfig(t))
	_, err := s.As(store.Viewer{Operator: true}).Publish(t.Context(), store.Publication{Objects: []site.Object{siteOf("a.example.org", "")}})
	expect(t, err, store.ErrInvalid, "publishing site 'a.example.org': who writes to the store needs a name")
	_, err = s.As(store.Viewer{Operator: true, Name: "\xff"}).SetOverride(t.Context(), freeze(""))
	expect(t, err, store.ErrInvalid, `setting an override: viewer: "\xff" is no text in UTF-8`)
}
