package onboard_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestOneCommandAtATime of a CDN, also when its block has changed meanwhile.
func TestOneCommandAtATime(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "script", `mkdir "$1/under-way" || exit 1
sleep 0.05
rmdir "$1/under-way"
`)
	locks := new(onboard.Locks)
	var running sync.WaitGroup
	for _, block := range []string{"old", "new"} {
		p := locks.New("edge", site.Provision{Deploy: &site.Deploy{Kind: site.DeployNginx, Command: []string{"/bin/sh", filepath.Join(dir, "script"), dir, block}}}, nil)
		for range 4 {
			running.Go(func() {
				_, err := p.Create(context.Background(), plainRequest(t, "www.example.org"))
				if err != nil {
					t.Errorf("Expected each command to be alone, got %v", err)
				}
			})
		}
	}
	running.Wait()
}

// TestALockIsWaitedFor no longer than its context lasts.
func TestALockIsWaitedFor(t *testing.T) {
	locks := new(onboard.Locks)
	unlock, err := locks.Lock(t.Context(), "edge")
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := locks.Lock(ctx, "edge"); err != context.DeadlineExceeded {
		t.Errorf("Expected the wait to end, got %v", err)
	}
	other, err := locks.Lock(t.Context(), "big")
	must(t, err)
	other()
	unlock()
	again, err := locks.Lock(t.Context(), "edge")
	must(t, err)
	again()
}
