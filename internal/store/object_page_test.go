package store_test

import (
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

func TestObjectsComeInParts(t *testing.T) {
	contract(t, func(t *testing.T, s *store.Store) {
		newCustomers(t, s, "acme")
		v := operator(s)
		class := func(name string) site.Object {
			return site.Object{Kind: site.ObjectClass, Name: name, Text: "class " + name}
		}
		publish(t, v, 0, class("web"), class("Web"), class("w_b"), class("größe"), siteOf("a.example.org", ""), siteOf("a-b.example.org", "acme"), siteOf("b.example.org", ""), siteOf("gone.example.org", ""))
		publish(t, v, 1, site.Object{Kind: site.ObjectSite, Name: "gone.example.org"})
		for _, q := range []store.ObjectQuery{
			{Kind: site.ObjectSite},
			{Kind: site.ObjectSite, Limit: 1},
			{Kind: site.ObjectSite, Limit: 2},
		} {
			var all []string
			for {
				revision, part, err := v.ObjectPage(t.Context(), q)
				must(t, err)
				equal(t, "the revision", revision, int64(2))
				if len(part) == 0 {
					break
				}
				for _, o := range part {
					all = append(all, o.Name)
				}
				q.After = part[len(part)-1].Name
			}
			if got := len(all); got != 3 || !strings.HasPrefix(all[2], "b.") {
				t.Errorf("By %d: Expected each of the three sites once, b.example.org last, got %q", q.Limit, all)
			}
		}
		for prefix, want := range map[string]string{"w": "w_b, web", "W": "Web", "w_": "w_b", "we%": "", "grö": "größe"} {
			_, found, err := v.ObjectPage(t.Context(), store.ObjectQuery{Kind: site.ObjectClass, Prefix: prefix})
			must(t, err)
			var got []string
			for _, o := range found {
				got = append(got, o.Name)
			}
			if len(got) == 2 && got[0] == "web" { // databases have their own orders
				got[0], got[1] = got[1], got[0]
			}
			equal(t, "the classes of prefix "+prefix, strings.Join(got, ", "), want)
		}
	})
}
