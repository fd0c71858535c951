package engine

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"sync"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/internal/store"
)

// wrongInvitations is how many wrong ones end an invitation.
const wrongInvitations = 5

// invitation is what lets somebody make the first user who cannot use the socket. It is
// known to this process, and to who reads its log, and nowhere else.
type invitation struct {
	mu     sync.Mutex
	asked  bool   // once is enough
	wanted bool   // as soon as it is known that there are no users
	text   string // empty: there is none
	wrong  int    // of those that were shown
}

// Invite has an invitation be written to the log, once in the life of the process, if
// the store has no users when it is reached.
func (e *Engine) Invite() {
	e.invitation.mu.Lock()
	defer e.invitation.mu.Unlock()
	if !e.invitation.asked {
		e.invitation.asked, e.invitation.wanted = true, true
	}
}

// inviteOnce writes it, if it is wanted.
func (e *Engine) inviteOnce(ctx context.Context, db *store.Store) error {
	i := &e.invitation
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.wanted {
		return nil
	}
	users, err := db.As(store.Viewer{Name: reader.Name, Operator: true, ReadOnly: true}).Users(ctx, "", 1)
	if err != nil {
		return err
	}
	i.wanted = false
	if len(users) == 0 {
		i.text = "cdi_" + rand.Text()
		e.cfg.Log.Infof("there are no users yet: make the first one by 'cdnctl init NAME', or by POST /v1/init with the token '%s', which is good for that once", i.text)
	}
	return nil
}

// accepts reports whether a text is the invitation.
func (i *invitation) accepts(text string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.text == "" {
		return false
	}
	if subtle.ConstantTimeCompare([]byte(text), []byte(i.text)) == 1 {
		return true
	}
	if i.wrong++; i.wrong >= wrongInvitations {
		i.text = ""
	}
	return false
}

// end has nobody be invited any more.
func (i *invitation) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked, i.wanted, i.text = true, false, ""
}

// beginning makes the first user; see api.Beginning.
type beginning struct{ configuration }

// Initialize implements api.Beginning.
func (b beginning) Initialize(ctx context.Context, name, invitation string, who api.Caller) (secret string, err error) {
	if who.Role != site.RoleOperator && !b.invitation.accepts(invitation) {
		return "", fmt.Errorf("making the first operator: %w", api.ErrNotInvited)
	}
	_, db, _, err := b.view(ctx, who)
	if err != nil {
		return "", err
	}
	secret, err = db.Initialize(ctx, name)
	if err != nil {
		return "", translated(err)
	}
	b.invitation.end()
	b.cfg.Log.Infof("the first operator is '%s'", name)
	return secret, nil
}
