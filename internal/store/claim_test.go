package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// claimsOf lists claims as "name customer proof".
func claimsOf(t testing.TB, v *store.View, customer string) string {
	t.Helper()
	claims, err := v.Claims(t.Context(), customer, store.Claim{}, 0)
	must(t, err)
	var lines []string
	for _, c := range claims {
		lines = append(lines, strings.TrimSpace(c.Name+" "+c.Customer+" "+string(c.Proof)))
	}
	return strings.Join(lines, ", ")
}

// proved gives a name to a customer as his TXT record would.
func proved(t testing.TB, s *store.Store, customer, name string) {
	t.Helper()
	v := s.As(store.Viewer{Name: "admin@" + customer, Customer: customer})
	c, err := v.BeginClaim(t.Context(), customer, name)
	must(t, err)
	_, err = v.ProveClaim(t.Context(), customer, name, c.Token)
	must(t, err)
}

// answeredFor publishes a site with names.
func answeredFor(t testing.TB, v *store.View, o site.Object, names ...string) error {
	t.Helper()
	base, err := v.History(t.Context(), 0, 1)
	must(t, err)
	p := store.Publication{Objects: []site.Object{o}}
	if len(base) > 0 {
		p.Base = base[0].Number
	}
	if o.Text != "" {
		p.Claims = []store.SiteNames{{Site: o.Name, Names: names}}
	}
	tried := v.TryPublish(t.Context(), p)
	if _, err = v.Publish(t.Context(), p); fmt.Sprint(tried) != fmt.Sprint(err) {
		t.Errorf("Expected a try to say what the publication does: %v, got %v", err, tried)
	}
	return err
}

func TestClaims(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme", "other")
		acme, other := s.As(store.Viewer{Name: "admin@acme", Customer: "acme"}), s.As(store.Viewer{Name: "admin@other", Customer: "other"})
		begun, err := acme.BeginClaim(t.Context(), "acme", "WWW.Acme.Example.")
		must(t, err)
		if len(begun.Token) < 20 || begun.Begun.IsZero() {
			t.Errorf("Expected a token and a time, got %+v", begun)
		}
		equal(t, "A claim", begun, store.Claim{Name: "www.acme.example", Customer: "acme", Token: begun.Token, Begun: begun.Begun})
		again, err := acme.BeginClaim(t.Context(), "acme", "www.acme.example")
		must(t, err)
		equal(t, "The same again", again, begun)
		others, err := other.BeginClaim(t.Context(), "other", "acme.example") // nobody has proved anything yet
		must(t, err)

		_, err = acme.ProveClaim(t.Context(), "acme", "www.acme.example", others.Token)
		expect(t, err, store.ErrInvalid, fmt.Sprintf("proving the claim to 'www.acme.example': its record says %q, and not the token '%s'", others.Token, begun.Token))
		_, err = acme.ProveClaim(t.Context(), "acme", "none.example", "")
		expect(t, err, store.ErrNotFound, "proving the claim to 'none.example': a claim to 'none.example' of customer 'acme': not found")
		c, err := acme.ProveClaim(t.Context(), "acme", "www.acme.example", begun.Token)
		must(t, err)
		begun.Proof, begun.Proved, begun.Who = site.ProofTXT, c.Proved, "admin@acme"
		equal(t, "A proved claim", c, begun)
		if c.Proved.Before(c.Begun) {
			t.Errorf("Expected a time of the proof, got %+v", c)
		}
		c, err = acme.BeginClaim(t.Context(), "acme", "www.acme.example")
		must(t, err)
		equal(t, "One that is proved, begun again", c, begun)
		c, err = acme.ProveClaim(t.Context(), "acme", "www.acme.example", "")
		must(t, err)
		equal(t, "And proved again", c, begun)

		_, err = other.ProveClaim(t.Context(), "other", "acme.example", others.Token)
		expect(t, err, store.ErrConflict, "proving the claim to 'acme.example': 'acme.example' is taken, or a name above or below it is")
		equal(t, "Claims of acme", claimsOf(t, acme, ""), "www.acme.example acme txt")
		equal(t, "Claims of all", claimsOf(t, operator(s), ""), "www.acme.example acme txt, acme.example other")
		page, err := operator(s).Claims(t.Context(), "", begun, 1)
		must(t, err)
		equal(t, "The second page", page, []store.Claim{others})

		must(t, acme.ReleaseClaim(t.Context(), "acme", "www.acme.example"))
		expect(t, acme.ReleaseClaim(t.Context(), "acme", "www.acme.example"), store.ErrNotFound,
			"releasing the claim to 'www.acme.example': a claim to 'www.acme.example' of customer 'acme': not found")
		_, err = other.ProveClaim(t.Context(), "other", "acme.example", others.Token)
		must(t, err)
		_, err = acme.BeginClaim(t.Context(), "acme", "www.acme.example")
		expect(t, err, store.ErrConflict, "")
	})
}

