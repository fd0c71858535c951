package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// claims have one that is proved and one that is not, which is proved once it was asked for
// as often as it takes.
type claims struct {
	store
	takes int
	fails error // in the place of what is missing
}

func aClaim(name string, proved bool) api.Claim {
	c := api.Claim{Name: name, Customer: "acme", Begun: then}
	if proved {
		c.Proof, c.Proved = site.ProofTXT, then
	} else {
		c.Record = &api.ProofRecord{Name: "_cdnredirect." + name, Text: "cdnredirect=TOKEN"}
	}
	return c
}

func (c *claims) Claims(_ context.Context, customer string, p api.Page, _ api.Caller) ([]api.Claim, string, error) {
	all, next, err := inParts(p, aClaim("a.example", true), aClaim("b.example", false))
	c.note("claims of '%s'", customer)
	return all, next, err
}

func (c *claims) BeginClaim(_ context.Context, r api.ClaimRequest, _ api.Caller) (api.Claim, error) {
	return aClaim(r.Name, r.Proof == site.ProofOperator), c.note("begin %+v", r)
}

func (c *claims) ProveClaim(_ context.Context, customer, name string, _ api.Caller) (api.Claim, error) {
	c.note("prove %s of %s", name, customer)
	if c.takes--; c.takes < 0 {
		return aClaim(name, true), nil
	}
	if c.fails != nil {
		return api.Claim{}, c.fails
	}
	return api.Claim{}, fmt.Errorf("%w: there is none", api.ErrUnproved)
}

func (c *claims) ReleaseClaim(_ context.Context, customer, name string, _ api.Caller) error {
	return c.note("release %s of %s", name, customer)
}

func TestClaim(t *testing.T) {
	const missing = "Unprocessable Entity: it is not proved: there is none\n"
	for _, c := range []struct {
		args                     string
		takes                    int
		fails                    error
		code                     int
		stdout, complaint, asked string
	}{
		{"list --customer acme", 0, nil, 0, `NAME       CUSTOMER  PROOF  SINCE                 TO BE SET
a.example  acme      txt    2026-01-02T03:04:05Z  -
b.example  acme      -      -                     _cdnredirect.b.example TXT "cdnredirect=TOKEN"
`, "", "claims of 'acme', claims of 'acme'"},
		{"begin a.example --customer acme", 0, nil, 0, "to be set: _cdnredirect.a.example TXT \"cdnredirect=TOKEN\"\n", "", "begin {Name:a.example Customer:acme Proof:}"},
		{"begin a.example --customer acme --proof operator", 0, nil, 0, "a.example is proved to be acme's\n", "", "begin {Name:a.example Customer:acme Proof:operator}"},
		{"prove a.example --customer acme", 0, nil, 0, "a.example is proved to be acme's\n", "", "prove a.example of acme"},
		{"prove a.example --customer acme", 1, nil, 3, "", "cdnctl: " + missing, "prove a.example of acme"},
		{"prove a.example --customer acme --wait 1m", 1, nil, 0, "a.example is proved to be acme's\n", "waiting: " + missing, "prove a.example of acme, prove a.example of acme"},
		{"prove a.example --customer acme --wait 100ms", 9, nil, 3, "", "waiting: " + missing + "cdnctl: " + missing, "prove a.example of acme, prove a.example of acme"},
		{"prove a.example --customer acme --wait 1m", 1, fmt.Errorf("'a.example': %w", api.ErrNotFound), 3, "", "cdnctl: Not Found: 'a.example': not found\n", "prove a.example of acme"},
		{"release a.example --customer acme", 0, nil, 0, "", "", "release a.example of acme"},
		{"prove a.example --wait -1s", 0, nil, 2, "", "cdnctl: --wait -1s is not a time above 0: write such as 30m or 2h\n", ""},
		{"begin a.example", 0, nil, 3, "", "cdnctl: Bad Request: body.customer: say which customer's the claim is\n", ""}, // over the socket
	} {
		s := &claims{takes: c.takes, fails: c.fails}
		code, stdout, complaint := against(t, api.Config{Engine: fake{}, Store: s, Log: silent{}, Resources: api.Resources{Claims: s}}, append([]string{"claim"}, strings.Fields(c.args)...)...)
		if asked := strings.Join(s.asked, ", "); code != c.code || stdout != c.stdout || complaint != c.complaint || asked != c.asked {
			t.Errorf("%s: Expected %d, %q, %q and\n%s\ngot %d, %q, %q and\n%s", c.args, c.code, c.complaint, c.asked, c.stdout, code, complaint, asked, stdout)
		}
	}
}
