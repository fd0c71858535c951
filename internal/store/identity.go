package store

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Whatever, as the version of what is written, overwrites any version there is.
const Whatever int64 = -1

// administer runs f in a transaction in which nobody else changes customers, plans,
// users or tokens. Who takes the revision as well takes it after that.
func (s *Store) administer(ctx context.Context, f func(*tx) error) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.take("identities", 0); err != nil {
			return err
		}
		return f(t)
	})
}

// expects refuses a write that was made on another version than there is; 0 is none.
func expects(what, name string, want, present int64) error {
	switch {
	case want == Whatever || want == present:
		return nil
	case present == 0:
		return fail(ErrNotFound, "%s '%s': %v", what, name, ErrNotFound)
	case want == 0:
		return fail(ErrConflict, "%s '%s' is there already", what, name)
	}
	return fail(ErrConflict, "%s '%s' has version %d, and the change was made on version %d: %v", what, name, present, want, ErrConflict)
}

// identifier refuses what is no name of a customer, a plan or a user.
func identifier(what, name string) error {
	const most = 100
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@+", r))
	}
	if name == "" || len(name) > most || strings.ContainsFunc(name, odd) {
		return fail(ErrInvalid, "'%.100s' is no name of a %s: it has 1 to %d letters, digits and ._-@+", name, what, most)
	}
	return nil
}

// line refuses what is not one line of a moderate length.
func line(what, s string) error {
	const most = 200
	if n := utf8.RuneCountInString(s); n > most {
		return fail(ErrInvalid, "%s %.40q... has %d characters: at most %d are kept", what, s, n, most)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return fail(ErrInvalid, "%s %.40q is no line of text in UTF-8", what, s)
	}
	return nil
}
