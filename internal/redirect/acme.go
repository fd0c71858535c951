package redirect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"

	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/caddyserver/certmagic"
)

// acme gets certificates at the first handshake for a name (RFC 8555), and
// answers the authority at the same address (RFC 8737).
type acme struct {
	cache *certmagic.Cache
	tls   *tls.Config
}

// newACME returns what speaks TLS at an address with certificates for the names
// that are known.
func newACME(a site.ACME, addr netip.AddrPort, known func(host string) bool, log Logger) (*acme, error) {
	roots, err := rootsOf(a.Root)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of 'acme': %w", err)
	}
	said := newZap(log)
	var config *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return config, nil },
		Logger:           said,
	})
	config = certmagic.New(cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: a.Dir},
		Logger:  said,
		OnDemand: &certmagic.OnDemandConfig{DecisionFunc: func(_ context.Context, host string) error {
			if !known(host) {
				return fmt.Errorf("'%s' is no host of a site with 'redirect'", host)
			}
			return nil
		}},
	})
	config.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(config, certmagic.ACMEIssuer{
		CA: a.CA, Email: a.Email, Agreed: true, TrustedRoots: roots, Logger: said,
		DisableHTTPChallenge: true, ListenHost: addr.Addr().String(), AltTLSALPNPort: int(addr.Port()),
	})}
	spoken := config.TLSConfig()
	spoken.GetCertificate = (&orders{get: spoken.GetCertificate, known: known, of: make(map[string]*order)}).certificate
	spoken.NextProtos = append([]string{"h2", "http/1.1"}, spoken.NextProtos...)
	return &acme{cache: cache, tls: spoken}, nil
}

// rootsOf reads the certificates of an authority; nil: the system's.
func rootsOf(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading root '%s' of 'acme': %w", path, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading root '%s' of 'acme': there is no certificate in it", path)
	}
	return roots, nil
}

func (a *acme) config() *tls.Config { return a.tls }

func (a *acme) close() { a.cache.Stop() }
