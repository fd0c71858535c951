package store_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// newOnboarding is one of a site, with two steps.
func newOnboarding(name, customer string) site.Onboarding {
	return site.Onboarding{
		Kind: site.Onboard, Site: name, Customer: customer, Text: siteOf(name, "").Text, Names: []string{name, "shop.example.org"}, Proof: site.ProofTXT,
		Why: "a new site", Began: noon, Changed: noon, Next: noon,
		Steps: []site.OnboardingStep{{Name: "check", State: site.StepPending}, {Name: "cdn", CDN: "edge", State: site.StepPending}},
	}
}

// begin begins one, or fails the test.
func begin(t *testing.T, v *store.View, o site.Onboarding) site.Onboarding {
	t.Helper()
	begun, err := v.BeginOnboarding(t.Context(), o)
	must(t, err)
	return begun
}

// onboardingOf reads one, or fails the test.
func onboardingOf(t *testing.T, v *store.View, id string) site.Onboarding {
	t.Helper()
	o, err := v.Onboarding(t.Context(), id)
	must(t, err)
	return o
}

func TestOnboardingIsKeptAsItIs(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		o := begin(t, v, newOnboarding("www.example.org", "acme"))
		if o.ID == "" || o.Token == "" || o.ID == o.Token || o.Version != 1 || o.By != "ann" || !o.Operator {
			t.Errorf("Expected an ID, a token and a version of ann, got %+v", o)
		}
		equal(t, "What was begun", onboardingOf(t, v, o.ID), o)

		o.State, o.Failure, o.Inside, o.Left, o.Changed, o.Next = site.OnboardingUndoes, "it failed", true, true, noon.Add(time.Second), noon.Add(time.Minute)
		o.Steps[0] = site.OnboardingStep{Name: "check", State: site.StepDone, Words: "it is good", Inside: true, Tries: 2, Since: noon, Next: noon.Add(1), Mark: noon.Add(2000)}
		o.Steps[0].Next = noon.Add(time.Microsecond)
		must(t, s.PutOnboarding(t.Context(), store.Fence{}, o))
		expect(t, s.PutOnboarding(t.Context(), store.Fence{}, o), store.ErrConflict,
			fmt.Sprintf("writing onboarding '%s': it has another version than 1: it was changed meanwhile", o.ID))
		o.Version++
		equal(t, "What was written", onboardingOf(t, v, o.ID), o)
		o.Steps[1].Words, o.Version = "\x00 and \xff", 2
		must(t, s.PutOnboarding(t.Context(), store.Fence{}, o))
		_, err := v.Onboarding(t.Context(), "none")
		expect(t, err, store.ErrNotFound, "reading onboarding 'none': there is no such onboarding")
	})
}

func TestOneOnboardingOfASite(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		var begun atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := v.BeginOnboarding(t.Context(), newOnboarding("www.example.org", ""))
				if err == nil {
					begun.Add(1)
				} else {
					expect(t, err, store.ErrConflict, "")
				}
			})
		}
		all.Wait()
		equal(t, "Onboardings of one site", begun.Load(), 1)
		list, err := v.Onboardings(t.Context(), store.OnboardingQuery{Site: "www.example.org"})
		must(t, err)
		_, err = v.BeginOnboarding(t.Context(), newOnboarding("www.example.org", ""))
		expect(t, err, store.ErrConflict, fmt.Sprintf("beginning the onboard of site 'www.example.org': onboarding '%s' of it is not over", list[0].ID))
		list[0].State, list[0].Next = site.OnboardingDone, time.Time{}
		must(t, s.PutOnboarding(t.Context(), store.Fence{}, list[0]))
		begin(t, v, newOnboarding("www.example.org", ""))
	})
}

func TestDueOnboardings(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		var all []site.Onboarding
		for i := range 4 {
			all = append(all, begin(t, v, newOnboarding(fmt.Sprintf("s%d.example.org", i), "")))
		}
		put := func(i int, next time.Time) {
			t.Helper()
			all[i].Next = next
			must(t, s.PutOnboarding(t.Context(), store.Fence{}, all[i]))
		}
		due := func(limit int) string {
			t.Helper()
			found, err := s.DueOnboardings(t.Context(), noon, limit)
			must(t, err)
			var names []string
			for _, o := range found {
				names = append(names, fmt.Sprint(o.Site[:2], len(o.Steps)))
			}
			return strings.Join(names, " ")
		}
		put(0, noon.Add(time.Microsecond))
		put(1, noon.Add(-time.Second))
		put(2, noon.Add(-time.Minute))
		equal(t, "What is due", due(10), "s22 s12 s32")
		equal(t, "The first of it", due(1), "s22")
		must(t, v.CancelOnboarding(t.Context(), all[0].ID))
		if now := due(10); !strings.Contains(now, "s02") {
			t.Errorf("Expected what was cancelled to be due, got %s", now)
		}
		all[3].State = site.OnboardingDone
		put(3, time.Time{})
		if now := due(10); strings.Contains(now, "s32") {
			t.Errorf("Expected nothing that is over to be due, got %s", now)
		}
	})
}

