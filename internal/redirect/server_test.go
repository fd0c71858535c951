package redirect_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

// TestMain has nothing be left behind, but for what fasthttp keeps: a clock for
// the process, and for ten seconds more what counted idle workers.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// journal is a logger whose lines tests read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Infof(format string, v ...any)    { j.add("info: "+format, v...) }
func (j *journal) Warningf(format string, v ...any) { j.add("warning: "+format, v...) }
func (j *journal) Errorf(format string, v ...any)   { j.add("error: "+format, v...) }

func (j *journal) add(format string, v ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(&j.text, format+"\n", v...)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// pair writes a certificate for some names, and its key.
func pair(t *testing.T, dir string, names ...string) site.KeyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := site.KeyPair{Cert: filepath.Join(dir, names[0]+".pem"), Key: filepath.Join(dir, names[0]+".key")}
	for path, block := range map[string]*pem.Block{p.Cert: {Type: "CERTIFICATE", Bytes: cert}, p.Key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// running is redirectors of a bed's sites, and all that have replaced them.
type running struct {
	*bed
	set     *redirect.Set
	metrics *redirect.Metrics
	log     journal
	addr    netip.AddrPort
}

// free returns an address of loopback that is free.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// serve starts a redirector at a free address.
func serve(t *testing.T, change func(*site.Redirector)) *running {
	t.Helper()
	r := &running{bed: newBed(), addr: free(t)}
	r.metrics = redirect.NewMetrics(prometheus.NewRegistry())
	r.reload(t, change)
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if err := r.set.Close(nil); err != nil {
			t.Error(err)
		}
	})
	return r
}

// reload has another configuration replace the present one.
func (r *running) reload(t *testing.T, change func(*site.Redirector)) {
	t.Helper()
	c := site.Redirector{Addresses: []netip.AddrPort{r.addr}, Connections: site.DefaultConnections}
	if change != nil {
		change(&c)
	}
	next, err := redirect.Open([]site.Redirector{c}, r.set, r.metrics, &r.log)
	if err != nil {
		t.Fatal(err)
	}
	next.Serve(r.view.Table)
	if r.set != nil {
		if err := r.set.Close(next); err != nil {
			t.Fatal(err)
		}
	}
	r.set = next
}

