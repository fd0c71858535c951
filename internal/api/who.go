package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/user"
	"regexp"
	"strconv"
)

// userHeader carries the name of the operator. It is what he says of himself:
// behind sudo the system knows root alone.
const userHeader = "Cdnredirect-User"

// userName is what may be the name of a user (useradd(8), with the dots and the
// domains that directories have).
var userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$`)

// uidKey is the key of the peer's user in a request's context.
type uidKey struct{}

// withPeer remembers who is at the other end of a connection.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	if p, ok := conn.(*placed); ok {
		return context.WithValue(ctx, uidKey{}, p.uid)
	}
	return ctx
}

// peerOf says who asks: by the name that he gives, and by what the system knows
// where that is somebody else.
func peerOf(r *http.Request) string {
	uid, known := r.Context().Value(uidKey{}).(uint32)
	name := r.Header.Get(userHeader)
	switch {
	case !known:
		return "somebody" // no connection of ours
	case !userName.MatchString(name):
		return nameOf(uid)
	case name == nameOf(uid):
		return name
	}
	return fmt.Sprintf("%s (uid %d)", name, uid)
}

// nameOf returns the name of a user, or his number if he has none.
func nameOf(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil && userName.MatchString(u.Username) {
		return u.Username
	}
	return "uid " + number
}
