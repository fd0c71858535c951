//go:build linux

package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// issuer signs certificates that the server under test believes.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its own certificate
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	made := i.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)})
	cert, err := x509.ParseCertificate(made.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	i.cert, i.key = cert, made.PrivateKey.(*ecdsa.PrivateKey)
	i.file = write(t, folder(t), "root.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	return i
}

// sign signs a certificate; an issuer that has none yet has it sign itself.
func (i *issuer) sign(t *testing.T, c *x509.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-24*time.Hour)
	parent, by := i.cert, i.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// until signs a certificate for a name that is good for some time.
func (i *issuer) until(t *testing.T, name string, left time.Duration) *tls.Certificate {
	t.Helper()
	return i.sign(t, &x509.Certificate{DNSNames: []string{name}, NotAfter: time.Now().Add(left)})
}

// trusting starts a server that believes the issuer.
func (i *issuer) trusting(binary string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+i.file)
	return cmd
}

// otherCDN is a web server over TLS that stands for somebody else's CDN.
type otherCDN struct {
	mu     sync.Mutex
	cert   *tls.Certificate
	status int
	asked  []string // hosts and paths
}

// startCDN starts it at an address of loopback and returns its port, which may be
// given.
func startCDN(t *testing.T, address, port string, cert *tls.Certificate) (*otherCDN, string) {
	t.Helper()
	c := &otherCDN{cert: cert, status: http.StatusOK}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, port))
	if err != nil {
		t.Fatal(err)
	}
	present := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.cert, nil
	}
	web := &http.Server{Handler: c, ErrorLog: log.New(io.Discard, "", 0), TLSConfig: &tls.Config{GetCertificate: present}}
	go web.ServeTLS(listener, "", "")
	t.Cleanup(func() { web.Close() })
	return c, portOf(t, "//"+listener.Addr().String())
}

func (c *otherCDN) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r.Host+r.URL.Path)
	w.WriteHeader(c.status)
}

// set changes what it answers with.
func (c *otherCDN) set(cert *tls.Certificate, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cert, c.status = cert, status
}

func (c *otherCDN) wasAsked(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.asked, what)
}

// choosy is a server block with a site that has these CDNs, in this order, in the
// zone that $resolver knows.
func choosy(ready string, cdns ...string) string {
	lines := []string{site, "ready " + ready + " every 1s"}
	for _, name := range cdns {
		lines = append(lines, "cdn "+name+" "+name+".cdn.example.net")
	}
	text := siteBlock([]string{"resolver 127.0.0.1:$resolver", "allow 127.0.0.0/8", "socket $socket"}, lines)
	return block(strings.ReplaceAll(text, "            cdn example "+target+"\n", ""))
}

// TestNobodyIsSentToACDNThatIsNotReady has a slow origin, and one CDN after the
// other that has something wrong. The last is well, and every other says why it is
// not taken.
func TestNobodyIsSentToACDNThatIsNotReady(t *testing.T) {
	t.Parallel()
	ca := newIssuer(t)
	const host = "www.example.org"
	good, port := startCDN(t, "127.0.0.2", "0", ca.until(t, host, time.Hour))
	startCDN(t, "127.0.0.3", port, ca.until(t, host, -time.Hour))
	startCDN(t, "127.0.0.4", port, ca.until(t, "other.example.org", time.Hour))
	broken, _ := startCDN(t, "127.0.0.5", port, ca.until(t, host, time.Hour))
	broken.set(broken.cert, http.StatusServiceUnavailable)
	zone := serveZone(t, "cdn.example.net", "good A 127.0.0.2", "expired A 127.0.0.3", "wrong A 127.0.0.4", "broken A 127.0.0.5",
		"silent A 127.0.0.6", "back CNAME www.example.org.", "loop CNAME pool", "pool CNAME loop")
	web := startOrigin(t)
	web.slow(tooSlow)
	vars := withSocket(t, at(web))
	vars["resolver"], vars["port"] = zone.vars["dns"], port
	conf := choosy("probe https://{target}:$port/healthz", "expired", "wrong", "broken", "silent", "gone", "back", "loop", "good")
	conf = strings.Replace(conf, "ready probe", "warmup https://{target}:$port/app.css\n            ready probe", 1)
	s := spec{corefile: conf, command: ca.trusting, vars: vars}.start(t)
	await(t, patience, "CNAME good.cdn.example.net.", s.answer)
	if !good.wasAsked(host+"/app.css") || !good.wasAsked(host+"/healthz") {
		t.Errorf("Expected the check and the warm-up before the first visitor, got %q", good.asked)
	}
	for _, why := range []string{
		"expired.cdn.example.net.  not ready: probing 'https://127.0.0.3:" + port + "/healthz': negotiating TLS: tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
		"wrong.cdn.example.net.    not ready: probing 'https://127.0.0.4:" + port + "/healthz': negotiating TLS: the certificate is for other names, not www.example.org",
		"broken.cdn.example.net.   not ready: probing 'https://127.0.0.5:" + port + "/healthz': status 503 is not a good one",
		"silent.cdn.example.net.   not ready: probing 'https://127.0.0.6:" + port + "/healthz': connecting: dial tcp 127.0.0.6:" + port + ": connect: connection refused",
		"gone.cdn.example.net.     not ready: the target 'gone.cdn.example.net.' has no address",
		"back.cdn.example.net.     not ready: the target 'back.cdn.example.net.' leads back to the site, by 'www.example.org.'",
		"loop.cdn.example.net.     not ready: asking for A",
		"good.cdn.example.net.     taken",
	} {
		awaitTrue(t, why, func() bool { return strings.Contains(s.ctl(t, "explain", site).stdout, why) })
	}
	s.ctl(t, "cdns").expect(t, 0, "expired  third-party  out", "good     third-party  ready")
}

// TestACDNWhoseCertificateExpiresIsLeft while it has visitors.
func TestACDNWhoseCertificateExpiresIsLeft(t *testing.T) {
	t.Parallel()
	ca := newIssuer(t)
	const host = "www.example.org"
	first, port := startCDN(t, "127.0.0.2", "0", ca.until(t, host, time.Hour))
	startCDN(t, "127.0.0.3", port, ca.until(t, host, time.Hour))
	vars := withSocket(t, at(absentOrigin(t)))
	vars["resolver"] = serveZone(t, "cdn.example.net", "first A 127.0.0.2", "second A 127.0.0.3").vars["dns"]
	vars["port"] = port
	s := spec{corefile: choosy("tls {target}:$port", "first", "second"), command: ca.trusting, vars: vars}.start(t)
	await(t, patience, "CNAME first.cdn.example.net.", s.answer)
	first.set(ca.until(t, host, -time.Minute), http.StatusOK)
	await(t, patience, "CNAME second.cdn.example.net.", s.answer)
	s.ctl(t, "explain", site).expect(t, 0, "not ready: probing 'tls://127.0.0.2:"+port+"'", "certificate has expired")
	if s.output.count("cdn first is not ready: ") != 1 {
		t.Errorf("Expected a line that says so, got:\n%s", s.output.String())
	}
	first.set(ca.until(t, host, time.Hour), http.StatusOK)
	awaitTrue(t, "the first to take a part of the clients", func() bool {
		return strings.Contains(s.ctl(t, "explain", site).stdout, "comes back: takes ")
	})
}