// TestAReleasedNameNeedsANewProof also of who had it before.
func TestAReleasedNameNeedsANewProof(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme", "other")
		acme := s.As(store.Viewer{Name: "admin@acme", Customer: "acme"})
		before, err := acme.BeginClaim(t.Context(), "acme", "acme.example")
		must(t, err)
		_, err = acme.ProveClaim(t.Context(), "acme", "acme.example", before.Token)
		must(t, err)
		must(t, acme.ReleaseClaim(t.Context(), "acme", "acme.example"))
		_, err = acme.ProveClaim(t.Context(), "acme", "acme.example", before.Token)
		expect(t, err, store.ErrNotFound, "")
		after, err := acme.BeginClaim(t.Context(), "acme", "acme.example")
		must(t, err)
		if after.Token == before.Token || !after.Proved.IsZero() || after.Proof != "" {
			t.Errorf("Expected a new token and no proof, got %+v after %+v", after, before)
		}
		_, err = acme.ProveClaim(t.Context(), "acme", "acme.example", before.Token)
		expect(t, err, store.ErrInvalid, "")
	})
}

func TestClaimsThatAreRefused(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme", "other")
		v := operator(s)
		must(t, answeredFor(t, v, siteOf("www.example.org", ""), "shop.example.net"))
		proved(t, s, "other", "b.example")
		for _, c := range []struct {
			customer, name string
			kind           error
			text           string
		}{
			{"none", "a.example", store.ErrNotFound, "claiming 'a.example': customer 'none': not found"},
			{"", "a.example", store.ErrNotFound, "claiming 'a.example': customer '': not found"},
			{"acme", "*.a.example", store.ErrInvalid, "claiming '*.a.example': claim 'a.example', which covers it"},
			{"acme", ".", store.ErrInvalid, "claiming '.': '.' is no name that somebody could have"},
			{"acme", "*", store.ErrInvalid, "claiming '*': '*' is no name that somebody could have"},
			{"acme", "", store.ErrInvalid, "claiming '': '' is not a domain name: labels of 1 to 63 octets, 255 octets in all"},
			{"acme", "a..example", store.ErrInvalid, ""},
			{"acme", `a\ b.example`, store.ErrInvalid, `claiming 'a\ b.example': 'a\ b.example' is no name that somebody could have`},
			{"acme", "www.example.org", store.ErrConflict,
				"claiming 'www.example.org': 'www.example.org' overlaps with 'www.example.org' of a site of the operator's own"},
			{"acme", "example.org", store.ErrConflict, "claiming 'example.org': 'example.org' overlaps with 'www.example.org' of a site of the operator's own"},
			{"acme", "a.shop.example.net", store.ErrConflict,
				"claiming 'a.shop.example.net': 'a.shop.example.net' overlaps with 'shop.example.net' of a site of the operator's own"},
			{"acme", "a.b.example", store.ErrConflict, "claiming 'a.b.example': 'a.b.example' overlaps with 'b.example' of customer 'other'"},
			{"acme", "example", store.ErrConflict, "claiming 'example': 'example' overlaps with 'b.example' of customer 'other'"},
		} {
			_, err := v.BeginClaim(t.Context(), c.customer, c.name)
			expect(t, err, c.kind, c.text)
			if strings.Contains(c.name, "*.") {
				continue // an operator may give his word for that
			}
			_, err = v.ClaimByWord(t.Context(), c.customer, c.name)
			expect(t, err, c.kind, c.text)
		}
		for _, name := range []string{"example.com", "bb.example", "ab.example", `a\.b.example2`, "org.example.www"} {
			_, err := v.ClaimByWord(t.Context(), "acme", name)
			must(t, err)
		}
	})
}

