package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// overlapping compares label by label: by the definition, and not as the store does.
func overlapping(a, b string) bool {
	below := func(name, of string) bool {
		of = strings.TrimPrefix(of, "*.")
		return name == of || strings.HasSuffix(name, "."+of)
	}
	return below(a, b) || below(b, a)
}

// owners says who has what, as the store ought to.
type owners struct {
	claims map[string][]string            // proved, by customer
	sites  map[string]map[string][]string // what each is answered for, by owner and site
}

func (o *owners) others(who string) (names []string) {
	for c, all := range o.claims {
		if c != who {
			names = append(names, all...)
		}
	}
	if who != "" {
		for _, all := range o.sites[""] {
			names = append(names, all...)
		}
	}
	return names
}

// free reports whether names overlap with nobody else's.
func (o *owners) free(who string, names []string) bool {
	others := o.others(who)
	for _, name := range names {
		if slices.ContainsFunc(others, func(other string) bool { return overlapping(name, other) }) {
			return false
		}
	}
	return true
}

func (o *owners) covered(who, name string, but string) bool {
	return slices.ContainsFunc(o.claims[who], func(c string) bool {
		if c == but {
			return false
		}
		if under, wild := strings.CutPrefix(c, "*."); wild {
			return strings.HasSuffix(name, "."+under)
		}
		return name == c || strings.HasSuffix(name, "."+c)
	})
}

// TestNamesOfTwoCustomersNeverOverlap does random things, each of which works just when
// the rules say so.
func TestNamesOfTwoCustomersNeverOverlap(t *testing.T) {
	s := open(t, sqliteConfig(t))
	newCustomers(t, s, "a", "b", "c")
	label := rapid.SampledFrom([]string{"x", "y", "xy"})
	names := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(label, 1, 4).Draw(t, "labels"), ".") })
	wild := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "", "*."}).Draw(t, "wild") + names.Draw(t, "name")
	})
	customers := rapid.SampledFrom([]string{"a", "b", "c"})
	everybody := rapid.SampledFrom([]string{"", "a", "b", "c"})

	rapid.Check(t, func(r *rapid.T) {
		for _, table := range []string{"claims", "names", "objects", "revisions"} {
			must(t, s.Do(t.Context(), "DELETE FROM "+table))
		}
		model := &owners{claims: map[string][]string{}, sites: map[string]map[string][]string{"": {}, "a": {}, "b": {}, "c": {}}}
		wants := func(what string, err error, works bool) bool {
			if works != (err == nil) || err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrInvalid) && !errors.Is(err, store.ErrNotFound) {
				r.Fatalf("Expected %s to work: %v, got %v, with %+v", what, works, err, model)
			}
			return works
		}
		put := func(who, site string, names []string) {
			for _, name := range names {
				if who != "" && !model.covered(who, name, "") {
					model.claims[who] = append(model.claims[who], name)
				}
			}
			model.sites[who][site] = names
		}
		publish := func(v *store.View, o site.Object, names []string) error {
			last, err := s.Revision(t.Context())
			must(t, err)
			p := store.Publication{Base: last, Objects: []site.Object{o}}
			if o.Text != "" {
				p.Claims = []store.SiteNames{{Site: o.Name, Names: names}}
			}
			tried := v.TryPublish(t.Context(), p)
			if _, err = v.Publish(t.Context(), p); fmt.Sprint(tried) != fmt.Sprint(err) {
				r.Fatalf("Expected a try to say what the publication does: %v, got %v", err, tried)
			}
			return err
		}
		r.Repeat(map[string]func(*rapid.T){
			"claim": func(r *rapid.T) {
				who, name := customers.Draw(r, "who"), wild.Draw(r, "name")
				has := slices.Contains(model.claims[who], name)
				_, err := operator(s).ClaimByWord(t.Context(), who, name)
				if wants("the claim of "+who+" to "+name, err, has || model.free(who, []string{name})) && !has {
					model.claims[who] = append(model.claims[who], name)
				}
			},
			"prove": func(r *rapid.T) {
				who, name := customers.Draw(r, "who"), names.Draw(r, "name")
				has := slices.Contains(model.claims[who], name)
				v := customer(s, who)
				c, err := v.BeginClaim(t.Context(), who, name)
				if err == nil {
					_, err = v.ProveClaim(t.Context(), who, name, c.Token)
				}
				if wants("the proof of "+who+" to "+name, err, has || model.free(who, []string{name})) && !has {
					model.claims[who] = append(model.claims[who], name)
				}
			},
			"release": func(r *rapid.T) {
				who, name := customers.Draw(r, "who"), wild.Draw(r, "name")
				works := slices.Contains(model.claims[who], name)
				for _, all := range model.sites[who] {
					for _, one := range all {
						works = works && model.covered(who, one, name)
					}
				}
				if wants("the release of "+name+" of "+who, customer(s, who).ReleaseClaim(t.Context(), who, name), works) {
					model.claims[who] = slices.DeleteFunc(model.claims[who], func(c string) bool { return c == name })
				}
			},
			"publish": func(r *rapid.T) {
				who, own := everybody.Draw(r, "who"), names.Draw(r, "site")
				for other, sites := range model.sites {
					if _, there := sites[own]; there && other != who {
						r.Skip("a site that is handed over has a test of its own")
					}
				}
				all := append(rapid.SliceOfN(wild, 0, 2).Draw(r, "names"), own)
				v, works := operator(s), false
				before := model.sites[who][own]
				delete(model.sites[who], own)
				if who != "" && rapid.Bool().Draw(r, "himself") {
					v, works = customer(s, who), true
					for _, name := range all {
						works = works && model.covered(who, name, "")
					}
				} else {
					var lacking []string
					for _, name := range all {
						if who == "" || !model.covered(who, name, "") {
							lacking = append(lacking, name)
						}
					}
					works = model.free(who, lacking)
				}
				model.sites[who][own] = before
				if before == nil {
					delete(model.sites[who], own)
				}
				if wants("publishing "+own+" for '"+who+"'", publish(v, siteOf(own, who), all), works) {
					put(who, own, all)
				}
			},
			"remove": func(r *rapid.T) {
				who, own := everybody.Draw(r, "who"), names.Draw(r, "site")
				if _, there := model.sites[who][own]; !there {
					r.Skip("there is none")
				}
				must(t, publish(operator(s), site.Object{Kind: site.ObjectSite, Name: own}, nil))
				delete(model.sites[who], own)
			},
			"": func(r *rapid.T) { checkOwners(t, r, s, model) },
		})
	})
}

// checkOwners looks at what the store has, whatever ought to be there.
func checkOwners(t *testing.T, r *rapid.T, s *store.Store, model *owners) {
	claims, err := operator(s).Claims(t.Context(), "", store.Claim{}, 0)
	must(t, err)
	has := map[string][]string{}
	for _, c := range claims {
		if !c.Proved.IsZero() {
			has[c.Customer] = append(has[c.Customer], c.Name)
		}
	}
	for _, all := range model.sites[""] {
		has[""] = append(has[""], all...)
	}
	for one, all := range has {
		for other, others := range has {
			for _, name := range all {
				for _, theirs := range others {
					if one != other && overlapping(name, theirs) {
						r.Fatalf("Expected no overlap, got '%s' of '%s' and '%s' of '%s'", name, one, theirs, other)
					}
				}
			}
		}
	}
}