// browser follows nothing and trusts everybody.
func browser(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: www}, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get asks the redirector for a path, and tells whether the connection was used
// before.
func (r *running) get(t *testing.T, c *http.Client, scheme, path string) (resp *http.Response, reused bool) {
	t.Helper()
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
	req, err := http.NewRequestWithContext(ctx, "GET", scheme+"://"+r.addr.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = www
	if resp, err = c.Do(req); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp, reused
}

func TestProtocols(t *testing.T) {
	t.Parallel()
	plain := serve(t, nil)
	secure := serve(t, func(c *site.Redirector) { c.Certificates = []site.KeyPair{pair(t, t.TempDir(), www)} })
	for _, tc := range []struct {
		r      *running
		scheme string
		http2  bool
		want   string
	}{{plain, "http", false, "HTTP/1.1"}, {secure, "https", false, "HTTP/1.1"}, {secure, "https", true, "HTTP/2.0"}} {
		resp, _ := tc.r.get(t, browser(t, tc.http2), tc.scheme, "/a")
		if got := resp.Proto + " " + summary(resp); got != tc.want+" 302 "+tc.scheme+"://"+atOrigin+"/a" {
			t.Errorf("Expected %s, got %s", tc.want, got)
		}
		if resp.ContentLength != 0 {
			t.Errorf("Expected no body, got %d", resp.ContentLength)
		}
	}
}

// TestConnectionsOutliveAReload, and what has changed holds on them.
func TestConnectionsOutliveAReload(t *testing.T) {
	t.Parallel()
	r := serve(t, nil)
	c := browser(t, false)
	r.get(t, c, "http", "/")
	r.reload(t, func(c *site.Redirector) { c.Explain = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	resp, reused := r.get(t, c, "http", "/")
	if !reused || resp.Header.Get("Cdnredirect-Decision") == "" {
		t.Errorf("Expected the new answer on the old connection, got %v, %t", resp.Header, reused)
	}
}

// TestTLSComesAndGoesOverAReload at the same address.
func TestTLSComesAndGoesOverAReload(t *testing.T) {
	t.Parallel()
	keys := pair(t, t.TempDir(), www)
	r := serve(t, nil)
	r.reload(t, func(c *site.Redirector) { c.Certificates = []site.KeyPair{keys} })
	r.get(t, browser(t, true), "https", "/")
	r.reload(t, nil)
	r.get(t, browser(t, false), "http", "/")
}

// TestSeveralCertificates are told apart by the name that is asked for.
func TestSeveralCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := serve(t, func(c *site.Redirector) {
		c.Certificates = []site.KeyPair{pair(t, dir, www), pair(t, dir, "shop.example.org"), pair(t, dir, "*.wild.example.org")}
	})
	for asked, want := range map[string]string{
		www: www, "shop.example.org": "shop.example.org", "a.wild.example.org": "*.wild.example.org", "other.example": www, "": www,
	} {
		conn, err := tls.Dial("tcp", r.addr.String(), &tls.Config{InsecureSkipVerify: true, ServerName: asked})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%s: expected the certificate of %s, got %s", asked, want, got)
		}
		conn.Close()
	}
	conn, err := tls.Dial("tcp", r.addr.String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	if err == nil {
		conn.Close()
		t.Error("Expected TLS 1.1 to be refused")
	}
}

// TestOpenFails with the place and what is wrong, and leaves the others as they were.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	r := serve(t, nil)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	nobody, keys := filepath.Join(dir, "nobody.pem"), pair(t, dir, www)
	garbage := filepath.Join(dir, "garbage.pem")
	if err := os.WriteFile(garbage, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*site.Redirector){
		fmt.Sprintf("opening redirector '%s': listen tcp4 %[1]s: bind: address already in use", taken.Addr()): func(c *site.Redirector) {
			c.Addresses = []netip.AddrPort{r.addr, taken.Addr().(*net.TCPAddr).AddrPort()}
		},
		fmt.Sprintf("reading certificate '%s' with key '%s': open %[1]s: no such file or directory", nobody, keys.Key): func(c *site.Redirector) {
			c.Certificates = []site.KeyPair{keys, {Cert: nobody, Key: keys.Key}}
		},
		fmt.Sprintf("reading certificate '%s' with key '%s': tls: failed to find any PEM data in certificate input", garbage, keys.Key): func(c *site.Redirector) {
			c.Certificates = []site.KeyPair{{Cert: garbage, Key: keys.Key}}
		},
		fmt.Sprintf("reading root '%s' of 'acme': there is no certificate in it", garbage): func(c *site.Redirector) {
			c.ACME = site.ACME{Dir: filepath.Join(dir, "acme"), Root: garbage}
		},
		fmt.Sprintf("reading root '%s' of 'acme': open %[1]s: no such file or directory", nobody): func(c *site.Redirector) {
			c.ACME = site.ACME{Dir: filepath.Join(dir, "acme"), Root: nobody}
		},
		fmt.Sprintf("making the folder of 'acme': mkdir %s: not a directory", garbage): func(c *site.Redirector) {
			c.ACME = site.ACME{Dir: garbage}
		},
	} {
		c := site.Redirector{Addresses: []netip.AddrPort{r.addr}}
		change(&c)
		if _, err := redirect.Open([]site.Redirector{c}, r.set, r.metrics, &r.log); err == nil || err.Error() != want {
			t.Errorf("Expected %q, got %v", want, err)
		}
		r.get(t, browser(t, false), "http", "/")
	}
}

// dial connects and sends text.
func (r *running) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// raw returns what a request in octets is answered.
func (r *running) raw(t *testing.T, text string) string {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(r.dial(t, text)), nil)
	if err != nil {
		return err.Error()
	}
	resp.Body.Close()
	return summary(resp)
}