// TestSitesNeedClaims: a customer's for each name and host; an operator gives his word.
func TestSitesNeedClaims(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme", "other")
		acme := s.As(store.Viewer{Name: "admin@acme", Customer: "acme"})
		o := siteOf("c1.steer.example", "acme")
		_, err := acme.Publish(t.Context(), store.Publication{Objects: []site.Object{o}})
		expect(t, err, store.ErrInvalid, "publishing site 'c1.steer.example': it is not said for which names site 'c1.steer.example' is answered")
		err = answeredFor(t, acme, o, "www.acme.example", "*.acme.example", "c1.steer.example")
		expect(t, err, store.ErrInvalid,
			"publishing site 'c1.steer.example': customer 'acme' has no proved claim to '*.acme.example', 'c1.steer.example', 'www.acme.example'")
		var lacking *store.Unproved
		if !errors.As(err, &lacking) || len(lacking.Names) != 3 {
			t.Errorf("Expected all names that lack a claim, got %+v", lacking)
		}
		proved(t, s, "acme", "acme.example")
		err = answeredFor(t, acme, o, "www.acme.example", "*.acme.example")
		expect(t, err, store.ErrInvalid, "publishing site 'c1.steer.example': customer 'acme' has no proved claim to 'c1.steer.example'")
		must(t, answeredFor(t, operator(s), o, "www.acme.example"))
		equal(t, "What the operator gave his word for", claimsOf(t, acme, ""), "acme.example acme txt, c1.steer.example acme operator")
		entries, err := operator(s).Audit(t.Context(), 0, 2)
		must(t, err)
		equal(t, "The audit", entries[1].Who+": "+entries[1].What, "ann: prove the claims to 'c1.steer.example' for customer 'acme' by operator")
		must(t, answeredFor(t, acme, siteOf("c1.steer.example", "", "changed"), "www.acme.example", "acme.example"))

		expect(t, acme.ReleaseClaim(t.Context(), "acme", "acme.example"), store.ErrConflict,
			"releasing the claim to 'acme.example': there are still sites that are answered for 'acme.example', 'www.acme.example'")
		equal(t, "After that", claimsOf(t, acme, ""), "acme.example acme txt, c1.steer.example acme operator")
		must(t, answeredFor(t, acme, siteOf("c1.steer.example", "")))
		must(t, acme.ReleaseClaim(t.Context(), "acme", "acme.example"))
		_, err = acme.Rollback(t.Context(), 2, 3, "")
		expect(t, err, store.ErrInvalid, "rolling back to revision 2: customer 'acme' has no proved claim to 'acme.example', 'www.acme.example'")
		_, err = operator(s).Rollback(t.Context(), 2, 3, "") // who gives his word
		must(t, err)
		equal(t, "After the operator rolled it back", claimsOf(t, acme, ""),
			"acme.example acme operator, c1.steer.example acme operator, www.acme.example acme operator")

		must(t, answeredFor(t, acme, site.Object{Kind: site.ObjectSite, Name: "c1.steer.example"}))
		err = answeredFor(t, operator(s), siteOf("www.acme.example", "other"))
		expect(t, err, store.ErrConflict, "publishing site 'www.acme.example': 'www.acme.example' overlaps with 'acme.example' of customer 'acme'")
		_, err = acme.Publish(t.Context(), store.Publication{Base: 5, Objects: []site.Object{siteOf("www.acme.example", "")},
			Claims: []store.SiteNames{{Site: "www.acme.example"}, {Site: "x.acme.example"}}})
		expect(t, err, store.ErrInvalid, "publishing site 'www.acme.example': names are said of site 'x.acme.example', which is not published")
		expect(t, answeredFor(t, acme, siteOf("www.acme.example", ""), "a b"), store.ErrInvalid, "")
	})
}

