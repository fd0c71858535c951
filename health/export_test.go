package health

import (
	"context"
	"net"
)

// NewHTTPAsking is NewHTTP with a DNS server of the test's choice.
func NewHTTPAsking(dialDNS func(ctx context.Context, network, address string) (net.Conn, error)) Probe {
	return newHTTP("", dialDNS)
}

// SystemResolvers is systemResolvers.
var SystemResolvers = systemResolvers
