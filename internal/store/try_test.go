package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// TestTryPublishChangesNothing and says what a publication would.
func TestTryPublishChangesNothing(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		acme := customer(s, "acme")
		good := siteOf("x.acme.example", "")
		p := store.Publication{Base: 2, Objects: []site.Object{good}, Claims: ownNames([]site.Object{good})}
		must(t, acme.TryPublish(t.Context(), p))
		other := siteOf("x.other.example", "")
		err := acme.TryPublish(t.Context(), store.Publication{Base: 2, Objects: []site.Object{other}, Claims: ownNames([]site.Object{other})})
		expect(t, err, store.ErrInvalid, "publishing site 'x.other.example': customer 'acme' has no proved claim to 'x.other.example'")
		entries, err := acme.Audit(t.Context(), 0, 1)
		must(t, err)
		before := entries[0].Number

		revision, err := acme.Publish(t.Context(), p)
		must(t, err)
		equal(t, "The number of the next revision", revision, 3)
		entries, err = acme.Audit(t.Context(), 0, 2)
		must(t, err)
		equal(t, "What the audit had before", entries[1].Number, before)
	})
}

// TestChangedIsWhatIsNotPublishedJustSo, with whose it stays.
func TestChangedIsWhatIsNotPublishedJustSo(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		same, err := operator(s).Object(t.Context(), site.ObjectSite, "www.acme.example")
		must(t, err)
		same.Customer = ""
		changed, err := operator(s).Changed(t.Context(), 0, same, siteOf("new.example.org", ""))
		must(t, err)
		equal(t, "What has changed", names(changed), "new.example.org")
		changed, err = operator(s).Changed(t.Context(), 0, siteOf("www.acme.example", "", "new"))
		must(t, err)
		equal(t, "Whose it is", changed[0].Customer, "acme")
		_, err = operator(s).Changed(t.Context(), 1, siteOf("www.acme.example", "", "new"))
		expect(t, err, store.ErrConflict, "comparing with what is published: site 'www.acme.example' has revision 2, and the change was made on revision 1: it was changed meanwhile")
		_, err = operator(s).Changed(t.Context(), 7, siteOf("www.acme.example", "", "new"))
		expect(t, err, store.ErrNotFound, "comparing with what is published: revision 7: not found (the last one is 2)")
	})
}

// TestACustomersTryWaitsForNobody: he only reads, whoever writes meanwhile.
func TestACustomersTryWaitsForNobody(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		tenants(t, s)
		good, other := siteOf("x.acme.example", ""), siteOf("x.other.example", "")
		p := store.Publication{Base: 2, Objects: []site.Object{good}, Claims: ownNames([]site.Object{good})}
		foreign := store.Publication{Base: 2, Objects: []site.Object{other}, Claims: ownNames([]site.Object{other})}
		must(t, s.Holding(t.Context(), func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			must(t, customer(s, "acme").TryPublish(ctx, p))
			expect(t, customer(s, "acme").TryPublish(ctx, foreign), store.ErrInvalid, "publishing site 'x.other.example': customer 'acme' has no proved claim to 'x.other.example'")
		}))
	})
}

// TestATryEndsByItself, however much time the request has.
func TestATryEndsByItself(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteConfig(t))
	good := siteOf("x.example.org", "")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	must(t, s.Holding(ctx, func() {
		began := time.Now()
		err := operator(s).TryPublish(ctx, store.Publication{Objects: []site.Object{good}, Claims: ownNames([]site.Object{good})})
		expect(t, err, context.DeadlineExceeded, "publishing site 'x.example.org': context deadline exceeded")
		if took := time.Since(began); took > time.Minute {
			t.Errorf("Expected it to end within seconds, it took %s", took)
		}
	}))
}
