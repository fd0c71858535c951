package engine_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDecisionsAreStreamed also without a store: the first one of a site, and an override.
func TestDecisionsAreStreamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	e, _ := newWorld().engine(t)
	must(t, e.Listen(path))
	offer(e, newSite(www, "192.0.2.1"))
	toCDN(t, e, time.Hour)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}, DisableKeepAlives: true}
	client := http.Client{Transport: transport, Timeout: 20 * time.Second}
	resp, err := client.Get("http://s/v1/events?since=2026-01-01T00:00:00Z")
	must(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for _, want := range []string{`"side":"origin"`, `"side":"cdn","share":1,"cdns":["edge"]`} {
		for lines.Scan() && !strings.Contains(lines.Text(), `"site":"www.example.org"`) {
		}
		if got := lines.Text(); !strings.Contains(got, want) {
			t.Errorf("Expected %s, got %q, %v", want, got, lines.Err())
		}
	}
}
