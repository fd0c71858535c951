package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"
)

// The kinds of errors, for errors.Is. The errors themselves say more.
var (
	ErrNotFound = errors.New("not found")                    // there is none, or none that the viewer may see
	ErrConflict = errors.New("it was changed meanwhile")     // it is newer than what the write was made on
	ErrFenced   = errors.New("the lease is somebody else's") // or over
	ErrNewer    = errors.New("the schema is too new")        // for this version of the program
	ErrLocked   = errors.New("the store is in use")          // by another process
	ErrInvalid  = errors.New("invalid")                      // no store would take it
	ErrDamaged  = errors.New("the store is damaged")         // or is none
	ErrReadOnly = errors.New("read only")                    // the viewer may not write, whatever it is
	ErrToken    = errors.New("the token is not valid")       // unknown, revoked or expired, or its user is closed
)

// failure is an error of a kind, with words of its own.
type failure struct {
	kind error
	text string
}

func (f *failure) Error() string        { return f.text }
func (f *failure) Is(target error) bool { return target == f.kind }

func fail(kind error, format string, args ...any) error {
	return &failure{kind, fmt.Sprintf(format, args...)}
}

// doing says what was being done when err happened, if it did.
func doing(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}

// IsFull reports whether the store could not take more: the disk is full, or cannot
// be written.
func IsFull(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY:
		return true
	}
	var of *pgconn.PgError
	return errors.As(err, &of) && strings.HasPrefix(of.Code, "53") // insufficient resources
}
