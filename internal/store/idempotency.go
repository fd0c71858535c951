package store

import (
	"bytes"
	"context"
	"time"
)

// Bounds of idempotency keys.
const (
	keyAge     = 24 * time.Hour
	keyBegun   = 5 * time.Minute // after that who began a write has most likely died
	maxKey     = 255             // octets
	maxAnswer  = 1 << 20         // octets
	keysOfOne  = 10_000          // of an owner; the oldest go first
	keysAtOnce = 1000            // that are removed in a transaction
)

// BeginKey reserves a key for a write, if nobody has: hash is of what is to be written, and
// a key is its owner's alone. Once the write has ended, the same again gets its answer.
// While it has not, that is ErrConflict, for 5 minutes at most; other content is
// ErrInvalid. An answer is kept for a day: it must hold no secret.
func (s *Store) BeginKey(ctx context.Context, owner, key string, hash []byte) (answer []byte, status int, done bool, err error) {
	if err := keyed(owner, key, hash); err != nil {
		return nil, 0, false, doing(err, "beginning key '%.100s'", key)
	}
	err = s.write(ctx, func(t *tx) error {
		answer, status, done = nil, 0, false
		n, err := t.exec(`INSERT INTO idempotency (owner, name, hash, status, answer, at) VALUES (?, ?, ?, 0, ?, {now})
			ON CONFLICT (owner, name) DO UPDATE SET hash = excluded.hash, status = 0, answer = excluded.answer, at = excluded.at
			WHERE idempotency.at < {now} - ? OR idempotency.status = 0 AND idempotency.at < {now} - ? AND idempotency.hash = excluded.hash`,
			owner, key, hash, []byte{}, keyAge.Microseconds(), keyBegun.Microseconds())
		if err != nil || n > 0 {
			return err
		}
		answer, status, done, err = t.begun(owner, key, hash)
		return err
	})
	return answer, status, done, doing(err, "beginning key '%s'", key)
}

func keyed(owner, key string, hash []byte) error {
	if key == "" || len(key) > maxKey {
		return fail(ErrInvalid, "it has %d octets, and not 1 to %d", len(key), maxKey)
	}
	if len(hash) == 0 {
		return fail(ErrInvalid, "there is no hash of what is to be written")
	}
	return text("the key", owner+key)
}

// begun says what became of a key that somebody has begun.
func (t *tx) begun(owner, key string, hash []byte) (answer []byte, status int, done bool, err error) {
	var of []byte
	there, err := t.one("SELECT hash, status, answer FROM idempotency WHERE owner = ? AND name = ?", []any{owner, key}, &of, &status, &answer)
	switch {
	case err != nil:
		return nil, 0, false, err
	case there && !bytes.Equal(of, hash):
		return nil, 0, false, fail(ErrInvalid, "it was used for something else")
	case !there || status == 0:
		return nil, 0, false, fail(ErrConflict, "what it was used for has not ended yet")
	}
	return answer, status, true, nil
}

// FinishKey keeps the answer to the write that a key was reserved for.
func (s *Store) FinishKey(ctx context.Context, owner, key string, status int, answer []byte) error {
	if status <= 0 || len(answer) > maxAnswer {
		return doing(fail(ErrInvalid, "status %d with an answer of %d octets: more than %d are not kept", status, len(answer), maxAnswer), "finishing key '%s'", key)
	}
	err := s.write(ctx, func(t *tx) error {
		n, err := t.exec("UPDATE idempotency SET status = ?, answer = ? WHERE owner = ? AND name = ? AND status = 0", int64(status), blob(answer), owner, key)
		if err == nil && n == 0 {
			err = fail(ErrNotFound, "it is not begun: %v", ErrNotFound)
		}
		return err
	})
	return doing(err, "finishing key '%s'", key)
}

// DropKey gives a key back whose write did not happen.
func (s *Store) DropKey(ctx context.Context, owner, key string) error {
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM idempotency WHERE owner = ? AND name = ? AND status = 0", owner, key)
		return err
	})
	return doing(err, "dropping key '%s'", key)
}

// TrimKeys removes keys that are older than a day, and the oldest ones of owners who have
// very many. It does so bit by bit, so that others get to write.
func (s *Store) TrimKeys(ctx context.Context) error {
	for removed := int64(1); removed > 0; {
		err := s.write(ctx, func(t *tx) (err error) {
			removed, err = t.exec(`DELETE FROM idempotency WHERE (owner, name) IN (SELECT owner, name FROM (
					SELECT owner, name, at, ROW_NUMBER() OVER (PARTITION BY owner ORDER BY at DESC, name) AS n FROM idempotency) AS k
				WHERE k.at < {now} - ? OR k.n > ? LIMIT ?)`, keyAge.Microseconds(), int64(keysOfOne), int64(keysAtOnce))
			return err
		})
		if err != nil {
			return doing(err, "removing old keys")
		}
	}
	return nil
}
