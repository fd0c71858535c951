package health_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// secure starts a real web server with its own idea of TLS.
func secure(t *testing.T, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != r.TLS.ServerName {
			http.Error(w, "host is not the server name", http.StatusMisdirectedRequest)
		}
	}))
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestF5Certificates(t *testing.T) {
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	other, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	const host = "www.example.org"
	tests := []struct {
		name    string
		cert    tls.Certificate
		version uint16 // of the server at most
		says    string // empty: verified
		skipped site.Failure
	}{
		{"Good", root().sign(t, host, soon), 0, "", ""},
		{"Wildcard", root().sign(t, "*.example.org", soon), 0, "", ""},
		{"Expired", root().sign(t, host, past), 0, "expired", ""},
		{"WrongName", root().sign(t, "www.example.net", soon), 0, "not www.example.org", ""},
		{"AddressOnly", root().sign(t, "127.0.0.1", soon), 0, "www.example.org", ""},
		{"SelfSigned", (*authority)(nil).sign(t, host, soon), 0, "unknown authority", ""},
		{"OtherRoot", other.sign(t, host, soon), 0, "unknown authority", ""},
		{"TLS11", root().sign(t, host, soon), tls.VersionTLS11, "protocol version", site.FailureTLS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := secure(t, &tls.Config{
				Certificates: []tls.Certificate{tt.cert},
				MinVersion:   tls.VersionTLS10, MaxVersion: tt.version,
			})
			probe, to := newHTTP(""), target(url)
			r := ask(t, probe, to)
			if tt.says == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, site.FailureTLS, "negotiating TLS", tt.says)
			}
			if r.Phases.TLS <= 0 {
				t.Errorf("got phases %+v, want the time of the handshake", r.Phases)
			}
			to.Ask = unique.Make(site.Ask{Status: site.DefaultStatus(), SkipVerify: true})
			if r := ask(t, probe, to); r.Failure != tt.skipped {
				t.Errorf("got failure %q (%v) without verification, want %q", r.Failure, r.Err, tt.skipped)
			}
		})
	}
	t.Run("NoHost", func(t *testing.T) { // then it is the URL's
		url, _ := counting(t, &tls.Config{Certificates: []tls.Certificate{root().sign(t, "127.0.0.1", soon)}}, func(http.ResponseWriter, *http.Request) {})
		to := target(url)
		to.Host = ""
		wantGood(t, ask(t, newHTTP(""), to))
	})
	t.Run("NoTLSAtAll", func(t *testing.T) {
		url := web(t, func(http.ResponseWriter, *http.Request) {})
		wantFailure(t, ask(t, newHTTP(""), target("https"+url[len("http"):])), site.FailureTLS)
	})
}
