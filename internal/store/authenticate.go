package store

import (
	"context"
	"time"
)

const (
	usedEvery    = time.Minute            // how exact it is when a token was used last
	usedPatience = 100 * time.Millisecond // of the note of that, which may have to wait for another writer
)

// Authenticate says whose a token is. One that is unknown, revoked or expired, or whose
// user or customer is closed, is ErrToken: nobody learns which, from the time that it
// takes neither.
func (s *Store) Authenticate(ctx context.Context, token string) (u User, err error) {
	hash := hashed(token)
	valid, stale := false, int64(0)
	err = s.glance(ctx, func(t *tx) error {
		var created int64
		valid, err = t.one(`SELECT u.name, COALESCE(u.customer, ''), u.role, u.created, u.version, CASE WHEN k.used < {now} - ? THEN 1 ELSE 0 END
			FROM tokens k JOIN users u ON u.name = k.owner LEFT JOIN customers c ON c.name = u.customer
			WHERE k.hash = ? AND (k.expires = 0 OR k.expires > {now}) AND u.closed = 0 AND COALESCE(c.closed, 0) = 0`,
			[]any{usedEvery.Microseconds(), hash}, &u.Name, &u.Customer, &u.Role, &created, &u.Version, &stale)
		u.Created = moment(created)
		return err
	})
	if err != nil {
		return User{}, doing(err, "looking a token up")
	}
	if !valid {
		return User{}, ErrToken
	}
	if stale != 0 {
		s.noteUse(ctx, hash)
	}
	return u, nil
}

// noteUse notes that a token was used. That is good to know, and no more: nobody waits
// long for it, and if it fails the next use is noted.
func (s *Store) noteUse(ctx context.Context, hash string) {
	if !s.noting.TryLock() {
		return
	}
	defer s.noting.Unlock()
	ctx, cancel := context.WithTimeout(ctx, usedPatience)
	defer cancel()
	s.write(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE tokens SET used = {now} WHERE hash = ?", hash)
		return err
	})
}
