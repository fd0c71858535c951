package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Authenticator knows who has a token.
type Authenticator interface {
	// Authenticate returns whose token that is. One that is unknown, or no longer good,
	// is ErrNotFound.
	Authenticate(ctx context.Context, token string) (Caller, error)
}

// tokenForm is that of all tokens; what has another one is not looked for.
var tokenForm = regexp.MustCompile(`^cdr_[A-Za-z0-9_-]{43}$`)

// authenticate says who asks over a network, or what he is told. It says the same of
// every token that is not good, and of none.
func (a *API) authenticate(w http.ResponseWriter, r *http.Request) (Caller, *Problem) {
	from := networkOf(r.RemoteAddr)
	if wait := a.failed.wait(from); wait > 0 {
		return Caller{}, tooMany(w, wait, "too many requests without a good token")
	}
	if r.Header.Get("Authorization") == "" && a.isOpen(r) {
		a.failed.take(from) // as often as others without a token
		return Caller{}, nil
	}
	who, err := a.callerOfToken(r)
	switch {
	case errors.Is(err, ErrNotFound):
		a.failed.take(from)
		w.Header().Set("WWW-Authenticate", `Bearer realm="cdnredirect"`)
		return Caller{}, problem(http.StatusUnauthorized, "a good token is needed: send 'Authorization: Bearer TOKEN'")
	case err != nil: // whose text may tell of the store
		a.Log.Warningf("looking for a token: %v", err)
		return Caller{}, problem(http.StatusServiceUnavailable, "nobody can be known at the moment")
	}
	if wait := a.asked.take(who); wait > 0 {
		return Caller{}, tooMany(w, wait, "too many requests")
	}
	if who.Customer != "" {
		if wait := a.askedOf.take(who.Customer); wait > 0 {
			return Caller{}, tooMany(w, wait, "too many requests of all users of customer '"+who.Customer+"'")
		}
	}
	return who, nil
}

// isOpen reports whether a request is one that nobody needs a role for.
func (a *API) isOpen(r *http.Request) bool {
	_, pattern := a.mux.Handler(r)
	return a.operations[pattern].open
}

// callerOfToken returns whose the token of a request is.
func (a *API) callerOfToken(r *http.Request) (Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !tokenForm.MatchString(token) || a.Tokens == nil {
		return Caller{}, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(r.Context(), authLimit)
	defer cancel()
	return a.Tokens.Authenticate(ctx, token)
}

// authLimit is how long it may take to find a token.
const authLimit = 5 * time.Second

func tooMany(w http.ResponseWriter, wait time.Duration, what string) *Problem {
	seconds := strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	w.Header().Set("Retry-After", seconds)
	return problem(http.StatusTooManyRequests, "%s: ask again after %s s", what, seconds)
}

// networkOf is whom a peer counts as: his address, or his network where a site has very
// many of them.
func networkOf(peer string) string {
	addr, err := netip.ParseAddrPort(peer)
	if err != nil {
		return peer
	}
	bits := 64
	if addr.Addr().Unmap().Is4() {
		bits = 32
	}
	network, err := addr.Addr().Unmap().WithZone("").Prefix(bits)
	if err != nil {
		return peer
	}
	return fmt.Sprint(network)
}
