package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// newSetup is one that was never written.
func newSetup(name, cdn, customer string) site.Setup {
	return site.Setup{
		Site: name, CDN: cdn, Customer: customer, State: site.SetupChanging, Asked: `{"hosts":[]}`, Has: "a", Wants: "b", TTL: 30 * time.Second, Revision: 7,
		Since: noon, Tries: 3, Words: "not yet", Next: noon, Mark: noon.Add(time.Second), Kept: noon.Add(time.Minute),
	}
}

// put writes setups, all of which have to be taken.
func putSetups(t testing.TB, s *store.Store, all ...site.Setup) {
	t.Helper()
	n, err := s.PutSetups(t.Context(), store.Fence{}, all)
	must(t, err)
	equal(t, "How many are written", n, len(all))
}

// setupOf reads the only one of a site.
func setupOf(t testing.TB, s *store.Store, name string) site.Setup {
	t.Helper()
	found, err := s.SetupsOf(t.Context(), []string{name})
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("Expected one setup of '%s', got %+v", name, found)
	}
	return found[0]
}

func TestSetupIsKeptAsItIs(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		one := newSetup("www.example.org", "edge", "acme")
		putSetups(t, s, one)
		one.Version = 1
		equal(t, "What was written", setupOf(t, s, "www.example.org"), one)
		one.State, one.Has, one.Tries, one.Words, one.Next = site.SetupDone, "b", 0, "\x00 and \xff", time.Time{}
		putSetups(t, s, one)
		one.Version, one.Words = 2, "\uFFFD and \uFFFD"
		equal(t, "What was written over it", setupOf(t, s, "www.example.org"), one)
	})
}

// TestSetupsOfOthersVersions: what was changed since it was read is left as it is, and
// what is new is new.
func TestSetupsOfOtherVersions(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		one := newSetup("www.example.org", "edge", "")
		putSetups(t, s, one)
		for _, version := range []int64{0, 2} {
			late := one
			late.Words, late.Version = "late", version
			n, err := s.PutSetups(t.Context(), store.Fence{}, []site.Setup{late})
			must(t, err)
			equal(t, "How many are written", n, 0)
			if version > 0 {
				must(t, s.DropSetups(t.Context(), store.Fence{}, []site.Setup{late}))
			}
		}
		equal(t, "Its words", setupOf(t, s, "www.example.org").Words, "not yet")
		one.Version = 1
		must(t, s.DropSetups(t.Context(), store.Fence{}, []site.Setup{one}))
		n, err := s.PutSetups(t.Context(), store.Fence{}, []site.Setup{one})
		must(t, err)
		equal(t, "How many are written of what is gone", n, 0)
	})
}

// TestDueSetups: each CDN has its own, so that a slow one does not take all.
func TestDueSetups(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		for i := range 6 {
			one := newSetup(fmt.Sprintf("s%d.example.org", i), map[bool]string{true: "edge", false: "big"}[i == 5], "")
			one.Next = noon.Add(-time.Duration(i) * time.Second)
			if i == 2 {
				one.Next = time.Time{}
			}
			putSetups(t, s, one)
		}
		late := newSetup("late.example.org", "edge", "")
		late.Next = noon.Add(time.Microsecond)
		putSetups(t, s, late)
		due, err := s.DueSetups(t.Context(), noon, 2)
		must(t, err)
		var names []string
		for _, one := range due {
			names = append(names, one.CDN+" "+one.Site[:2])
		}
		equal(t, "What is due", strings.Join(names, ", "), "big s4, big s3, edge s5")
	})
}