// TestDueOnboardingsOfOneCustomer leave others their turn, and so does what he has begun.
func TestDueOnboardingsOfOneCustomer(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		o := newOnboarding("s0.example.org", "acme")
		o.Next = noon.Add(-time.Minute)
		o = begin(t, v, o)
		must(t, s.Do(t.Context(), `INSERT INTO onboardings (id, number, kind, site, customer, text, names, base, proof, token, who, operator, why, began, state, changed, next, version)
			WITH RECURSIVE others (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM others WHERE i < ?)
			SELECT 'copy' || i, number - i, kind, 's' || i || '.example.org', customer, text, names, base, proof, token, who, operator, why, began, state, changed, next, version
			FROM onboardings, others WHERE id = ?`, int64(store.MaxUnfinished-1), o.ID))
		_, err := v.BeginOnboarding(t.Context(), newOnboarding("more.example.org", "acme"))
		expect(t, err, store.ErrConflict, "beginning the onboard of site 'more.example.org': 1000 onboardings of customer 'acme' are not over, which is the most: wait for some, or cancel them")
		other := begin(t, v, newOnboarding("www.example.org", "other"))
		for range 20 {
			begin(t, v, newOnboarding(fmt.Sprintf("s%02d.example.org", len(dueOf(t, s, ""))), ""))
		}
		must(t, v.CancelOnboarding(t.Context(), o.ID))
		equal(t, "Those of acme", len(dueOf(t, s, "acme")), 16)
		equal(t, "What was cancelled", dueOf(t, s, "acme")[0], o.ID)
		equal(t, "Those of another", dueOf(t, s, "other"), []string{other.ID})
		equal(t, "Those of nobody", len(dueOf(t, s, "")), 20)
	})
}

// dueOf are those of a customer that are due.
func dueOf(t *testing.T, s *store.Store, customer string) (ids []string) {
	t.Helper()
	due, err := s.DueOnboardings(t.Context(), noon, 256)
	must(t, err)
	for _, o := range due {
		if o.Customer == customer {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

func TestCancelOnboarding(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		o := begin(t, v, newOnboarding("www.example.org", ""))
		must(t, v.CancelOnboarding(t.Context(), o.ID))
		equal(t, "Who has cancelled it", onboardingOf(t, v, o.ID).Cancelled, "ann")
		expect(t, s.PutOnboarding(t.Context(), store.Fence{}, o), store.ErrConflict, "") // whoever is at it has to notice
		o.Version, o.State = 2, site.OnboardingUndoes
		must(t, s.PutOnboarding(t.Context(), store.Fence{}, o))
		expect(t, v.CancelOnboarding(t.Context(), o.ID), store.ErrConflict, fmt.Sprintf("cancelling onboarding '%s': it is undoing", o.ID))
		expect(t, v.CancelOnboarding(t.Context(), "none"), store.ErrNotFound, "cancelling onboarding 'none': there is no such onboarding")
		entries, err := v.Audit(t.Context(), 0, 1)
		must(t, err)
		equal(t, "What the audit has", entries[0].What, fmt.Sprintf("cancel onboarding '%s' of site 'www.example.org'", o.ID))
	})
}

// TestF26OnboardingsAreFenced: a server that has lost the lease writes nothing.
func TestF26OnboardingsAreFenced(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		o := begin(t, operator(s), newOnboarding("www.example.org", ""))
		lease := take(t, s, "ns1", time.Hour)
		mine := store.Fence{Server: "ns1", Term: lease.Term}
		must(t, s.PutOnboarding(t.Context(), mine, o))
		o.Version++
		must(t, s.Resign(t.Context(), "ns1"))
		take(t, s, "ns2", time.Hour)
		expect(t, s.PutOnboarding(t.Context(), mine, o), store.ErrFenced, "")
		expect(t, s.PutOnboarding(t.Context(), store.Fence{Server: "ns2", Term: lease.Term}, o), store.ErrFenced, "")
		must(t, s.PutOnboarding(t.Context(), store.Fence{Server: "ns2", Term: lease.Term + 1}, o))
	})
}

