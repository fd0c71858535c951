package api

import (
	"net/http"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Handler returns what answers an operator of a server that has no socket.
func Handler(cfg Config) http.Handler {
	return New(cfg).As(Caller{Name: "ann", Role: site.RoleOperator})
}

// As returns what answers somebody.
func (a *API) As(who Caller) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, who) })
}

// Unheard returns a console that has no socket.
func (a *API) Unheard() http.Handler { return &Console{api: a} }
