package onboard

import (
	"errors"
	"fmt"
	"time"
)

// Waiting is the error of a step that is not done yet, and what is to be done for it.
type Waiting struct {
	Words string
	Until time.Time // it is not tried before; zero: after a pause that grows
	Mark  time.Time // what the step is told the next time; zero: what it was told
}

func (w *Waiting) Error() string { return w.Words }

// waitFor makes one.
func waitFor(format string, args ...any) error { return &Waiting{Words: fmt.Sprintf(format, args...)} }

// refused is the error of what is of no use to try again.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// Refuse makes an error one of what is of no use to try again; nil stays nil.
func Refuse(err error) error {
	if err == nil {
		return nil
	}
	return refused{err}
}

// isFinal reports whether an error is of what is of no use to try again.
func isFinal(err error) bool {
	var of refused
	return errors.As(err, &of)
}

// inside is the error of what the operator's programs say: it may name what customers are
// not to know.
type inside struct{ error }

func (i inside) Unwrap() error { return i.error }

// Inside makes an error one that is for operators; nil stays nil.
func Inside(err error) error {
	if err == nil {
		return nil
	}
	return inside{err}
}

// isInside reports whether an error is for operators.
func isInside(err error) bool {
	var of inside
	return errors.As(err, &of)
}

// ErrStays is the error of undoing what somebody else has changed since: it stays, and
// what it needs does, too.
var ErrStays = errors.New("it was changed since")

// outcome is what an error says of the try that it is of.
type outcome struct {
	waits bool // it is to be tried again
	until time.Time
	mark  time.Time
	stays bool
}

// outcomeOf reads an error. One that says nothing of itself, such as of a store that is
// away, may be gone the next time.
func outcomeOf(err error) (out outcome) {
	var waiting *Waiting
	var final refused
	switch {
	case err == nil, errors.As(err, &final):
	case errors.Is(err, ErrStays):
		out.stays = true
	case errors.As(err, &waiting):
		out = outcome{waits: true, until: waiting.Until, mark: waiting.Mark}
	default:
		out.waits = true
	}
	return out
}
