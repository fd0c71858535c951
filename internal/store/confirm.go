package store

import (
	"cmp"
	"context"
	"fmt"
)

// Confirm lets a revision through that servers hold back. Why may be empty; the audit
// has it.
func (v *View) Confirm(ctx context.Context, revision int64, why string) error {
	if err := cmp.Or(v.operates("a revision to confirm"), text("the reason", why)); err != nil {
		return doing(err, "confirming revision %d", revision)
	}
	what := fmt.Sprintf("confirm revision %d", revision)
	if why != "" {
		what += ": " + why
	}
	err := v.s.write(ctx, func(t *tx) error {
		there, err := t.one("SELECT number FROM revisions WHERE number = ?", []any{revision}, new(int64))
		if err != nil {
			return err
		}
		if !there {
			return ErrNotFound
		}
		if _, err := t.exec("INSERT INTO confirmations (revision, at, who) VALUES (?, {now}, ?) ON CONFLICT (revision) DO NOTHING",
			revision, v.who.Name); err != nil {
			return err
		}
		t.wake()
		return v.audit(t, what, revision, 0)
	})
	return doing(err, "confirming revision %d", revision)
}

// Confirmed reports whether an operator has let a revision through.
func (s *Store) Confirmed(ctx context.Context, revision int64) (confirmed bool, err error) {
	err = s.read(ctx, func(t *tx) error {
		confirmed, err = t.one("SELECT revision FROM confirmations WHERE revision = ?", []any{revision}, new(int64))
		return err
	})
	return confirmed, doing(err, "asking whether revision %d is confirmed", revision)
}