// TestASiteThatIsHandedOver takes the claims to its names along.
func TestASiteThatIsHandedOver(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		v := operator(s)
		newCustomers(t, s, "acme", "other")
		must(t, answeredFor(t, v, siteOf("www.acme.example", "acme"), "shop.acme.example"))
		must(t, answeredFor(t, v, siteOf("www.acme.example", "other"), "shop.acme.example"))
		equal(t, "The claims", claimsOf(t, v, ""), "shop.acme.example other operator, www.acme.example other operator")
		entries, err := v.Audit(t.Context(), 0, 3)
		must(t, err)
		equal(t, "The audit", entries[2].What, "release the claims to 'www.acme.example', 'shop.acme.example' of customer 'acme'")
		must(t, answeredFor(t, v, siteOf("www.acme.example", ""), "shop.acme.example"))
		equal(t, "Claims to the operator's own", claimsOf(t, v, ""), "")
		_, err = v.ClaimByWord(t.Context(), "acme", "shop.acme.example")
		expect(t, err, store.ErrConflict, "")
		must(t, answeredFor(t, v, siteOf("www.acme.example", "acme")))
		_, err = v.ClaimByWord(t.Context(), "other", "shop.acme.example")
		must(t, err)
		must(t, answeredFor(t, v, siteOf("a.www.acme.example", "acme")))
		expect(t, answeredFor(t, v, siteOf("www.acme.example", "other")), store.ErrConflict,
			"publishing site 'www.acme.example': there are still sites that are answered for 'a.www.acme.example'")
	})
}

// TestNamesOfOnePublication do not overlap with each other's either.
func TestNamesOfOnePublication(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		for _, owners := range [][2]string{{"acme", "other"}, {"other", "acme"}, {"", "acme"}, {"acme", ""}} {
			for _, names := range [][2]string{{"a.example", "a.example"}, {"a.example", "b.a.example"}, {"*.a.example", "c.b.a.example"}, {"*.a.example", "a.example"}} {
				one, two := siteOf("one.example.org", owners[0]), siteOf("two.example.org", owners[1])
				_, err := operator(s).Publish(t.Context(), store.Publication{Objects: []site.Object{one, two},
					Claims: []store.SiteNames{{Site: one.Name, Names: names[:1]}, {Site: two.Name, Names: names[1:]}}})
				expect(t, err, store.ErrConflict, "")
			}
		}
		one, two := siteOf("one.example.org", "acme"), siteOf("two.example.org", "acme")
		_, err := operator(s).Publish(t.Context(), store.Publication{Objects: []site.Object{one, two},
			Claims: []store.SiteNames{{Site: one.Name, Names: []string{"*.a.example"}}, {Site: two.Name, Names: []string{"b.a.example"}}}})
		must(t, err)
	})
}

// TestManyNamesThatOverlap are named, the first of them.
func TestManyNamesThatOverlap(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		sites := manySites(1200)
		for i := range sites {
			sites[i].Customer = "acme"
		}
		publish(t, operator(s), 0, sites...)
		for i := range sites {
			sites[i].Name, sites[i].Customer = "x."+sites[i].Name, "other"
		}
		_, err := operator(s).Publish(t.Context(), store.Publication{Base: 1, Objects: sites})
		expect(t, err, store.ErrConflict, "")
		for _, want := range []string{"'x.s000000.example.org' overlaps with 's000000.example.org' of customer 'acme'; ", "; 1190 more do"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Expected '%s' in '%v'", want, err)
			}
		}
	})
}

