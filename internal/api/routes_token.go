package api

import (
	"context"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

const tokensPath = "/v1/tokens"

func (a *API) registerTokens() {
	const about = "Users"
	register(a, operation{id: "list-tokens", does: "GET " + tokensPath, least: site.RoleCustomerReadonly, about: about, stored: true,
		summary: "The tokens of users, without their secrets"}, a.tokens)
	register(a, operation{id: "create-token", does: "POST " + tokensPath, least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "Make a token of a user",
		text:    "The answer has its secret, which is shown by no other one: only a hash of it is kept."}, a.createToken)
	register(a, operation{id: "revoke-token", does: "DELETE " + tokensPath + "/{id}", least: site.RoleCustomerAdmin, about: about, stored: true,
		summary: "End a token at once"}, a.revokeToken)
}

// Token is what a program shows to be a user, without its secret.
type Token struct {
	ID      string    `json:"id" doc:"What it is called" example:"KBZ3SJGGTBPX"`
	Owner   string    `json:"owner" doc:"The user who shows it" example:"alice"`
	Title   string    `json:"title,omitempty" doc:"What it is for" example:"deployment"`
	Created time.Time `json:"created" doc:"When it was made" example:"2026-01-02T03:04:05Z"`
	Expires time.Time `json:"expires,omitzero" doc:"When it ends; absent: never" example:"2027-01-02T03:04:05Z"`
	Used    time.Time `json:"used,omitzero" doc:"When it was used last, to a minute; absent: never" example:"2026-02-02T03:04:05Z"`
}

// NewToken is a token with its secret.
type NewToken struct {
	Token  Token  `json:"token" doc:"The token"`
	Secret string `json:"secret" doc:"What is shown in the header Authorization, behind 'Bearer '; nobody can look it up later" example:"cdr_bm90IGEgdG9rZW4sIGp1c3QgYW4gZXhhbXBsZSE"`
}

// withoutSecret is what is answered again.
func (t NewToken) withoutSecret() any { return NewToken{Token: t.Token} }

// TokenRequest is what can be said of a token.
type TokenRequest struct {
	Owner   string    `json:"owner" doc:"The user who will show it" example:"alice" minLength:"1"`
	Title   string    `json:"title,omitempty" doc:"What it is for" example:"deployment"`
	Expires time.Time `json:"expires,omitzero" doc:"When it ends; absent: never" example:"2027-01-02T03:04:05Z"`
}

// TokenList is an object, so that it may grow.
type TokenList struct {
	Tokens []Token `json:"tokens" doc:"The tokens, in the order of IDs" nullable:"false"`
	Next   string  `json:"next,omitempty" doc:"The cursor of the next part; absent: this is the last one" example:"KBZ3SJGGTBPX"`
}

type tokensInput struct {
	Page
	Owner string `query:"owner" doc:"The user whose they are; absent: all users" example:"alice"`
}

func (a *API) tokens(ctx context.Context, who Caller, in *tokensInput) (TokenList, error) {
	tokens, next, err := a.Identities.Tokens(ctx, in.Owner, in.limited(), who)
	return TokenList{some(tokens), next}, err
}

func (a *API) createToken(ctx context.Context, who Caller, in *struct{ Body TokenRequest }) (NewToken, error) {
	return a.Identities.CreateToken(ctx, in.Body, who)
}

type revokeInput struct {
	ID string `path:"id" doc:"The ID of the token" example:"KBZ3SJGGTBPX"`
}

func (a *API) revokeToken(ctx context.Context, who Caller, in *revokeInput) (Done, error) {
	return Done{}, a.Identities.RevokeToken(ctx, in.ID, who)
}
