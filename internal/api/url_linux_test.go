package api_test

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

const aSecret = "cdr_0123456789012345678901234567890123456789abc"

// remote is a server that lets in who shows the token.
func remote(a *api.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := api.Caller{}
		if r.Header.Get("Authorization") == "Bearer "+aSecret {
			who = api.Caller{Name: "bob", Role: site.RoleOperatorReadonly}
		}
		a.As(who).ServeHTTP(w, r)
	})
}

func TestAServerElsewhereIsAskedWithAToken(t *testing.T) {
	server := httptest.NewUnstartedServer(remote(api.New(api.Config{Engine: oneSite("a."), Log: new(journal)})))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of who does not trust it
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, c := range []struct {
		cfg  api.URLConfig
		want string // in the error; empty: there is none
	}{
		{api.URLConfig{URL: server.URL + "/", Token: aSecret, Roots: roots}, ""},
		{api.URLConfig{URL: server.URL, Token: strings.Replace(aSecret, "0", "1", 1), Roots: roots}, "Not Found: there is nothing at '/v1/whoami'"},
		{api.URLConfig{URL: server.URL, Token: aSecret}, "asking server '" + server.URL + "': tls: failed to verify certificate"},
		{api.URLConfig{URL: "http://" + server.Listener.Addr().String(), Token: aSecret}, "reading the error of server 'http://127.0.0.1:"},
	} {
		client, err := api.DialURL(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		who, err := client.As("eve").Whoami(soon(t))
		if c.want == "" && (err != nil || who.Name != "bob") || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: Expected bob or %q, got %+v, %v", c.cfg.URL, c.want, who, err)
		}
		if err != nil && strings.Contains(err.Error(), c.cfg.Token[4:]) {
			t.Errorf("Expected no token in an error, got %v", err)
		}
	}
}

func TestATokenGoesNowhereElse(t *testing.T) {
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	client, err := api.DialURL(api.URLConfig{URL: server.URL, Token: aSecret})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Whoami(soon(t)); err == nil || asked != 0 {
		t.Errorf("Expected nobody to be asked but the server itself, got %d and %v", asked, err)
	}
}

func TestURLsAndTokensThatAreRefused(t *testing.T) {
	for _, c := range []struct{ url, token, want string }{
		{"http://192.0.2.1:8080", "", "http:// is possible to this machine only"},
		{"http://localhost.example.org", "", "http:// is possible to this machine only"},
		{"https://", "", "write a URL such as"},
		{"cdn.example.org:8443", "", "write a URL such as"},
		{"ftp://cdn.example.org", "", "write a URL such as"},
		{"https://a:b@cdn.example.org", "", "has no place in it"},
		{"https://cdn.example.org?x", "", "has no place in it"},
		{"https://cdn.example.org:x", "", "invalid port"},
		{"https://cdn.example.org", "hunter2", "no token"},
		{"https://cdn.example.org", aSecret + "\n", "no token"},
	} {
		_, err := api.DialURL(api.URLConfig{URL: c.url, Token: c.token})
		if err == nil || !strings.Contains(err.Error(), c.want) || c.token != "" && strings.Contains(err.Error(), c.token) {
			t.Errorf("%s: Expected %q, got %v", c.url, c.want, err)
		}
	}
	for _, url := range []string{"http://127.0.0.1:8080", "http://[::1]", "http://localhost:1", "https://cdn.example.org/under"} {
		if _, err := api.DialURL(api.URLConfig{URL: url, Token: aSecret}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
