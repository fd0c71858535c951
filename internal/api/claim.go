package api

import (
	"context"
	"errors"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Claims is what the API asks of the names that customers have proved to control, or are to
// prove. Names have no final dot here and are otherwise canonical. What the caller may not
// see is not there for him.
type Claims interface {
	// Claims returns a part of the claims of a customer, or of all with an empty name, in
	// the order of customers and names, and the cursor of the next part; empty: there is
	// none.
	Claims(ctx context.Context, customer string, p Page, who Caller) (claims []Claim, next string, err error)

	// BeginClaim makes a claim, which is proved at once by an operator's word. One that is
	// there is returned as it is. A name that is somebody else's is ErrConflict.
	BeginClaim(ctx context.Context, r ClaimRequest, who Caller) (Claim, error)

	// ProveClaim looks the record of a claim up, and ends the claim if it is there;
	// otherwise it is ErrUnproved.
	ProveClaim(ctx context.Context, customer, name string, who Caller) (Claim, error)

	// ReleaseClaim gives a name back. One that a site is answered for is ErrConflict.
	ReleaseClaim(ctx context.Context, customer, name string, who Caller) error
}

// ErrUnproved says that no record shows a claim to be true.
var ErrUnproved = errors.New("it is not proved")

// Claim is a name that a customer has proved to control, with all that is below it, or is
// to prove.
type Claim struct {
	Name     string         `json:"name" doc:"A DNS name or a host, without a final dot" example:"example.org"`
	Customer string         `json:"customer" doc:"Whose it is" example:"acme"`
	Begun    time.Time      `json:"begun" doc:"When it was claimed" example:"2026-01-02T03:04:05Z"`
	Proof    site.ProofKind `json:"proof,omitempty" enum:"txt,operator" doc:"How it was proved; absent: it is not" example:"txt"`
	Proved   time.Time      `json:"proved,omitzero" doc:"When it was proved; absent: it is not" example:"2026-01-02T03:14:05Z"`
	Record   *ProofRecord   `json:"record,omitempty" doc:"The TXT record that proves it; absent: it is proved"`
}

// ClaimRequest asks for a claim.
type ClaimRequest struct {
	Name     string         `json:"name" doc:"A DNS name or a host; what is below it is claimed with it" example:"example.org"`
	Customer string         `json:"customer,omitempty" doc:"Whose it is to be, which an operator says; absent: the caller's customer's" example:"acme"`
	Proof    site.ProofKind `json:"proof,omitempty" enum:"txt,operator" doc:"How it is proved: by a TXT record, or by the word of the operator who asks; default txt" example:"txt"`
}

// ClaimList is an object, so that it may grow.
type ClaimList struct {
	Claims []Claim `json:"claims" doc:"The claims, in the order of customers and names" nullable:"false"`
	Next   string  `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"acme/example.org"`
}
