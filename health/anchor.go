package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// AskAnchor asks an anchor for a sign of life: it connects by TCP. A refusal is
// one, too: somebody is there, and packets find the way.
func AskAnchor(ctx context.Context, anchor netip.AddrPort) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", anchor.String())
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil
	case err != nil:
		return fmt.Errorf("connecting to the anchor %s: %w", anchor, err)
	}
	return conn.Close()
}
