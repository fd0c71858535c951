package store_test

import (
	"fmt"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func TestStandingOfNames(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		newCustomers(t, s, "acme", "other")
		for owner, name := range map[string]string{"acme": "acme.example", "other": "other.example"} {
			_, err := operator(s).ClaimByWord(t.Context(), owner, name)
			must(t, err)
		}
		publish(t, operator(s), 0, site.Object{Kind: site.ObjectSite, Name: "own.example", Text: "site own.example {\n}"})
		for name, want := range map[string]string{
			"www.acme.example":  "[] <nil>",
			"*.acme.example":    "[] <nil>",
			"www.free.example":  "[www.free.example] <nil>",
			"www.other.example": "[www.other.example] 'www.other.example' is taken, or a name above or below it is",
			"x.own.example":     "[x.own.example] 'x.own.example' is taken, or a name above or below it is",
		} {
			got, err := customer(s, "acme").Standing(t.Context(), "acme", []string{name})
			must(t, err)
			equal(t, name, fmt.Sprint(got.Lacking, got.Taken), want)
		}
		_, err := customer(s, "acme").Standing(t.Context(), "acme", []string{"a..b"})
		expect(t, err, store.ErrInvalid, "looking names up: 'a..b' is not a domain name: labels of 1 to 63 octets, 255 octets in all")
	})
}
