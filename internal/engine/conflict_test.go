//go:build linux

package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestAConflictSaysWhatItIs: what stands in the way has not always been changed meanwhile,
// and what is not there is said once.
func TestAConflictSaysWhatItIs(t *testing.T) {
	b := newBed(t)
	ctx, claims, c := context.Background(), b.Resources().Claims, b.Configuration()
	claim := func(customer, name string) error {
		_, err := claims.BeginClaim(ctx, api.ClaimRequest{Name: name, Customer: customer, Proof: site.ProofOperator}, alice)
		return err
	}
	must(t, claim("acme", "example.org"))
	ofHis := aSite("www")
	put, err := c.PutDraft(ctx, api.DraftTexts{Sources: []api.Source{{Name: "www", Text: ofHis}}}, ofAcme)
	must(t, err)
	_, err = c.Publish(ctx, api.PublishRequest{Why: "a test"}, ofAcme)
	must(t, err)
	_, err = c.PutDraft(ctx, api.DraftTexts{Base: put.Base + 1, Sources: []api.Source{{Name: "new", Text: aSite("new")}}}, alice)
	must(t, err)
	_, stale := c.Publish(ctx, api.PublishRequest{Base: 7, Why: "a test"}, alice)
	for want, got := range map[string]struct{ err, kind error }{
		"claiming 'www.example.org': 'www.example.org' overlaps with 'example.org' of customer 'acme'":        {claim("other", "www.example.org"), api.ErrConflict},
		"releasing the claim to 'example.org': there are still sites that are answered for 'www.example.org'": {claims.ReleaseClaim(ctx, "acme", "example.org", alice), api.ErrConflict},
		"releasing the claim to 'none.example': a claim to 'none.example' of customer 'acme': not found":      {claims.ReleaseClaim(ctx, "acme", "none.example", alice), api.ErrNotFound},
		"changed in the meantime: the draft was made on revision 1, not on 7":                                 {stale, api.ErrConflict},
	} {
		if !errors.Is(got.err, got.kind) || got.err.Error() != want {
			t.Errorf("Expected %q, got %v", want, got.err)
		}
	}
}
