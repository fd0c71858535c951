package engine

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/store"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestARenewedCertificateIsAnotherStore, and the same one that was read again is not.
func TestARenewedCertificateIsAnotherStore(t *testing.T) {
	old, renewed := newCertificate(t, 1), newCertificate(t, 2)
	own := func(c *x509.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw}}}}
	}
	trust := func(c *x509.Certificate) *tls.Config {
		pool := x509.NewCertPool()
		pool.AddCert(c)
		return &tls.Config{RootCAs: pool}
	}
	none := new(tls.Config)
	for name, c := range map[string]struct {
		before, after *tls.Config
		like          bool
	}{
		"no TLS":                  {nil, nil, true},
		"TLS from now on":         {nil, none, false},
		"TLS no more":             {none, nil, false},
		"no files":                {none, new(tls.Config), true},
		"the same certificate":    {own(old), own(old), true},
		"another certificate":     {own(old), own(renewed), false},
		"no certificate any more": {own(old), none, false},
		"the same authority":      {trust(old), trust(old), true},
		"another authority":       {trust(old), trust(renewed), false},
		"the system's now":        {trust(old), none, false},
	} {
		keeping := func(c *tls.Config) Keeping {
			return Keeping{Store: store.Config{Driver: "postgres", Source: "dsn", TLS: c}}
		}
		if got := newDatabase(keeping(c.before), nil).like(keeping(c.after)); got != c.like {
			t.Errorf("%s: Expected %t, got %t", name, c.like, got)
		}
	}
}

// newCertificate returns one that signs itself.
func newCertificate(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial)}
	raw, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestADatabaseThatTakesLongToOpen is opened all the same, and nobody waits for that but
// who asks first, and not for long.
func TestADatabaseThatTakesLongToOpen(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const takes = 5 * time.Minute
		dir := t.TempDir()
		d := newDatabase(Keeping{Store: store.Config{Driver: "sqlite", Source: filepath.Join(dir, "store"), Server: "one"}}, func() {})
		defer d.close()
		d.opener = func(ctx context.Context, cfg store.Config) (*store.Store, error) {
			if err := pause(ctx, takes); err != nil {
				return nil, err
			}
			return store.Open(ctx, cfg)
		}
		for _, wait := range []time.Duration{openTimeout, 0, 0} {
			wantAway(t, d, errOpening, wait)
		}
		time.Sleep(takes)
		if open, err := d.get(t.Context()); open == nil || err != nil {
			t.Errorf("Expected the store, got %v", err)
		}
	})
}

// TestADatabaseThatIsNotReached is tried again after a pause, however long a try takes,
// and is closed at once.
func TestADatabaseThatIsNotReached(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		away := errors.New("away")
		d := newDatabase(Keeping{}, func() {})
		d.opener = func(ctx context.Context, _ store.Config) (*store.Store, error) {
			tries.Add(1)
			if err := pause(ctx, 7*time.Second); err != nil {
				return nil, err
			}
			return nil, away
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.get(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Expected the end of the context, got %v", err)
		}
		wantAway(t, d, errOpening, openTimeout)
		for began := time.Now(); time.Since(began) < time.Minute-6*time.Second; time.Sleep(100 * time.Millisecond) {
			d.get(t.Context())
		}
		wantAway(t, d, away, 0)
		if got := tries.Load(); got != 5 {
			t.Errorf("Expected a try every 12 s, got %d in a minute", got)
		}
		began := time.Now()
		d.close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Expected it to be closed at once, got %s", took)
		}
		wantAway(t, d, errClosed, 0)
	})
}

// wantAway wants get to say why the database is away, after so long.
func wantAway(t *testing.T, d *database, want error, after time.Duration) {
	t.Helper()
	began := time.Now()
	_, err := d.get(t.Context())
	if took := time.Since(began); !errors.Is(err, want) || took != after {
		t.Errorf("Expected the error %q after %s, got %v after %s", want, after, err, took)
	}
}

// pause takes some time, unless ctx ends before that.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
