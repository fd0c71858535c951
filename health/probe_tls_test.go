package health_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"
	"unique"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// probing returns the probe of a kind.
func probing(t *testing.T, kind string) health.Probe {
	t.Helper()
	probe := health.NewNetwork("probe/1.0").Probes()[kind]
	if probe == nil {
		t.Fatalf("there is no probe %q", kind)
	}
	return probe
}

// asked is a target of which something is asked.
func asked(url string, what site.Ask) site.Target {
	to := target(url)
	to.Ask = unique.Make(what)
	return to
}

// handshaking serves nothing but handshakes.
func handshaking(t *testing.T, config *tls.Config) string {
	t.Helper()
	return serve(t, "127.0.0.1:0", func(ctx context.Context, conn net.Conn) {
		secured := tls.Server(conn, config)
		if secured.HandshakeContext(ctx) == nil {
			mute(ctx, secured)
		}
	})
}

func TestTLS(t *testing.T) {
	day := func(n time.Duration) time.Time { return time.Now().Add(n*24*time.Hour + time.Hour) }
	other, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	const host = "www.example.org"
	tests := []struct {
		name     string
		cert     tls.Certificate
		version  uint16 // of the server at most
		ask      site.Ask
		want     site.Failure
		says     string
		protocol string // empty: the handshake fails
	}{
		{"Good", root().sign(t, host, day(0)), 0, site.Ask{}, "", "", "TLS 1.3"},
		{"TLS12", root().sign(t, host, day(0)), tls.VersionTLS12, site.Ask{}, "", "", "TLS 1.2"},
		{"TLS10", root().sign(t, host, day(0)), tls.VersionTLS10, site.Ask{SkipVerify: true}, site.FailureTLS, "protocol version", ""},
		{"Expired", root().sign(t, host, day(-1)), 0, site.Ask{}, site.FailureTLS, "expired", ""},
		{"ExpiredWithDays", root().sign(t, host, day(-1)), 0, site.Ask{Days: 7}, site.FailureTLS, "expired", ""},
		{"WrongName", root().sign(t, "www.example.net", day(0)), 0, site.Ask{}, site.FailureTLS, "not www.example.org", ""},
		{"SelfSigned", (*authority)(nil).sign(t, host, day(0)), 0, site.Ask{}, site.FailureTLS, "unknown authority", ""},
		{"OtherRoot", other.sign(t, host, day(0)), 0, site.Ask{}, site.FailureTLS, "unknown authority", ""},
		{"Unverified", other.sign(t, "www.example.net", day(-1)), 0, site.Ask{SkipVerify: true}, "", "", "TLS 1.3"},
		{"Lasting", root().sign(t, host, day(7)), 0, site.Ask{Days: 7}, "", "", "TLS 1.3"},
		{"Expiring", root().sign(t, host, day(6)), 0, site.Ask{Days: 7}, site.FailureExpiry, "Z, within 7 days", "TLS 1.3"},
		{"ExpiringUnverified", other.sign(t, host, day(6)), 0, site.Ask{Days: 7, SkipVerify: true}, site.FailureExpiry, "7 days", "TLS 1.3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := handshaking(t, &tls.Config{
				Certificates: []tls.Certificate{tt.cert}, MinVersion: tls.VersionTLS10, MaxVersion: tt.version,
			})
			r := ask(t, probing(t, "tls"), asked("tls://"+address, tt.ask))
			if tt.want == "" {
				wantGood(t, r)
			} else {
				wantFailure(t, r, tt.want, "probing 'tls://"+address+"': ", tt.says)
			}
			if r.Protocol != tt.protocol {
				t.Errorf("got protocol %q, want %q", r.Protocol, tt.protocol)
			}
			if tt.protocol != "" && !r.Expires.Equal(expiry(t, tt.cert)) {
				t.Errorf("got expiry %s, want %s", r.Expires, expiry(t, tt.cert))
			}
			if p := r.Phases; p.Connect <= 0 || p.TLS <= 0 || p.FirstByte+p.Transfer != 0 {
				t.Errorf("got phases %+v, want connect and TLS", p)
			}
		})
	}
}

func expiry(t *testing.T, cert tls.Certificate) time.Time {
	t.Helper()
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.NotAfter
}

func TestTLSNotSpoken(t *testing.T) {
	address := serve(t, "127.0.0.1:0", func(_ context.Context, conn net.Conn) {
		conn.Write([]byte("220 mail.example.org ESMTP\r\n"))
	})
	wantFailure(t, ask(t, probing(t, "tls"), asked("tls://"+address, site.Ask{})), site.FailureTLS, "negotiating TLS")
}
