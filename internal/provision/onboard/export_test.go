package onboard

import "time"

// SetCommandLimit has commands end sooner until it is called again.
func SetCommandLimit(d time.Duration) (before time.Duration) {
	before, commandLimit = commandLimit, d
	return before
}

// Final reports whether an error is one of Refuse.
func Final(err error) bool {
	out := outcomeOf(err)
	return err != nil && !out.waits && !out.stays
}

// ForgetAtOnce has resolvers keep no answer.
func ForgetAtOnce() { leastCached = 0 }
