package api_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// people are those who have a token, by it.
type people map[string]api.Caller

func (p people) Authenticate(_ context.Context, token string) (api.Caller, error) {
	if who, known := p[token]; known {
		return who, nil
	}
	return api.Caller{}, fmt.Errorf("the token '%s': %w", token, api.ErrNotFound) // which nobody may be told
}

// tokenOf returns a token with a name in it.
func tokenOf(name string) string { return "cdr_" + name + strings.Repeat("x", 43-len(name)) }

// everybody has each role once, and two of them of one customer and one of another.
var everybody = people{
	tokenOf("operator"): {Name: "ann", Role: site.RoleOperator},
	tokenOf("readonly"): {Name: "ben", Role: site.RoleOperatorReadonly},
	tokenOf("acme"):     {Name: "cem", Role: site.RoleCustomerAdmin, Customer: "acme"},
	tokenOf("acmes"):    {Name: "dan", Role: site.RoleCustomerReadonly, Customer: "acme"},
	tokenOf("other"):    {Name: "eve", Role: site.RoleCustomerAdmin, Customer: "other"},
}

// open opens a console until the test is over.
func openConsole(t *testing.T, cfg api.Config, config func() *tls.Config) (c *api.Console, log *journal) {
	t.Helper()
	log = new(journal)
	cfg.Log = log
	if cfg.Engine == nil {
		cfg.Engine = oneSite("a.")
	}
	if cfg.Tokens == nil {
		cfg.Tokens = everybody
	}
	c, err := api.New(cfg).OpenConsole(free(t), complaint{log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.Use(config)
	return c, log
}

// complaint puts what is written into a log.
type complaint struct{ *journal }

func (s complaint) Write(p []byte) (int, error) {
	s.add("%q", p)
	return len(p), nil
}

// free returns an address that nobody listens at.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

// get asks a console for something with some value of Authorization.
func get(t *testing.T, c *api.Console, path, authorization string) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), "GET", "http://"+c.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func TestATokenOpensTheConsole(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	status, header, body := get(t, c, "/v1/states", "bearer "+tokenOf("operator"))
	if status != 200 || !strings.Contains(body, `"site":"a."`) {
		t.Errorf("Expected the sites, got %d %s", status, body)
	}
	if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("Expected nobody to keep the answer, got %v", header)
	}
	if _, _, body := get(t, c, "/v1/states", "Bearer "+tokenOf("acme")); body != `{"states":[]}` {
		t.Errorf("Expected no site of the provider's for a customer, got %s", body)
	}
}

// TestF43WhoIsNotKnownLearnsNothing asks in all ways that are not good, and looks at what is said and logged.
func TestF43WhoIsNotKnownLearnsNothing(t *testing.T) {
	c, log := openConsole(t, api.Config{}, nil)
	const want = `{"title":"Unauthorized","status":401,"detail":"a good token is needed: send 'Authorization: Bearer TOKEN'"}`
	for _, authorization := range []string{
		"", "Bearer", "Bearer " + tokenOf("nobody"), "Bearer cdr_short", "Bearer " + tokenOf("operator") + "x",
		"Basic " + tokenOf("operator"), tokenOf("operator"), "Bearer  " + tokenOf("operator"),
	} {
		for _, path := range []string{"/v1/states", "/", "/v1/%0aERROR"} {
			status, header, body := get(t, c, path, authorization)
			if status != 401 || body != want || header.Get("WWW-Authenticate") != `Bearer realm="cdnredirect"` || header.Get("Cache-Control") != "no-store" {
				if status != 429 {
					t.Errorf("%q at %s: Expected the same as ever, got %d, %v, %s", authorization, path, status, header, body)
				}
			}
		}
	}
	if lines := log.all(); len(lines) > 0 {
		t.Errorf("Expected nothing in the log, got %q", lines)
	}
}

// away is a store of tokens that cannot be reached.
type away struct{}

func (away) Authenticate(context.Context, string) (api.Caller, error) {
	return api.Caller{}, fmt.Errorf("%w: dialing db.example.net", api.ErrUnavailable)
}

func TestWithoutTheStoreNobodyIsKnown(t *testing.T) {
	c, log := openConsole(t, api.Config{Tokens: away{}}, nil)
	status, _, body := get(t, c, "/v1/states", "Bearer "+tokenOf("operator"))
	if status != 503 || strings.Contains(body, "db.example.net") {
		t.Errorf("Expected 503 and nothing of the store, got %d %s", status, body)
	}
	if lines := log.all(); len(lines) != 1 || !strings.Contains(lines[0], "db.example.net") || strings.Contains(lines[0], "cdr_") {
		t.Errorf("Expected the log to say why, without the token, got %q", lines)
	}
}

// knock asks a console that has no socket for the states.
func knock(c http.Handler, from, token string) (status int, retry string) {
	req, w := httptest.NewRequest("GET", "/v1/states", nil), newRecorder()
	req.RemoteAddr = from
	req.Header.Set("Authorization", "Bearer "+token)
	c.ServeHTTP(w, req)
	return w.Code, w.Header().Get("Retry-After")
}

