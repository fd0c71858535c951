//go:build linux

package engine_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/engine"
)

var invited = regexp.MustCompile(`with the token '(cdi_[A-Z2-7]{26})'`)

// inviting is an engine with a new store that has written an invitation to its log, and
// what that says.
func inviting(t *testing.T, w *world, dir string) (e *engine.Engine, text string) {
	t.Helper()
	e, _ = w.engine(t)
	e.Invite()
	keepIn(t, e, dir, true)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if found := invited.FindStringSubmatch(strings.Join(w.logged(), "\n")); found != nil {
			return e, found[1]
		}
	}
	t.Fatalf("Expected an invitation in the log, got %q", w.logged())
	return e, ""
}

// invitations counts those in the log.
func invitations(w *world) int {
	return len(invited.FindAllString(strings.Join(w.logged(), "\n"), -1))
}

func TestWhoHasTheInvitationMakesTheFirstOperator(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, dir := newWorld(), t.TempDir()
	e, text := inviting(t, w, dir)
	b := e.Resources().Beginning
	for _, wrong := range []string{"", "cdi_", text[:20], text + "x"} {
		if _, err := b.Initialize(ctx, "eve", wrong, api.Caller{}); !errors.Is(err, api.ErrNotInvited) || strings.Contains(err.Error(), text) {
			t.Errorf("'%s': Expected nobody to be let in, got %v", wrong, err)
		}
	}
	secret, err := b.Initialize(ctx, "alice", text, api.Caller{})
	if err != nil || !strings.HasPrefix(secret, "cdr_") {
		t.Fatalf("Expected a token, got %v", err)
	}
	if strings.Contains(strings.Join(w.logged(), "\n"), secret) {
		t.Error("Expected no secret in the log")
	}
	if _, err := b.Initialize(ctx, "eve", text, api.Caller{}); !errors.Is(err, api.ErrNotInvited) {
		t.Errorf("Expected the invitation to be over, got %v", err)
	}
	if _, err := b.Initialize(ctx, "bob", "", alice); !errors.Is(err, api.ErrConflict) {
		t.Errorf("Expected users to be there already, got %v", err)
	}
	users, _, err := e.Resources().Identities.Users(ctx, api.Page{Limit: 10}, alice)
	must(t, err)
	if len(users) != 1 || users[0].Name != "alice" {
		t.Errorf("Expected alice alone, got %+v", users)
	}
	e.Invite()
	e.Close()
	again, _ := w.engine(t)
	again.Invite()
	keepIn(t, again, dir, true)
	time.Sleep(1500 * time.Millisecond) // the follow task has looked
	if got := invitations(w); got != 1 {
		t.Errorf("Expected one invitation, and none where there are users, got %d", got)
	}
}

func TestFiveWrongTokensEndAnInvitation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld()
	e, text := inviting(t, w, t.TempDir())
	b := e.Resources().Beginning
	for range 5 {
		if _, err := b.Initialize(ctx, "eve", "cdi_WRONG", api.Caller{}); !errors.Is(err, api.ErrNotInvited) {
			t.Errorf("Expected nobody to be let in, got %v", err)
		}
	}
	if _, err := b.Initialize(ctx, "eve", text, api.Caller{}); !errors.Is(err, api.ErrNotInvited) {
		t.Errorf("Expected the right one to be too late, got %v", err)
	}
	e.Invite()
	time.Sleep(1500 * time.Millisecond) // the follow task has looked
	if got := invitations(w); got != 1 {
		t.Errorf("Expected no further one, got %d", got)
	}
	if _, err := b.Initialize(ctx, "alice", "", alice); err != nil {
		t.Errorf("Expected the operator at the socket to need none, got %v", err)
	}
}
