//go:build linux

package test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Where the site's visitors are sent over HTTP.
const (
	originHost = "www.origin.example.net"
	cdnHost    = "www-example-org.cdn.example.net"
)

// destination is a web server at one of these hosts, over HTTP and HTTPS.
type destination struct {
	plain, secure string // its ports
}

// startDestination starts one that says who it is, and what it was asked.
func startDestination(t *testing.T, name string, cert tls.Certificate) destination {
	t.Helper()
	asked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s: %s %s%s %s", name, r.Method, r.Host, r.RequestURI, body)
	})
	plain := httptest.NewServer(asked)
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(asked)
	secure.EnableHTTP2, secure.TLS = true, &tls.Config{Certificates: []tls.Certificate{cert}}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	return destination{listensAt(plain.Listener), listensAt(secure.Listener)}
}

func listensAt(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// certified makes a certificate for some hosts, which vouches for itself.
func certified(t *testing.T, hosts ...string) (certFile, keyFile string, cert tls.Certificate) {
	t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: hosts[0]}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	made := new(issuer).sign(t, template)
	private, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]})
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	dir := folder(t)
	return write(t, dir, "cert.pem", string(certText)), write(t, dir, "key.pem", string(keyText)), *made
}

// redirecting is a server that redirects, and where it leads.
type redirecting struct {
	*server
	web         *origin // that is probed
	origin, cdn destination
	root        string // file of the certificate of all three
}

// redirectors are the lines of the process.
const redirectors = `redirector 127.0.0.1:$http {
            trust 127.0.0.0/8
            explain 0.0.0.0/0
        }
        redirector 127.0.0.1:$https {
            tls $cert $key
            explain 0.0.0.0/0
        }`

// redirects has a block with the site redirected, by a line of its own where
// the first one is none.
func redirects(lines ...string) string {
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "redirect ") {
		lines = append([]string{"redirect " + originHost}, lines...)
	}
	return strings.Replace(ours(lines...), "{\n", "{\n        "+redirectors+"\n", 1)
}

func startRedirecting(t *testing.T, corefile string) *redirecting {
	t.Helper()
	certFile, keyFile, cert := certified(t, "www.example.org", originHost, cdnHost)
	r := &redirecting{web: startOrigin(t), root: certFile}
	r.origin = startDestination(t, "origin", cert)
	r.cdn = startDestination(t, "CDN", cert)
	vars := at(r.web)
	vars["cert"], vars["key"] = certFile, keyFile
	r.server = spec{corefile: corefile, vars: vars}.start(t)
	return r
}

// places are all who listen, by host and by the port that a browser believes in.
func (r *redirecting) places() map[string]string {
	return map[string]string{
		"www.example.org:80": r.vars["http"], "www.example.org:443": r.vars["https"],
		originHost + ":80": r.origin.plain, originHost + ":443": r.origin.secure,
		cdnHost + ":80": r.cdn.plain, cdnHost + ":443": r.cdn.secure,
	}
}

// curl asks for a URL and follows.
func (r *redirecting) curl(t *testing.T, url string, more ...string) string {
	t.Helper()
	args := append([]string{"-sS", "-L", "--noproxy", "*", "--max-time", "20", "--cacert", r.root}, more...)
	for place, port := range r.places() {
		args = append(args, "--connect-to", place+":127.0.0.1:"+port)
	}
	out, err := exec.Command("curl", append(args, url)...).CombinedOutput()
	if err != nil {
		t.Logf("curl %s: %v", url, err)
	}
	return string(out)
}

// TestCurlFollows to the origin and to the CDN, as the decision flips.
func TestCurlFollows(t *testing.T) {
	t.Parallel()
	need(t, "curl", "curl")
	r := startRedirecting(t, block(redirects("redirect "+originHost+" status 307")))
	expect := func(who, host string) {
		t.Helper()
		const path = "/a//b/?q=%2f&c=[1]"
		for _, scheme := range []string{"http", "https"} {
			url := scheme + "://www.example.org" + path
			for want, more := range map[string][]string{
				"GET " + host + path + " ":           {"-g"},
				"POST " + host + path + " some=data": {"-g", "-d", "some=data"},
				"PUT " + host + path + " more":       {"-g", "-X", "PUT", "--data-binary", "more", "--http1.1"},
			} {
				if got := r.curl(t, url, more...); got != who+": "+want {
					t.Errorf("%s: expected %q, got %q", url, who+": "+want, got)
				}
			}
		}
	}
	await(t, patience, atOrigin, r.answer)
	expect("origin", originHost)
	r.web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, r.answer)
	expect("CDN", cdnHost)
	r.web.revive(t, "127.0.0.1")
	await(t, promisedBack, atOrigin, r.answer)
	expect("origin", originHost)
}

// TestChromiumFollows does the same in a browser.
func TestChromiumFollows(t *testing.T) {
	t.Parallel()
	need(t, "chromium-headless-shell", "chromium-headless-shell")
	r := startRedirecting(t, block(redirects()))
	var rules []string
	for place, port := range r.places() {
		rules = append(rules, "MAP "+place+" 127.0.0.1:"+port)
	}
	expect := func(who, host string) {
		t.Helper()
		for _, scheme := range []string{"http", "https"} {
			want := who + ": GET " + host + "/a?b=c"
			cmd := exec.Command("chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--user-data-dir="+folder(t),
				"--disable-background-networking", "--no-proxy-server", "--ignore-certificate-errors", "--host-resolver-rules="+strings.Join(rules, ","),
				"--dump-dom", scheme+"://www.example.org/a?b=c")
			page, err := cmd.Output()
			if err != nil || !strings.Contains(string(page), want) {
				t.Errorf("%s: expected %q, got %q, %v", scheme, want, page, err)
			}
		}
	}
	await(t, patience, atOrigin, r.answer)
	expect("origin", originHost)
	r.web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, r.answer)
	expect("CDN", cdnHost)
}

