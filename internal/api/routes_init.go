package api

import "context"

const initPath = "/v1/init"

func (a *API) registerInit() {
	register(a, operation{id: "make-first-operator", does: "POST " + initPath, about: "Users", open: true, stored: true,
		summary: "Make the first user, an operator, and a token of his",
		text:    "Over the unix socket who may use it may do this. Elsewhere nobody can show a token yet: the server has written one to its log that is good for this once, and five wrong ones end it. It is 401 without that, and 409 once there are users."}, a.first)
}

// Beginning makes the first user.
type Beginning interface {
	// Initialize makes an operator, if there is no user yet, and returns the secret
	// of a token of his. Who is no operator needs the invitation that the server has
	// written to its log; without it he is ErrNotInvited, whatever there is.
	Initialize(ctx context.Context, name, invitation string, who Caller) (secret string, err error)
}

// InitRequest asks for the first operator.
type InitRequest struct {
	Name  string `json:"name" doc:"What he is to be called" example:"alice" minLength:"1"`
	Token string `json:"token,omitempty" doc:"What the server has written to its log; over the unix socket it is not needed" example:"cdi_NOTATOKENJUSTANEXAMPLE"`
}

// Initialized is the first operator.
type Initialized struct {
	Name   string `json:"name" doc:"What he is called" example:"alice"`
	Secret string `json:"secret" doc:"What he shows in the header Authorization, behind 'Bearer '; nobody can look it up later" example:"cdr_bm90IGEgdG9rZW4sIGp1c3QgYW4gZXhhbXBsZSE"`
}

// withoutSecret is what is answered again.
func (i Initialized) withoutSecret() any { return Initialized{Name: i.Name} }

func (a *API) first(ctx context.Context, who Caller, in *struct{ Body InitRequest }) (Initialized, error) {
	secret, err := a.Beginning.Initialize(ctx, in.Body.Name, in.Body.Token, who)
	return Initialized{in.Body.Name, secret}, err
}
