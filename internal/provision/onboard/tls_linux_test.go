package onboard_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates of web servers.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &authority{cert, key}
}

// pem is what trusts it.
func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// origin is a web server over TLS with a certificate of some names.
func (a *authority) origin(t *testing.T, names ...string) *httptest.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	must(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s over TLS for %s", r.Host, r.TLS.ServerName)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// TestOriginsOverTLS: a real node asks only an origin that shows a certificate of the host,
// of an authority that is trusted, unless the probe of the site looks at none.
func TestOriginsOverTLS(t *testing.T) {
	t.Parallel()
	n, trusted := startNginx(t), newAuthority(t)
	write(t, n.dir, "cdnredirect_trusted.pem", trusted.pem())
	for i, c := range []struct {
		name string
		of   *authority
		on   string // the name in the certificate; empty: the site's
		any  bool
		want string
	}{
		{"of the host", trusted, "", false, "%[1]s over TLS for %[1]s"},
		{"of another name", trusted, "other.example.org", false, "502 Bad Gateway"},
		{"of an authority that is not trusted", newAuthority(t), "", false, "502 Bad Gateway"},
		{"of another name, and not looked at", trusted, "other.example.org", true, "%[1]s over TLS for %[1]s"},
	} {
		host := fmt.Sprintf("s%d.example.org", i)
		name := c.on
		if name == "" {
			name = host
		}
		r := requestOf(t, c.of.origin(t, name), host)
		r.Site.Probes[0].URL = strings.Replace(r.Site.Probes[0].URL, "http:", "https:", 1)
		r.Site.Probes[0].Ask.SkipVerify = c.any
		_, err := n.provider.Create(context.Background(), r)
		must(t, err)
		want := c.want
		if strings.Contains(want, "%") {
			want = fmt.Sprintf(want, host)
		}
		n.await(t, host, "/", want)
	}
}

// TestWhatTheSystemTrusts is what a node trusts that has no file of its own.
func TestWhatTheSystemTrusts(t *testing.T) {
	t.Parallel()
	n := startNginx(t)
	at := newAuthority(t).origin(t, "www.example.org")
	r := requestOf(t, at, "www.example.org")
	r.Site.Probes[0].URL = strings.Replace(r.Site.Probes[0].URL, "http:", "https:", 1)
	_, err := n.provider.Create(context.Background(), r)
	link, none := os.Readlink(filepath.Join(n.dir, "cdnredirect_trusted.pem"))
	if none != nil { // nor does the system trust anybody
		if err == nil || !strings.Contains(err.Error(), "cdnredirect_trusted.pem") {
			t.Errorf("Expected nginx to miss the file, got %v", err)
		}
		return
	}
	must(t, err)
	if !strings.HasPrefix(link, "/etc/") {
		t.Errorf("Expected what the system trusts, got %s", link)
	}
	n.await(t, "www.example.org", "/", "502 Bad Gateway")
}