// TestSitesWithSetups: whose they are, and what is known of them.
func TestSitesWithSetups(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		publish(t, v, 0, siteOf("b.example.org", ""), siteOf("gone.example.org", ""))
		publish(t, v, 1, site.Object{Kind: site.ObjectSite, Name: "gone.example.org"})
		begin(t, v, newOnboarding("b.example.org", ""))
		over := begin(t, v, newOnboarding("over.example.org", ""))
		over.State, over.Next = site.OnboardingDone, time.Time{}
		must(t, s.PutOnboarding(t.Context(), store.Fence{}, over))
		begin(t, v, newOnboarding("new.example.org", ""))
		putSetups(t, s, newSetup("b.example.org", "edge", ""), newSetup("b.example.org", "big", ""), newSetup("a.example.org", "edge", ""), newSetup("c.example.org", "edge", ""))
		for after, want := range map[string]string{"": "[a.example.org b.example.org]", "a.example.org": "[b.example.org c.example.org]", "c.example.org": "[]"} {
			names, err := s.SetupSites(t.Context(), after, 2)
			must(t, err)
			equal(t, "The sites behind '"+after+"'", names, want)
		}
		counts, err := s.CountSetups(t.Context())
		must(t, err)
		equal(t, "How many there are", counts, "map[changing:4]")
		putSetups(t, s, newSetup("new.example.org", "edge", ""))
		standing, err := s.StandingOf(t.Context(), []string{"b.example.org", "gone.example.org", "over.example.org", "new.example.org", "none.example.org"})
		must(t, err)
		equal(t, "What is known of them", standing, "map[b.example.org:{Stored:true Busy:true} new.example.org:{Stored:false Busy:true}]")
	})
}

// TestAnotherCustomersOnboarding has the setups of a name that was somebody else's only
// from the moment on that it tells a CDN something.
func TestAnotherCustomersOnboarding(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		o := begin(t, operator(s), newOnboarding("www.example.org", "other"))
		busy := func(what string, want bool) {
			t.Helper()
			standing, err := s.StandingOf(t.Context(), []string{"www.example.org"})
			must(t, err)
			equal(t, what, standing["www.example.org"].Busy, want)
		}
		leaving := newSetup("www.example.org", "edge", "acme")
		putSetups(t, s, leaving)
		busy("While it waits for a proof", false)
		for _, step := range []struct {
			state site.StepState
			want  bool
		}{{site.StepBegun, true}, {site.StepWaiting, true}, {site.StepDone, true}, {site.StepUndoing, true}, {site.StepUndone, false}} {
			o.Steps[1].State = step.state
			must(t, s.PutOnboarding(t.Context(), store.Fence{}, o))
			o.Version++
			busy("With its step "+string(step.state), step.want)
		}
		leaving.Customer, leaving.Version = "other", 1
		putSetups(t, s, leaving)
		busy("Once they are the other customer's", true)
	})
}

// TestF26SetupsAreFenced: a server that has lost the lease writes nothing.
func TestF26SetupsAreFenced(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		lease := take(t, s, "ns1", time.Hour)
		mine := store.Fence{Server: "ns1", Term: lease.Term}
		one := newSetup("www.example.org", "edge", "")
		_, err := s.PutSetups(t.Context(), mine, []site.Setup{one})
		must(t, err)
		must(t, s.Resign(t.Context(), "ns1"))
		take(t, s, "ns2", time.Hour)
		one.Version, one.Words = 1, "late"
		_, err = s.PutSetups(t.Context(), mine, []site.Setup{one})
		expect(t, err, store.ErrFenced, "")
		expect(t, s.DropSetups(t.Context(), mine, []site.Setup{one}), store.ErrFenced, "")
		equal(t, "Its words", setupOf(t, s, "www.example.org").Words, "not yet")
	})
}

