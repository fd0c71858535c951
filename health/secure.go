package health

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// secure verifies the certificate against the system's roots, unless the target
// accepts any. protocols are those to offer by ALPN (RFC 7301).
func (c *call) secure(ctx context.Context, conn net.Conn, protocols ...string) (*tls.Conn, site.Failure, error) {
	return c.secureFrom(ctx, conn, nil, protocols...)
}

// secureFrom resumes the TLS session that sessions has, if it has one and the
// server agrees (RFC 8446, section 2.2). The certificate that was shown when the
// session began is verified again.
func (c *call) secureFrom(ctx context.Context, conn net.Conn, sessions tls.ClientSessionCache, protocols ...string) (*tls.Conn, site.Failure, error) {
	defer c.lap(&c.result.Phases.TLS)
	secured := tls.Client(conn, &tls.Config{
		ServerName:         cmp.Or(c.target.Host, c.url.Hostname()),
		InsecureSkipVerify: c.ask.SkipVerify, // the operator's choice, per probe
		NextProtos:         protocols,
		ClientSessionCache: sessions,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, site.FailureTLS, fmt.Errorf("negotiating TLS: %w", unnamed(err))
	}
	state := secured.ConnectionState()
	c.result.Expires = state.PeerCertificates[0].NotAfter
	c.result.Resumed = state.DidResume
	return secured, "", nil
}

// unnamed replaces an error that lists the names of the certificate: they are the
// target's own text, and may be many.
func unnamed(err error) error {
	var wrong x509.HostnameError
	if errors.As(err, &wrong) {
		return fmt.Errorf("the certificate is for other names, not %s", wrong.Host)
	}
	return err
}

// unexpired judges how long the server's certificate is still good for, which
// may have changed since the connection was made.
func (c *call) unexpired() (site.Failure, error) {
	left := time.Until(c.result.Expires)
	switch {
	case c.result.Expires.IsZero():
	case c.ask.Days > 0 && left < time.Duration(c.ask.Days)*24*time.Hour:
		return site.FailureExpiry, fmt.Errorf("the certificate expires at %s, within %d days", c.result.Expires.UTC().Format(time.RFC3339), c.ask.Days)
	case left <= 0 && !c.ask.SkipVerify:
		return site.FailureTLS, fmt.Errorf("the certificate has expired at %s", c.result.Expires.UTC().Format(time.RFC3339))
	}
	return "", nil
}
