package site

import (
	"fmt"
	"net/netip"
	"time"
)

// Guard is when the monitor doubts itself: when so many sites would leave their
// origins at once, and anchors are silent too, it is the monitor that is cut off.
type Guard struct {
	Share   float64 // of all sites, 0 to 1
	Within  time.Duration
	Anchors []netip.AddrPort // that answer as long as the monitor is connected; none: there is no guard
}

// GuardLeast is how many sites a mass is at least.
const GuardLeast = 10

// On reports whether there is a guard.
func (g Guard) On() bool { return len(g.Anchors) > 0 }

// Validate checks the guard.
func (g Guard) Validate() error {
	switch {
	case !(g.Share > 0 && g.Share <= 1):
		return fmt.Errorf("share %s is not above 0%% and at most 100%%", formatShare(g.Share))
	case g.Within < time.Second || g.Within > time.Hour:
		return fmt.Errorf("time %s is not from 1s to 1h", g.Within)
	}
	for _, anchor := range g.Anchors {
		if anchor.Addr().Unmap().IsLoopback() {
			return fmt.Errorf("anchor '%s' is this machine itself, which always answers: name somebody on the other side of its uplink", anchor)
		}
	}
	return nil
}

// Mass returns how many of some sites are a mass.
func (g Guard) Mass(sites int) int { return max(GuardLeast, int(g.Share*float64(sites)+0.999999)) }