// TestTheSchemeIsThatOfTheConnection also where a reload has TLS spoken on the next.
func TestTheSchemeIsThatOfTheConnection(t *testing.T) {
	t.Parallel()
	r := serve(t, nil)
	conn := r.dial(t, "")
	answers := bufio.NewReader(conn)
	for _, change := range []func(*site.Redirector){nil, func(c *site.Redirector) { c.Certificates = []site.KeyPair{pair(t, t.TempDir(), www)} }} {
		r.reload(t, change)
		if _, err := io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: "+www+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Location"); got != "http://"+atOrigin+"/a" {
			t.Errorf("Expected the scheme of the connection, got %s", got)
		}
	}
}

// TestARequestWhoseEndIsInDoubtEndsItsConnection so that nothing behind it is taken
// for the next one.
func TestARequestWhoseEndIsInDoubtEndsItsConnection(t *testing.T) {
	t.Parallel()
	r := serve(t, nil)
	for _, doubt := range []string{"HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", "HTTP/1.0\r\nTransfer-Encoding: chunked", "HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"} {
		conn := r.dial(t, "POST /a "+doubt+"\r\nHost: "+www+"\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: "+www+"\r\n\r\n")
		said, err := io.ReadAll(conn)
		if answers := strings.Count(string(said), "HTTP/1.1 "); err != nil || answers != 1 || strings.Contains(string(said), "smuggled") {
			t.Errorf("%q: Expected one answer and the end, got %q, %v", doubt, said, err)
		}
	}
}

// TestF35OverTheWire has requests that net/http reads for us, or does not.
func TestF35OverTheWire(t *testing.T) {
	t.Parallel()
	r := serve(t, nil)
	const host, good = "Host: www.example.org\r\n", "302 http://" + atOrigin
	for text, want := range map[string]string{
		"GET /a HTTP/1.1\r\n" + host:                              good + "/a",
		"GET /a HTTP/1.0\r\n" + host:                              good + "/a",
		"GET /a HTTP/1.0\r\n":                                     "421",
		"GET /a HTTP/1.1\r\n":                                     "400",
		"GET /a HTTP/1.1\r\n" + host + "Host: evil.example\r\n":   "400",
		"GET /a HTTP/1.1\r\n" + host + host:                       "400",
		"GET /a HTTP/1.1\r\nHost: a b\r\n":                        "400",
		"GET http://evil.example/ HTTP/1.1\r\n" + host:            "421",
		"GET http://www.example.org/b HTTP/1.1\r\nHost: evil\r\n": good + "/b",
		"GET http://a@www.example.org/ HTTP/1.1\r\n" + host:       "400",
		"GET //evil.example/ HTTP/1.1\r\n" + host:                 good + "/evil.example/",
		`GET /\evil.example HTTP/1.1` + "\r\n" + host:             good + "/%5Cevil.example",
		"GET evil.example HTTP/1.1\r\n" + host:                    "400",
		"GET /a\r\nX: b HTTP/1.1\r\n" + host:                      "400",
		"GET /a\rb HTTP/1.1\r\n" + host:                           "400",
		"GET /a\x00b HTTP/1.1\r\n" + host:                         "400",
		"GET /a b HTTP/1.1\r\n" + host:                            "400",
		"CONNECT www.example.org:443 HTTP/1.1\r\n" + host:         "405",
		"OPTIONS * HTTP/1.1\r\n" + host:                           "200",
		"GET * HTTP/1.1\r\n" + host:                               "400",
		"GET /a HTTP/2.0\r\n" + host:                              "400",
		"GET /a HTTP/1.1\r\n X: y\r\n" + host:                     "400",
		"PRI * HTTP/2.0\r\n":                                      "400", // HTTP/2 without TLS
		"GET /a HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n": good + "/a",
		"POST /a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n":                               "400",
		"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n":                                                    good + "/a",
		"POST /a HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n":                                                    "400",
		"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n":                      "400",
		"POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n":                                                            "400",
		"GET /a HTTP/1.1\r\n" + host + "CDN-Loop:\r\nCDN-Loop: cdnredirect\r\n":                                                      "508",
		"GET /a HTTP/1.1\r\n" + host + "Via:\r\nVia: 1.1 cdnredirect\r\n":                                                            "508",
		"POST /a HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n":                                                 "400",
	} {
		if got := r.raw(t, text+"\r\n"); got != want {
			t.Errorf("%q: expected %q, got %q", text, want, got)
		}
	}
}
