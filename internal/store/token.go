package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Token is what a program shows to be a user, without its secret.
type Token struct {
	ID      string
	Owner   string // the user's name
	Title   string // for people
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // within a minute; zero: never
}

// secret makes the text of a token: 32 random octets.
func secret() string {
	var octets [32]byte
	rand.Read(octets[:])
	return "cdr_" + base64.RawURLEncoding.EncodeToString(octets[:])
}

// hashed is all that is kept of a token's text. That is random, so a slow hash, as for
// passwords, would protect nothing.
func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// CreateToken makes a token of a user; expires may be zero. Its text is returned here,
// and never again.
func (v *View) CreateToken(ctx context.Context, owner, title string, expires time.Time) (text string, made Token, err error) {
	if err := cmp.Or(v.writes(), line("title", title)); err != nil {
		return "", Token{}, doing(err, "making a token of user '%s'", owner)
	}
	err = v.s.administer(ctx, func(t *tx) error {
		if _, err := v.openUser(t, owner); err != nil {
			return err
		}
		text, made, err = v.createToken(t, owner, title, expires)
		return err
	})
	if err != nil {
		return "", Token{}, doing(err, "making a token of user '%s'", owner)
	}
	return text, made, nil
}

func (v *View) createToken(t *tx, owner, title string, expires time.Time) (text string, made Token, err error) {
	var now int64
	if _, err := t.one("SELECT {now}", nil, &now); err != nil {
		return "", made, err
	}
	if !expires.IsZero() && micros(expires) <= now {
		return "", made, fail(ErrInvalid, "it would have expired at %s", expires.UTC().Format(time.RFC3339))
	}
	const idLength = 12
	text, made = secret(), Token{ID: rand.Text()[:idLength], Owner: owner, Title: title, Created: moment(now), Expires: moment(micros(expires))}
	if _, err := t.exec("INSERT INTO tokens (hash, id, owner, title, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
		hashed(text), made.ID, owner, title, now, micros(expires)); err != nil {
		return "", made, err
	}
	return text, made, v.audit(t, "make token "+made.ID+" of user '"+owner+"'", 0, 0)
}

// Tokens lists those of a user, or of all with an empty name, by ID, from behind one on.
func (v *View) Tokens(ctx context.Context, owner, after string, limit int) (tokens []Token, err error) {
	if err := v.known(); err != nil {
		return nil, doing(err, "listing tokens")
	}
	where, args := v.mine("u.customer")
	if owner != "" {
		where, args = where+" AND k.owner = ?", append(args, owner)
	}
	err = v.s.read(ctx, func(t *tx) error {
		tokens = nil
		return t.each(`SELECT k.id, k.owner, k.title, k.created, k.expires, k.used FROM tokens k JOIN users u ON u.name = k.owner
			WHERE `+where+` AND k.id <> '' AND k.id > ? ORDER BY k.id LIMIT ?`, append(args, after, bounded(limit)), func(scan func(...any) error) error {
			var k Token
			var created, expires, used int64
			err := scan(&k.ID, &k.Owner, &k.Title, &created, &expires, &used)
			k.Created, k.Expires, k.Used = moment(created), moment(expires), moment(used)
			tokens = append(tokens, k)
			return err
		})
	})
	return tokens, doing(err, "listing tokens")
}

// RevokeToken ends a token at once.
func (v *View) RevokeToken(ctx context.Context, id string) error {
	if err := v.writes(); err != nil {
		return doing(err, "revoking token '%s'", id)
	}
	mine, args := v.mine("u.customer")
	err := v.s.administer(ctx, func(t *tx) error {
		var owner string
		there, err := t.one(`DELETE FROM tokens WHERE id <> '' AND id = ? AND owner IN (SELECT u.name FROM users u WHERE `+mine+`) RETURNING owner`,
			append([]any{id}, args...), &owner)
		if err == nil && !there {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return v.audit(t, "revoke token "+id+" of user '"+owner+"'", 0, 0)
	})
	return doing(err, "revoking token '%s'", id)
}

// Initialize makes the first user, an operator, and a token of his. It is refused with
// ErrConflict once there was a user.
func (s *Store) Initialize(ctx context.Context, name string) (text string, err error) {
	v, u := s.As(Viewer{Name: name, Operator: true}), User{Name: name, Role: site.RoleOperator}
	if err := u.valid(); err != nil {
		return "", doing(err, "making the first operator")
	}
	err = s.administer(ctx, func(t *tx) error {
		there, err := t.one("SELECT name FROM users LIMIT 1", nil, new(string))
		if err != nil {
			return err
		}
		if there {
			return fail(ErrConflict, "there are users already: an operator makes more")
		}
		if _, err := v.putUser(t, u); err != nil {
			return err
		}
		text, _, err = v.createToken(t, name, "the first", time.Time{})
		return err
	})
	if err != nil {
		return "", doing(err, "making the first operator")
	}
	return text, nil
}