// TestSitesOfAnOlderProgram have their own names, and claims to these, once they are seen.
func TestSitesOfAnOlderProgram(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		older := func(name, customer, text string) {
			must(t, s.Do(t.Context(), "UPDATE objects SET until = 9 WHERE kind = 'site' AND name = ? AND until = {forever}", name))
			must(t, s.Do(t.Context(), "UPDATE counters SET value = value + 1 WHERE name = 'revision'"))
			must(t, s.Do(t.Context(), `INSERT INTO objects (kind, name, since, until, customer, adopted, text)
				SELECT 'site', ?, value, {forever}, ?, 0, ? FROM counters WHERE name = 'revision'`, name, customer, text))
		}
		older("www.acme.example", "acme", "site www.acme.example")
		older("www.example.org", "", "site www.example.org")
		older("gone.example.org", "", "")
		must(t, s.Close())
		s = open(t, cfg)
		v := operator(s)
		equal(t, "Claims after the start", claimsOf(t, v, ""), "www.acme.example acme operator")
		newCustomers(t, s, "other")
		for _, name := range []string{"a.www.acme.example", "example.org"} {
			_, err := v.ClaimByWord(t.Context(), "other", name)
			expect(t, err, store.ErrConflict, "")
		}
		_, err := v.ClaimByWord(t.Context(), "other", "gone.example.org")
		must(t, err)

		older("new.example.net", "acme", "site new.example.net") // a server that is not replaced yet
		older("www.example.org", "", "")
		_, err = v.ClaimByWord(t.Context(), "other", "example.net")
		expect(t, err, store.ErrConflict, "claiming 'example.net': 'example.net' overlaps with 'new.example.net' of customer 'acme'")
		_, err = v.ClaimByWord(t.Context(), "other", "example.org")
		must(t, err)
		older("late.example.net", "acme", "site late.example.net")
		expect(t, answeredFor(t, v, siteOf("a.late.example.net", "")), store.ErrConflict, "")
	})
}

// TestClaimsAtOnce has customers and operators claim names that overlap, at the same time.
func TestClaimsAtOnce(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		customers := []string{"a", "b", "c"}
		newCustomers(t, s, customers...)
		names := []string{"x.example", "y.x.example", "z.y.x.example", "example"}
		var all sync.WaitGroup
		won := make(map[string][]string)
		var mu sync.Mutex
		try := func(owner, name string, err error) {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won[owner] = append(won[owner], name)
			case !errors.Is(err, store.ErrConflict):
				t.Error(err)
			}
		}
		for _, name := range names {
			for _, c := range customers {
				all.Go(func() {
					_, err := operator(s).ClaimByWord(t.Context(), c, name)
					try(c, name, err)
				})
			}
			all.Go(func() {
				_, err := operator(s).Publish(t.Context(), store.Publication{Objects: []site.Object{siteOf(name, "")}})
				try("", name, err)
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Errorf("Expected one of them to have all that he asked for, got %v", won)
		}
	})
}

// BenchmarkClaim claims and releases a name beside 100,000 claims of others.
func BenchmarkClaim(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store, _ int64) {
		newCustomers(b, s, "acme")
		for b.Loop() {
			_, err := operator(s).ClaimByWord(b.Context(), "acme", "new.example.net")
			must(b, err)
			must(b, operator(s).ReleaseClaim(b.Context(), "acme", "new.example.net"))
		}
	})
}

// BenchmarkClaimAboveAll tries to claim what all 100,000 lie below.
func BenchmarkClaimAboveAll(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store, _ int64) {
		newCustomers(b, s, "acme")
		for b.Loop() {
			_, err := operator(s).ClaimByWord(b.Context(), "acme", "example.org")
			expect(b, err, store.ErrConflict, "")
		}
	})
}

