package site

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Push is what a host says of itself at one moment, without being asked.
type Push struct {
	Host     string // see CheckPusher
	Epoch    int64  // of its numbers: greater after they began anew
	Sequence int64  // greater than that of the push before, of the same epoch
	At       time.Time
	Values   map[Signal]float64 // in the signals' units
}

// pusher is the name of a host that pushes: of one of a customer's hosts the
// customer's name stands before it.
var pusher = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]{0,62}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,252}$`)

// bare is a host without the brackets that an address has in a URL.
var bare = strings.NewReplacer("[", "", "]", "")

// CheckPusher says what is wrong with the name of a host that pushes, or its address.
func CheckPusher(name string) error {
	plain := bare.Replace(withAddress(name))
	if _, err := netip.ParseAddr(plain); err != nil && !pusher.MatchString(plain) {
		return fmt.Errorf("'%s' is not the name of a host that pushes: write one such as web1, or customer/web1", name)
	}
	return nil
}

// Pusher is the host whose pushes a target of the feed "push" is made of.
func (t Target) Pusher() string { return bare.Replace(strings.TrimPrefix(t.URL, "push://")) }
