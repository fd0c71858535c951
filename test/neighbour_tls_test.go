//go:build linux

package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// pebbleTool is a small certificate authority for tests. Its module stays out
// of go.mod.
const pebbleTool = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1"

var pebbleBuild struct {
	once sync.Once
	path string
	text []byte
	err  error
}

// pebble returns the path of the program, which is built once, from the module
// cache or the network.
func pebble(t *testing.T) string {
	t.Helper()
	b := &pebbleBuild
	b.once.Do(func() {
		b.path = filepath.Join(folder(t), "pebble")
		cmd := exec.Command("go", "install", pebbleTool)
		cmd.Env = append(os.Environ(), "GOBIN="+filepath.Dir(b.path), "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0")
		b.text, b.err = cmd.CombinedOutput()
	})
	if b.err != nil {
		missing(t, "pebble is not there: go install %s: %v\n%s", pebbleTool, b.err, b.text)
	}
	return b.path
}

// authority is a running pebble, which asks the server at $dns for challenges.
type authority struct {
	port string
	root string // the certificate of its own web server, in a file
}

func startAuthority(t *testing.T, dnsPort string) authority {
	t.Helper()
	return startAuthorityOver(t, dnsPort, 5001) // nobody asks there
}

// startAuthorityOver has it ask for challenges in TLS at another port.
func startAuthorityOver(t *testing.T, dnsPort string, tlsPort int) authority {
	t.Helper()
	program := pebble(t)
	a := authority{port: freePort(t)}
	var key string
	a.root, key = webCertificate(t)
	conf, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "127.0.0.1:" + a.port, "managementListenAddress": "",
		"certificate": a.root, "privateKey": key, "tlsPort": tlsPort,
		"profiles": map[string]any{"default": map[string]any{"description": "any", "validityPeriod": 86400}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-config", write(t, folder(t), "pebble.json", string(conf)), "-dnsserver", "127.0.0.1:"+dnsPort)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	p := launch(t, cmd)
	awaitTrue(t, "pebble to listen", func() bool {
		if p.over() {
			t.Fatal("Expected pebble to run")
		}
		return listens(a.port)
	})
	return a
}

func listens(port string) bool {
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// webCertificate makes a certificate of 127.0.0.1 that vouches for itself, and
// returns the files of it and of its key.
func webCertificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	certFile = write(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	keyFile = write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return certFile, keyFile
}

// wild is a site that stands for every name of the zone, so that the names of
// challenges are its own too.
const wild = "}\n        site *.example.org class tested {\n            host www.example.org"

const shop = "shop.example.org."

// withACME has the sites over plain DNS, and over TLS with certificates for two
// of their names.
func withACME(t *testing.T, a authority) string {
	t.Helper()
	return block(ours(wild)) + "tls://example.org:$dot {\n    bind 127.0.0.1\n    errors\n" +
		nested("tls", "acme www.example.org shop.example.org", "ca https://127.0.0.1:"+a.port+"/dir", "ca_root "+a.root, "storage "+folder(t)) +
		"    cdnredirect\n}\n"
}

// certificate returns for which names and by whom the certificate for a name is.
func (s *server) certificate(name string) string { return s.certificateAt("dot", name) }

func (s *server) certificateAt(port, name string) string {
	host := strings.TrimSuffix(name, ".")
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}}
	conn, err := dialer.Dial("tcp", s.address(port))
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	issuer, _, _ := strings.Cut(leaf.Issuer.CommonName, " Intermediate")
	return strings.Join(leaf.DNSNames, " ") + " by " + issuer
}

// TestChallengesBelowASiteAreAnsweredByTLS gets certificates for two names that
// the plugin answers: the challenges below them come from tls, in both states.
func TestChallengesBelowASiteAreAnsweredByTLS(t *testing.T) {
	t.Parallel()
	for name, diverted := range map[string]bool{"origin": false, "diverted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithACME(t, diverted)
			for _, name := range []string{site, shop} {
				want := strings.TrimSuffix(name, ".") + " by Pebble"
				await(t, patience, want, func() string { return s.certificate(name) })
				if got := s.overTLS(t, name); got != usual.in(diverted) {
					t.Errorf("Expected %q of %s over TLS, got %q", usual.in(diverted), name, got)
				}
			}
			// Without a challenge the name is the wildcard site's again.
			want := answers{"NODATA", atCDN}.in(diverted)
			await(t, patience, want, func() string { return s.udp().ask("_acme-challenge."+shop, dns.TypeTXT) })
		})
	}
}

// startWithACME starts pebble first: CoreDNS tries at once, and again only
// after a minute.
func startWithACME(t *testing.T, diverted bool) *server {
	t.Helper()
	vars := at(originIn(t, diverted))
	vars["dns"] = freePort(t)
	s := spec{corefile: withACME(t, startAuthority(t, vars["dns"])), vars: vars}.start(t)
	await(t, patience, usual.in(diverted), s.answer)
	return s
}

// overTLS asks for the address of a name.
func (s *server) overTLS(t *testing.T, name string) string {
	t.Helper()
	config := &tls.Config{ServerName: strings.TrimSuffix(name, "."), InsecureSkipVerify: true}
	dc := dns.Client{Net: "tcp-tls", Timeout: patience, TLSConfig: config}
	m, _, err := dc.Exchange(question(name, dns.TypeA), s.address("dot"))
	if err != nil {
		t.Fatal(err)
	}
	return summary(m)
}