// BenchmarkPublishNew publishes 100,000 sites that were not there.
func BenchmarkPublishNew(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := open(b, sqliteConfig(b))
		b.StartTimer()
		publish(b, operator(s), 0, manySites(many)...)
	}
}

// TestClaimsOfAnOnboarding are known as its own, and those that were there before are not.
func TestClaimsOfAnOnboarding(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme")
		v := customer(s, "acme")
		_, err := operator(s).ClaimByWord(t.Context(), "acme", "acme.example")
		must(t, err)
		o := site.Onboarding{ID: "one", Customer: "acme", Proof: site.ProofTXT}
		for _, name := range []string{"acme.example", "www.acme.net"} {
			_, err := v.ClaimByOnboarding(t.Context(), o, name)
			must(t, err)
		}
		for name, want := range map[string]string{"acme.example": "", "www.acme.net": "one"} {
			c, err := v.Claim(t.Context(), "acme", name)
			must(t, err)
			equal(t, "Who has made the claim to "+name, c.Onboarding, want)
		}
		must(t, v.ReleaseClaim(t.Context(), "acme", "www.acme.net"))
		c, err := v.BeginClaim(t.Context(), "acme", "www.acme.net")
		must(t, err)
		equal(t, "Who has made it once it was given back", c.Onboarding, "")
		o.Proof = site.ProofOperator
		_, err = v.ClaimByOnboarding(t.Context(), o, "acme.org")
		expect(t, err, store.ErrNotFound, "")
	})
}

// TestClaimsThatNobodyProves are bounded, for each customer.
func TestClaimsThatNobodyProves(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme", "other")
		first, err := customer(s, "acme").BeginClaim(t.Context(), "acme", "s0.example")
		must(t, err)
		must(t, s.Do(t.Context(), `INSERT INTO claims (customer, name, reversed, token, begun)
			WITH RECURSIVE others (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM others WHERE i < ?)
			SELECT customer, 's' || i || '.example', reversed, token, begun FROM claims, others`, int64(store.MaxUnproved-1)))
		_, err = customer(s, "acme").BeginClaim(t.Context(), "acme", "more.example")
		expect(t, err, store.ErrConflict, "claiming 'more.example': 1000 claims of customer 'acme' are not proved, which is the most: prove or release some")
		_, err = customer(s, "other").BeginClaim(t.Context(), "other", "other.example")
		must(t, err)
		again, err := customer(s, "acme").BeginClaim(t.Context(), "acme", "s0.example")
		must(t, err)
		equal(t, "One that is begun already", again, first)
		must(t, customer(s, "acme").ReleaseClaim(t.Context(), "acme", "s1.example"))
		_, err = customer(s, "acme").BeginClaim(t.Context(), "acme", "more.example")
		must(t, err)
	})
}

// TestAClaimIsNotReleasedWhileAServerAnswers by it, although the site is gone from the store.
func TestAClaimIsNotReleasedWhileAServerAnswers(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme")
		acme := customer(s, "acme")
		proved(t, s, "acme", "acme.example")
		gone := siteOf("www.acme.example", "acme")
		must(t, answeredFor(t, acme, gone, "www.acme.example", "shop.acme.example"))
		gone.Text = ""
		must(t, answeredFor(t, acme, gone))
		report := func(name string, revision int64) {
			t.Helper()
			must(t, s.Report(t.Context(), store.Server{Name: name, Revision: revision}))
		}
		report("new", 0)
		report("one", 2)
		report("two", 1)
		expect(t, acme.ReleaseClaim(t.Context(), "acme", "acme.example"), store.ErrConflict,
			"releasing the claim to 'acme.example': the sites that are answered for 'www.acme.example', 'shop.acme.example' are gone, but some server still answers by them: release it when all serve the newest revision")
		report("two", 2)
		must(t, acme.ReleaseClaim(t.Context(), "acme", "acme.example"))
	})
}
