package api

import (
	"context"
	"io"
	"net"
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

// ConsoleOver serves a console that has a listener instead of a socket.
func (a *API) ConsoleOver(l net.Listener) *Console {
	ctx, stop := context.WithCancel(context.Background())
	c := &Console{api: a, socket: l, stop: stop}
	c.http = newHTTP(ctx, c, io.Discard)
	c.http.ConnContext, c.http.ConnState = withVisitor, seen
	c.Use(nil)
	return c
}
