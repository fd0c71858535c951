package provision_test

import (
	"errors"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/provision"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

func TestServicesAreThoseOfThePlanAndOfTheSite(t *testing.T) {
	text := func(lines string) string { return "site www.example.org class web {\n" + lines + "\n}" }
	mine := text("cdn big www.big.example service c1\ncdn other www.other.example service x priority 2")
	for _, c := range []struct {
		name, text, before string
		plan               []string
		want               []string
	}{
		{"No service", text("cdn big www.big.example"), "", nil, nil},
		{"No plan", mine, "", nil, []string{
			"cdn big: service 'c1' of cdn 'big' is not in the plan, which has none: an operator may name it for the site",
			"cdn other: service 'x' of cdn 'other' is not in the plan, which has none: an operator may name it for the site"}},
		{"In the plan", mine, "", []string{"big/c1", "other/x"}, nil},
		{"Of another CDN", mine, "", []string{"big/x", "other/c1", "other/x"}, []string{
			"cdn big: service 'c1' of cdn 'big' is not in the plan, which has big/x, other/c1, other/x: an operator may name it for the site"}},
		{"What cannot be read", "site www.example.org {", "", nil, []string{
			"cdn: which services it names cannot be read: text:1 - Error during parsing: the block that 'site www.example.org' opens here is not closed: '}' is missing"}},
		{"As it was", mine, text("cdn other elsewhere.example service x\ncdn big www.big.example service c1\nttl 10s"), nil, nil},
		{"As it was at another CDN", mine, text("cdn big www.big.example service x\ncdn other www.other.example service c1"), []string{"other/x"}, []string{
			"cdn big: service 'c1' of cdn 'big' is not in the plan, which has other/x: an operator may name it for the site"}},
	} {
		breaches := provision.Services(c.text, c.before, c.plan)
		for i, breach := range breaches {
			var of *site.PropertyError
			if !errors.As(breach, &of) || i >= len(c.want) || of.Property+": "+of.Error() != c.want[i] {
				t.Errorf("%s: Expected %q, got %v", c.name, c.want, breaches)
			}
		}
		if len(breaches) != len(c.want) {
			t.Errorf("%s: Expected %d breaches, got %v", c.name, len(c.want), breaches)
		}
	}
}

func TestServicesOfAPlanAreNamedWithTheirCDN(t *testing.T) {
	g := site.Guardrails{Services: []string{"big/c1", "c1", "/c1", "big/", "big/a b"}}
	err, ok := g.Validate().(interface{ Unwrap() []error })
	if !ok || len(err.Unwrap()) != 4 || err.Unwrap()[0].Error() != "'c1' is not a service of a CDN: write CDN/ID" {
		t.Errorf("Expected all but the first to be refused, got %v", g.Validate())
	}
}
