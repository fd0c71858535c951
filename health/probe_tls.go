package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

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
	state := secured.ConnectionState()
	c.result.Protocol = tls.VersionName(state.Version)
	return c.lasting(state)
}

// lasting notes when the server's certificate expires, and fails if that is
// within Days. One that is not verified has to last as well if Days are asked.
func (c *call) lasting(state tls.ConnectionState) (site.Failure, error) {
	c.result.Expires = state.PeerCertificates[0].NotAfter
	if time.Until(c.result.Expires) < time.Duration(c.ask.Days)*24*time.Hour && c.ask.Days > 0 {
		return site.FailureExpiry, fmt.Errorf("looking at the certificate: it expires at %s, in less than %d days",
			c.result.Expires.UTC().Format(time.RFC3339), c.ask.Days)
	}
	return "", nil
}
