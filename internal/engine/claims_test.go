//go:build linux

package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestAClaimIsProvedByItsRecord, which is looked up, and by nothing else.
func TestAClaimIsProvedByItsRecord(t *testing.T) {
	b := newBed(t)
	ctx, claims := context.Background(), b.Resources().Claims
	begun, err := claims.BeginClaim(ctx, api.ClaimRequest{Name: "example.org", Customer: "acme"}, ofAcme)
	must(t, err)
	if r := begun.Record; r == nil || r.Name != "_cdnredirect.example.org" || !strings.HasPrefix(r.Text, "cdnredirect=") || !begun.Proved.IsZero() || begun.Proof != "" {
		t.Fatalf("Expected a record to be set, got %+v", begun)
	}
	const record = "_cdnredirect.example.org. TXT"
	said := "it is not proved: set this record: _cdnredirect.example.org TXT \"" + begun.Record.Text + "\": "
	for found, want := range map[string]string{
		"": said + "there is none",
		`_cdnredirect.example.org. 30 IN TXT "cdnredirect=OTHER"`: said + `there is "cdnredirect=OTHER"`,
		"SERVFAIL": "it is not proved: looking for _cdnredirect.example.org TXT \"" + begun.Record.Text + "\": ",
	} {
		b.world.resolvers.set(record, found)
		_, err := claims.ProveClaim(ctx, "acme", "example.org", ofAcme)
		if !errors.Is(err, api.ErrUnproved) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: Expected %q, got %v", found, want, err)
		}
	}
	if _, err := claims.ProveClaim(ctx, "acme", "example.org", ofOther); !errors.Is(err, api.ErrNotFound) || strings.Contains(err.Error(), begun.Record.Text) {
		t.Errorf("Expected another customer not to find it, got %v", err)
	}
	b.world.resolvers.set(record, `_cdnredirect.example.org. 30 IN TXT "`+begun.Record.Text+`"`)
	proved, err := claims.ProveClaim(ctx, "acme", "example.org", ofAcme)
	must(t, err)
	if proved.Proof != site.ProofTXT || proved.Proved.IsZero() || proved.Record != nil {
		t.Errorf("Expected it to be proved, got %+v", proved)
	}
	b.world.resolvers.set(record, "")
	again, err := claims.ProveClaim(ctx, "acme", "example.org", ofAcme)
	must(t, err)
	if again != proved {
		t.Errorf("Expected %+v to stay, got %+v", proved, again)
	}
	_, err = claims.BeginClaim(ctx, api.ClaimRequest{Name: "www.example.org", Customer: "other"}, ofOther)
	if !errors.Is(err, api.ErrConflict) || strings.Contains(err.Error(), "acme") {
		t.Errorf("Expected the name to be taken, and not by whom, got %v", err)
	}
	must(t, claims.ReleaseClaim(ctx, "acme", "example.org", ofAcme))
	if got := b.claims(t, "acme"); got != nil {
		t.Errorf("Expected no claim to be left, got %q", got)
	}
}

func TestClaimsByAnOperatorsWord(t *testing.T) {
	b := newBed(t)
	ctx, claims := context.Background(), b.Resources().Claims
	for _, name := range []string{"b.example", "a.example"} {
		c, err := claims.BeginClaim(ctx, api.ClaimRequest{Name: name, Customer: "acme", Proof: site.ProofOperator}, alice)
		must(t, err)
		if c.Proof != site.ProofOperator || c.Proved.IsZero() || c.Record != nil {
			t.Errorf("Expected it to be proved, got %+v", c)
		}
	}
	_, err := claims.BeginClaim(ctx, api.ClaimRequest{Name: "c.example", Customer: "other"}, alice)
	must(t, err)
	if _, err := claims.BeginClaim(ctx, api.ClaimRequest{Name: "d.example", Customer: "acme", Proof: site.ProofOperator}, ofAcme); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("Expected a customer to have no such word, got %v", err)
	}
	audit, _, err := b.Resources().Identities.Audit(ctx, 0, 2, alice)
	must(t, err)
	if audit[1].What != "prove the claim to 'a.example' for customer 'acme' by operator" || audit[1].Who != alice.Name {
		t.Errorf("Expected the audit to have it, got %+v", audit)
	}
	list := func(customer, cursor string, limit int, who api.Caller) (names []string, next string) {
		t.Helper()
		found, next, err := claims.Claims(ctx, customer, api.Page{Cursor: cursor, Limit: limit}, who)
		must(t, err)
		for _, c := range found {
			names = append(names, c.Customer+" "+c.Name)
		}
		return names, next
	}
	for _, c := range []struct {
		customer, cursor string
		limit            int
		who              api.Caller
		want             []string
		next             string
	}{
		{"", "", 10, alice, []string{"acme a.example", "acme b.example", "other c.example"}, ""},
		{"", "", 2, alice, []string{"acme a.example", "acme b.example"}, "acme/b.example"},
		{"", "acme/b.example", 2, alice, []string{"other c.example"}, ""},
		{"acme", "", 1, alice, []string{"acme a.example"}, "acme/a.example"},
		{"", "", 10, ofOther, []string{"other c.example"}, ""},
		{"acme", "", 10, ofOther, nil, ""},
	} {
		if names, next := list(c.customer, c.cursor, c.limit, c.who); !slices.Equal(names, c.want) || next != c.next {
			t.Errorf("%+v: Expected %q, %q, got %q, %q", c, c.want, c.next, names, next)
		}
	}
}