// TestListOfSetups: a customer sees his own.
func TestListOfSetups(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		refused := newSetup("b.example.org", "big", "acme")
		refused.State = site.SetupRefused
		putSetups(t, s, newSetup("a.example.org", "edge", ""), refused, newSetup("b.example.org", "edge", "acme"), newSetup("c.example.org", "edge", "other"))
		list := func(v *store.View, q store.SetupQuery) string {
			t.Helper()
			found, err := v.Setups(t.Context(), q)
			must(t, err)
			var all []string
			for _, one := range found {
				all = append(all, one.Site[:1]+" "+one.CDN)
			}
			return strings.Join(all, ", ")
		}
		ann := operator(s)
		equal(t, "All", list(ann, store.SetupQuery{}), "a edge, b big, b edge, c edge")
		equal(t, "Acme's", list(customer(s, "acme"), store.SetupQuery{}), "b big, b edge")
		equal(t, "Two", list(ann, store.SetupQuery{AfterSite: "b.example.org", AfterCDN: "big", Limit: 2}), "b edge, c edge")
		equal(t, "Those of a site", list(ann, store.SetupQuery{Site: "b.example.org"}), "b big, b edge")
		equal(t, "Those that are refused", list(ann, store.SetupQuery{State: site.SetupRefused}), "b big")
		_, err := s.As(store.Viewer{Name: "eve"}).Setups(t.Context(), store.SetupQuery{})
		expect(t, err, store.ErrNotFound, "")
	})
}

// TestRetrySetups: an operator has what is refused be tried as if it was wanted anew.
func TestRetrySetups(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		refused, leaving, rests := newSetup("a.example.org", "big", ""), newSetup("a.example.org", "edge", ""), newSetup("a.example.org", "other", "")
		refused.State, refused.Next = site.SetupRefused, time.Time{}
		leaving.State, leaving.Wants = site.SetupRefused, ""
		rests.State, rests.Next = site.SetupDone, time.Time{}
		putSetups(t, s, refused, leaving, rests)
		n, err := operator(s).RetrySetups(t.Context(), "a.example.org", "")
		must(t, err)
		equal(t, "How many are tried again", n, 2)
		found, err := s.SetupsOf(t.Context(), []string{"a.example.org"})
		must(t, err)
		var states []string
		for _, one := range found {
			states = append(states, fmt.Sprint(one.CDN, " ", one.State, " ", one.Tries, " ", one.Next.IsZero(), " ", one.Since.Equal(noon)))
		}
		equal(t, "How they are", strings.Join(states, ", "), "big changing 0 false false, edge leaving 0 false false, other done 3 true true")
		_, err = operator(s).RetrySetups(t.Context(), "a.example.org", "none")
		expect(t, err, store.ErrNotFound, "retrying the setups of site 'a.example.org': there is no such setup")
		entries, err := operator(s).Audit(t.Context(), 0, 1)
		must(t, err)
		equal(t, "What the audit has", entries[0].What, "retry the setups of site 'a.example.org' at all CDNs")
	})
}

// TestRetryAllSetups: what a node has refused of many sites is tried again at once, at one
// CDN or at all.
func TestRetryAllSetups(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		retried := func(cdn string, want int64) {
			t.Helper()
			n, err := operator(s).RetrySetups(t.Context(), "", cdn)
			must(t, err)
			equal(t, "How many are tried again at '"+cdn+"'", n, want)
		}
		retried("", 0)
		for i := range 4 {
			one := newSetup(fmt.Sprintf("s%d.example.org", i), []string{"big", "edge"}[i%2], []string{"", "acme"}[i/2])
			one.State, one.Next = site.SetupRefused, time.Time{}
			putSetups(t, s, one)
		}
		rests := newSetup("rests.example.org", "edge", "")
		rests.State, rests.Next = site.SetupDone, time.Time{}
		putSetups(t, s, rests)
		retried("edge", 2)
		counts, err := s.CountSetups(t.Context())
		must(t, err)
		equal(t, "How they are", counts, "map[changing:2 done:1 refused:2]")
		retried("", 4)
		_, err = operator(s).RetrySetups(t.Context(), "", "none")
		expect(t, err, store.ErrNotFound, "retrying the setups of all sites: there is no such setup")
		_, err = customer(s, "acme").RetrySetups(t.Context(), "", "")
		expect(t, err, store.ErrNotFound, "")
		entries, err := operator(s).Audit(t.Context(), 0, 2)
		must(t, err)
		equal(t, "What the audit has", entries[0].What+", "+entries[1].What, "retry the setups of all sites at all CDNs, retry the setups of all sites at edge")
	})
}
