package health

import (
	"context"
	"crypto/tls"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// askTLS is the probe of kind "tls": a handshake with the target and a look at
// its certificate, which must be good for the target's Host and last for Days.
func askTLS(ctx context.Context, c *call) (site.Failure, error) {
	conn, failure, err := c.connect(ctx, "tcp")
	if err != nil {
		return failure, err
	}
	defer conn.Close()
	secured, failure, err := c.secure(ctx, conn)
	if err != nil {
		return failure, err
	}
	c.result.Protocol = tls.VersionName(secured.ConnectionState().Version)
	return c.unexpired()
}
