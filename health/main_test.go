package health_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unique"

	"go.uber.org/goleak"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestMain makes root the only certificate authority of the system, which has
// to happen before the first verification, and looks for leaked goroutines.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "health")
	if err == nil {
		err = trustOnly(dir, root())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "setting up the certificate authority:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func trustOnly(dir string, ca *authority) error {
	file := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(file, ca.pem(), 0o600); err != nil {
		return err
	}
	if err := os.Setenv("SSL_CERT_DIR", dir); err != nil {
		return err
	}
	return os.Setenv("SSL_CERT_FILE", file)
}

// missing skips a test that needs something this machine lacks, unless
// nothing may be skipped.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CDNREDIRECT_REQUIRE_ALL") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// generous is a deadline that only a broken probe reaches.
const generous = 20 * time.Second

// target is what most tests probe; change what matters.
func target(url string) site.Target {
	return site.Target{
		Kind: "http", URL: url, Host: "www.example.org",
		Timeout: generous, Ask: unique.Make(site.Ask{Status: site.DefaultStatus()}),
	}
}

// ask probes once, with a promise of every result checked.
func ask(t *testing.T, probe health.Probe, target site.Target) health.Result {
	t.Helper()
	r := probe(t.Context(), target)
	if (r.Failure == "") != (r.Err == nil) {
		t.Errorf("failure %q with error %v", r.Failure, r.Err)
	}
	p := r.Phases
	if sum := p.Resolve + p.Connect + p.TLS + p.FirstByte + p.Transfer; sum > r.Total {
		t.Errorf("phases %+v add up to %s, more than the total %s", p, sum, r.Total)
	}
	return r
}

func wantGood(t *testing.T, r health.Result) {
	t.Helper()
	if r.Failure != "" {
		t.Fatalf("got failure %q: %v", r.Failure, r.Err)
	}
}

// wantFailure checks the failure and what its text says.
func wantFailure(t *testing.T, r health.Result, want site.Failure, says ...string) {
	t.Helper()
	if r.Failure != want {
		t.Fatalf("got failure %q (%v), want %q", r.Failure, r.Err, want)
	}
	for _, text := range says {
		if !strings.Contains(r.Err.Error(), text) {
			t.Errorf("got error %q, want %q in it", r.Err, text)
		}
	}
}

// serve hands each connection to handle, which may use it until ctx ends or it
// returns, and returns the listener's address.
func serve(t testing.TB, address string, handle func(ctx context.Context, conn net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		missing(t, "listening on %s: %v", address, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				handle(ctx, conn)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		conns.Wait()
	})
	return l.Addr().String()
}

// newHTTP returns the probe of kind "http".
func newHTTP(userAgent string) health.Probe { return health.NewNetwork(userAgent).Probes()["http"] }
