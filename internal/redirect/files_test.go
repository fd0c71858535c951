package redirect_test

import (
	"context"
	"crypto/tls"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/redirect"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestFilesAreReadAgain within ten seconds of a change, and stay as they were
// while they are wrong.
func TestFilesAreReadAgain(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		keys := pair(t, dir, www)
		var log journal
		ctx, cancel := context.WithCancel(context.Background())
		config, watch, err := redirect.WatchFiles(ctx, []site.KeyPair{keys}, &log)
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() { watch(); close(over) }()
		defer func() { cancel(); <-over }()
		serial := func() string { return leaf(t, config()) }

		first := serial()
		time.Sleep(61 * time.Second) // not at the moment of a look, which would see half of what comes
		if serial() != first || log.String() != "" {
			t.Errorf("Expected nothing new, got %q", log.String())
		}
		pair(t, dir, www)
		time.Sleep(11 * time.Second)
		second := serial()
		if want := "info: certificate '" + keys.Cert + "' and what stands beside it has been read again\n"; second == first || log.String() != want {
			t.Errorf("Expected a new certificate and %q, got %q", want, log.String())
		}
		if err := os.WriteFile(keys.Key, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if said := strings.Count(log.String(), "warning: the certificates from before stay: reading certificate '"+keys.Cert+"'"); serial() != second || said != 1 {
			t.Errorf("Expected the old one and a line, got %q", log.String())
		}
		os.Remove(keys.Key)
		time.Sleep(11 * time.Second)
		pair(t, dir, www)
		time.Sleep(11 * time.Second)
		if serial() == second {
			t.Error("Expected the third certificate")
		}
	})
}

func leaf(t *testing.T, c *tls.Config) string {
	t.Helper()
	return c.Certificates[0].Leaf.SerialNumber.String()
}
