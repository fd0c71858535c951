package health

import "net/netip"

// Allow is a stub until the merge.
func (n *Network) Allow([]netip.Prefix) {}