// TestPublicationOfAnOnboarding: it is noted with the revision, or there is none.
func TestPublicationOfAnOnboarding(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		o := begin(t, v, newOnboarding("www.example.org", "acme"))
		of := func(version int64, back bool, object site.Object, base int64) error {
			_, err := v.Publish(t.Context(), store.Publication{Base: base, Objects: []site.Object{object}, Why: "an onboarding",
				Onboarding: &store.Onboards{ID: o.ID, Version: version, Back: back}})
			return err
		}
		object := siteOf("www.example.org", "acme")
		expect(t, of(2, false, object, 0), store.ErrConflict, "")
		if revision, err := s.Revision(t.Context()); err != nil || revision != 0 {
			t.Errorf("Expected no revision of another version, got %d, %v", revision, err)
		}
		must(t, of(1, false, object, 0))
		equal(t, "The revision", onboardingOf(t, v, o.ID).Published, 1)
		expect(t, of(1, false, siteOf("www.example.org", "acme", "enter 3"), 1), store.ErrConflict, "")
		gone := object
		gone.Text = ""
		must(t, of(1, true, gone, 1))
		equal(t, "The revision that takes it back", onboardingOf(t, v, o.ID).Withdrawn, 2)
		expect(t, of(1, true, object, 2), store.ErrConflict, "")
		must(t, s.PutOnboarding(t.Context(), store.Fence{}, o))
		after := onboardingOf(t, v, o.ID)
		equal(t, "What a write of the rest leaves", fmt.Sprint(after.Published, after.Withdrawn), "1 2")
	})
}

// TestF41OnboardingsOfOthers: a customer sees his own, and proves what is his.
func TestF41OnboardingsOfOthers(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		acme, other := customer(s, "acme"), customer(s, "other")
		o := begin(t, acme, newOnboarding("www.example.org", ""))
		equal(t, "Whose it is", fmt.Sprint(o.Customer, " ", o.Operator), "acme false")
		foreign := newOnboarding("shop.example.org", "acme")
		_, err := other.BeginOnboarding(t.Context(), foreign)
		expect(t, err, store.ErrNotFound, "")
		word := newOnboarding("shop.example.org", "")
		word.Proof = site.ProofOperator
		_, err = other.BeginOnboarding(t.Context(), word)
		expect(t, err, store.ErrInvalid, "beginning the onboard of site 'shop.example.org': proof 'operator' is an operator's: yours is 'txt'")
		_, err = other.Onboarding(t.Context(), o.ID)
		expect(t, err, store.ErrNotFound, "")
		expect(t, other.CancelOnboarding(t.Context(), o.ID), store.ErrNotFound, "")
		for v, want := range map[*store.View]int{acme: 1, other: 0, operator(s): 1} {
			list, err := v.Onboardings(t.Context(), store.OnboardingQuery{})
			must(t, err)
			equal(t, "How many he sees", len(list), want)
		}
		nobody := s.As(store.Viewer{Name: "eve"})
		_, err = nobody.Onboardings(t.Context(), store.OnboardingQuery{})
		expect(t, err, store.ErrNotFound, "")
		_, err = nobody.Onboarding(t.Context(), o.ID)
		expect(t, err, store.ErrNotFound, "")
	})
}

// TestAnOperatorsWordIsAudited: it is what stands for a proof.
func TestAnOperatorsWordIsAudited(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		o := newOnboarding("www.example.org", "acme")
		o.Proof = site.ProofOperator
		o = begin(t, operator(s), o)
		entries, err := operator(s).Audit(t.Context(), 0, 1)
		must(t, err)
		equal(t, "What the audit has", entries[0].Who+": "+entries[0].What,
			"ann: onboard site 'www.example.org' ("+o.ID+"), names of customer 'acme' without a proof: www.example.org shop.example.org")
	})
}

func TestListOfOnboardings(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		var all []site.Onboarding
		for i := range 5 {
			all = append(all, begin(t, v, newOnboarding(fmt.Sprintf("s%d.example.org", i), "")))
		}
		all[2].State, all[2].Next = site.OnboardingDone, time.Time{}
		must(t, s.PutOnboarding(t.Context(), store.Fence{}, all[2]))
		list := func(q store.OnboardingQuery) string {
			t.Helper()
			found, err := v.Onboardings(t.Context(), q)
			must(t, err)
			var names []string
			for _, o := range found {
				names = append(names, o.Site[:2])
			}
			return strings.Join(names, " ")
		}
		equal(t, "All", list(store.OnboardingQuery{}), "s4 s3 s2 s1 s0")
		equal(t, "Two", list(store.OnboardingQuery{Limit: 2}), "s4 s3")
		equal(t, "The next two", list(store.OnboardingQuery{Limit: 2, Before: all[3].ID}), "s2 s1")
		equal(t, "Those that run", list(store.OnboardingQuery{Running: true}), "s4 s3 s1 s0")
		equal(t, "Those of a site", list(store.OnboardingQuery{Site: "s1.example.org"}), "s1")
	})
}
