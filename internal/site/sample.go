package site

import (
	"math"
	"time"
)

// Sample is one measurement of one signal.
type Sample struct {
	At      time.Time // when it was due
	Signal  Signal
	Value   float64 // in the signal's unit; a failed probe's is its timeout
	Failure Failure // empty: the probe was good
	Detail  string  // what failed, for people; never a secret
}

// Failure is why a probe failed; the list is fixed.
type Failure string

// The reasons of failure.
const (
	FailureResolve   Failure = "resolve"   // the target's name has no address
	FailureConnect   Failure = "connect"   // refused, unreachable, reset
	FailureTLS       Failure = "tls"       // handshake or certificate
	FailureExpiry    Failure = "expiry"    // the certificate is good, but not for long
	FailureTimeout   Failure = "timeout"   // the deadline came first
	FailureProtocol  Failure = "protocol"  // no valid answer
	FailureStatus    Failure = "status"    // a valid answer that says no
	FailureContent   Failure = "content"   // an answer without what must be in it
	FailureInvalid   Failure = "invalid"   // a feed's value that cannot be one
	FailureForbidden Failure = "forbidden" // an address or port that the target may not be at
	FailureLocal     Failure = "local"     // this machine could not ask: it says nothing of the target
)

// Failures lists all of them.
func Failures() []Failure {
	return []Failure{FailureResolve, FailureConnect, FailureTLS, FailureExpiry, FailureTimeout, FailureProtocol,
		FailureStatus, FailureContent, FailureInvalid, FailureForbidden, FailureLocal}
}

// staleLeast is the shortest time after which a source counts as silent.
const staleLeast = 5 * time.Second

// StaleAfter returns how old a source's newest sample may be: three of its
// periods, at least 5 s.
func StaleAfter(period time.Duration) time.Duration { return max(3*period, staleLeast) }

// Usable reports whether the sample can be believed at now: NaN, infinite,
// negative values and times to come are missing data, never zero.
func (s Sample) Usable(now time.Time) bool {
	return s.Value >= 0 && !math.IsInf(s.Value, 1) && !s.At.After(now)
}