// TestDNSOwnHasTheRedirectorsAddresses on either side, and leaves all other
// types to the zone behind.
func TestDNSOwnHasTheRedirectorsAddresses(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{"both": "127.0.0.7 2001:db8::7", "one": "127.0.0.7"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := zoneIn(t, zoneBehind+"www TXT \"behind\"\nwww MX 10 mail\nwww HTTPS 1 . alpn=h2\n")
			r := startRedirecting(t, block(redirects("redirect "+originHost+" dns own "+line), zone))
			want := map[uint16]string{dns.TypeA: "A 127.0.0.7", dns.TypeAAAA: "NODATA", dns.TypeTXT: `TXT "behind"`, dns.TypeMX: "MX 10 mail.example.org.", dns.TypeHTTPS: "NODATA", dns.TypeCAA: "NODATA"}
			if name == "both" {
				want[dns.TypeAAAA] = "AAAA 2001:db8::7"
			}
			at := func(host string) {
				t.Helper()
				awaitTrue(t, "a redirect to "+host, func() bool { return r.location(t, "http", "/") == "http://"+host+"/" })
				r.expectAll(t, site, want)
			}
			at(originHost)
			r.web.kill("127.0.0.1")
			at(cdnHost)
		})
	}
}

// visitor follows nothing.
var visitor = &http.Client{
	Timeout:       20 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "www.example.org"}, ForceAttemptHTTP2: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// visit asks the redirector for a path.
func (s *server) visit(scheme, path string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequest("GET", scheme+"://"+s.address(scheme)+path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = "www.example.org"
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := visitor.Do(req)
	if err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return resp, err
}

// location returns where a visit leads.
func (s *server) location(t *testing.T, scheme, path string, headers ...string) string {
	t.Helper()
	resp, err := s.visit(scheme, path, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Header.Get("Location")
}

// TestSharesOverHTTPAreThoseOfDNS has a resolver and a proxy name the same
// clients: each is at the same side, whoever asks.
func TestSharesOverHTTPAreThoseOfDNS(t *testing.T) {
	t.Parallel()
	const clients = 4096
	corefile := strings.Replace(block(redirects("answer switch keyed", "divert fixed 30%", "threshold response_time 50ms")), "class tested {", "ecs 127.0.0.0/8\n        class tested {", 1)
	r := startRedirecting(t, corefile)
	r.web.slow(tooSlow)
	awaitTrue(t, "clients at the CDN", func() bool {
		for i := range 50 {
			if strings.Contains(r.location(t, "http", "/", "X-Forwarded-For", fmt.Sprintf("10.0.%d.1", i)), cdnHost) {
				return true
			}
		}
		return false
	})
	diverted := r.sides(t, site, dns.TypeA, clients, []byte("www-example-org"), []byte{127, 0, 0, 1})
	there := 0
	for i, atCDN := range diverted {
		want := originHost
		if atCDN {
			want = cdnHost
			there++
		}
		client := fmt.Sprintf("10.%d.%d.77", i>>8, i&255)
		if got := r.location(t, "http", "/", "X-Forwarded-For", client); got != "http://"+want+"/" {
			t.Fatalf("Expected %s at %s, as DNS says, got %s", client, want, got)
		}
	}
	if share := float64(there) / clients; share < 0.27 || share > 0.33 {
		t.Errorf("Expected 30 %% of the clients diverted, got %.1f %%", share*100)
	}
}

// TestRequestsDivert at their threshold, and bring the visitors back.
func TestRequestsDivert(t *testing.T) {
	t.Parallel()
	r := startRedirecting(t, block(redirects("feed requests redirector every 1s", "threshold requests 20 recover 10")))
	await(t, patience, atOrigin, r.answer)
	stop := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				r.visit("http", "/")
			}
		}
	}()
	await(t, patience, atCDN, r.answer)
	if got := r.location(t, "http", "/"); got != "http://"+cdnHost+"/" {
		t.Errorf("Expected a redirect to the CDN, too, got %s", got)
	}
	close(stop)
	<-over
	await(t, patience, atOrigin, r.answer)
}

// TestRedirectorGetsCertificates by ACME, at the first handshake for a name of
// the site, which DNS leads here.
func TestRedirectorGetsCertificates(t *testing.T) {
	t.Parallel()
	vars := at(startOrigin(t))
	vars["dns"], vars["https"], vars["dir"] = freePort(t), freePort(t), filepath.Join(folder(t), "acme")
	var port int
	fmt.Sscan(vars["https"], &port)
	a := startAuthorityOver(t, vars["dns"], port)
	vars["ca"], vars["root"] = a.port, a.root
	corefile := strings.Replace(block(ours("redirect "+originHost+" dns own 127.0.0.1")), "class tested {", `redirector 127.0.0.1:$https {
            acme $dir ca https://127.0.0.1:$ca/dir root $root email someone@example.org
        }
        class tested {`, 1)
	s := spec{corefile: corefile, vars: vars}.start(t)
	await(t, patience, "www.example.org by Pebble", func() string { return s.certificateAt("https", site) })
	if got := s.certificateAt("https", "other.example.org."); !strings.Contains(got, "tls: ") {
		t.Errorf("Expected no certificate for a name that is no site's, got %q", got)
	}
	if got := s.location(t, "https", "/a"); got != "https://"+originHost+"/a" {
		t.Errorf("Expected a redirect, got %q", got)
	}
}