// TestF44TokensAreNotTried shows more tokens that are not good than one address may.
func TestF44TokensAreNotTried(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := api.New(api.Config{Engine: oneSite("a."), Log: new(journal), Tokens: everybody}).Unheard()
		for range 20 {
			if status, _ := knock(c, "192.0.2.1:1", tokenOf("nobody")); status != 401 {
				t.Fatalf("Expected 401, got %d", status)
			}
		}
		for _, token := range []string{tokenOf("nobody"), tokenOf("operator")} {
			if status, retry := knock(c, "192.0.2.1:2", token); status != 429 || retry != "1" {
				t.Errorf("Expected to be told to wait for a second, got %d, %q", status, retry)
			}
		}
		if status, _ := knock(c, "192.0.2.2:1", tokenOf("operator")); status != 200 {
			t.Errorf("Expected another address to be let in, got %d", status)
		}
		time.Sleep(time.Second)
		if status, _ := knock(c, "192.0.2.1:3", tokenOf("operator")); status != 200 {
			t.Errorf("Expected to be let in after that, got %d", status)
		}
	})
}

func TestACallerHasHisShare(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := api.New(api.Config{Engine: oneSite("a."), Log: new(journal), Tokens: everybody}).Unheard()
		for range 200 {
			if status, _ := knock(c, "192.0.2.1:1", tokenOf("acme")); status != 200 {
				t.Fatalf("Expected an answer, got %d", status)
			}
		}
		if status, retry := knock(c, "192.0.2.3:1", tokenOf("acme")); status != 429 || retry != "1" {
			t.Errorf("Expected to be told to wait, wherever he is, got %d, %q", status, retry)
		}
		if status, _ := knock(c, "192.0.2.1:1", tokenOf("other")); status != 200 {
			t.Errorf("Expected others to be answered, got %d", status)
		}
	})
}

// selfSigned returns the configuration of a server whose certificate nobody knows.
func selfSigned(t *testing.T) func() *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{{127, 0, 0, 1}}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}}
	return func() *tls.Config { return config }
}

// TestTheConsoleSpeaksTLSFromAReloadOn has the same socket speak HTTP, then HTTPS.
func TestTheConsoleSpeaksTLSFromAReloadOn(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	c.Use(selfSigned(t))
	for _, h2 := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2}
		req, err := http.NewRequestWithContext(soon(t), "GET", "https://"+c.Addr().String()+"/v1/states", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tokenOf("operator"))
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		transport.CloseIdleConnections()
		if resp.StatusCode != 200 || resp.ProtoMajor == 2 != h2 {
			t.Errorf("Expected an answer over HTTP/2: %t, got %d over %s", h2, resp.StatusCode, resp.Proto)
		}
	}
}

func TestF34HTTP2IsBounded(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, selfSigned(t))
	conn, err := tls.Dial("tcp", c.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, conn)
	f.WriteSettings()
	frame, err := f.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	settings, ok := frame.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("Expected settings, got %v", frame)
	}
	if streams, said := settings.Value(http2.SettingMaxConcurrentStreams); !said || streams != 100 {
		t.Errorf("Expected 100 streams at most, got %d", streams)
	}
	if header, said := settings.Value(http2.SettingMaxHeaderListSize); !said || header > 32<<10 {
		t.Errorf("Expected headers to be bounded, got %d", header)
	}
}

func TestF34NoHTTP2WithoutTLS(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	for _, text := range []string{
		http2.ClientPreface,
		"GET /v1/states HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", c.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(conn, text)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 ") || strings.HasPrefix(line, "HTTP/1.1 101") {
			t.Errorf("Expected an answer of HTTP/1.1, got %q, %v", line, err)
		}
	}
}

// TestF33HeadersAndBodiesAreBounded of callers who are known, and of others.
func TestF33HeadersAndBodiesAreBounded(t *testing.T) {
	c, log := openConsole(t, api.Config{Store: new(store)}, nil)
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n":                                                                      " 431 ",
		"POST /v1/publish HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n":                                                  " 401 ",
		"POST /v1/publish HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " + tokenOf("acme") + "\r\nContent-Length: 1000000000\r\n\r\n": " 413 ",
	} {
		conn, err := net.Dial("tcp", c.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		go io.WriteString(conn, text)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, want) {
			t.Errorf("%.60q: Expected %s, got %q, %v", text, want, line, err)
		}
	}
	if lines := log.all(); len(lines) > 0 {
		t.Errorf("Expected nothing in the log, got %q", lines)
	}
}

func TestAnAddressThatIsTakenIsNoConsole(t *testing.T) {
	c, _ := openConsole(t, api.Config{}, nil)
	_, err := api.New(api.Config{Engine: oneSite("b."), Log: new(journal)}).OpenConsole(c.Addr(), io.Discard)
	if want := fmt.Sprintf("opening console '%s': ", c.Addr()); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Expected %q, got %v", want, err)
	}
}

func TestAConsoleThatNobodyServedIsClosed(t *testing.T) {
	a := api.New(api.Config{Engine: oneSite("b."), Log: new(journal)})
	addr := free(t)
	for range 2 {
		c, err := a.OpenConsole(addr, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
