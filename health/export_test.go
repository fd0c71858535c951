package health

import (
	"context"
	"net"
)

// NewHTTPAsking returns the probe of kind "http" with a DNS server of the test's
// choice.
func NewHTTPAsking(dialDNS func(ctx context.Context, network, address string) (net.Conn, error)) Probe {
	n := NewNetwork("")
	n.dialDNS = dialDNS
	return n.Probes()["http"]
}

// SystemResolvers is systemResolvers.
var SystemResolvers = systemResolvers
