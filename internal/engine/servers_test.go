//go:build linux

package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// TestServersGrowOldWhileTheStoreIsAway closes the store, and looks at what is known of
// its servers.
func TestServersGrowOldWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, e := stored(t, t.TempDir(), storedObject("www"))
	await(t, "the server to report", func() bool { return len(servers(t, c)) == 1 })
	e.LoseStore()
	await(t, "the store to be away", func() bool {
		all, err := c.Servers(ctx)
		return err == nil && !all.Here.Store
	})
	first := servers(t, c)[0]
	await(t, "what it said to be older", func() bool { return servers(t, c)[0].Age > first.Age })
}

func servers(t *testing.T, c api.Configuration) []api.ServerState {
	t.Helper()
	all, err := c.Servers(context.Background())
	must(t, err)
	return all.Servers
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("Waited in vain for %s", what)
		}
	}
}
