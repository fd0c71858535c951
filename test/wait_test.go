//go:build linux

package test

import (
	"testing"
	"time"
)

// slack is added to every promised time: this machine may be busy with other
// tests, and then the probes, the server and the test itself come late.
const slack = 2 * time.Second

// patience is how long a thing may take that nobody promised a time for.
const patience = 60 * time.Second

// poll is how often a condition is looked at that somebody waits for.
const poll = 20 * time.Millisecond

// await looks at got until it is want, and returns how long that took. It fails
// the test when bound and slack are over.
func await(t *testing.T, bound time.Duration, want string, got func() string) time.Duration {
	t.Helper()
	began := time.Now()
	last := ""
	for time.Since(began) <= bound+slack {
		if last = got(); last == want {
			return time.Since(began)
		}
		time.Sleep(poll)
	}
	t.Fatalf("Expected %q within %s (and %s for a busy machine), still got %q", want, bound, slack, last)
	return 0
}

// awaitTrue waits for a condition without a promised time.
func awaitTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("Expected %s within %s", what, patience)
		}
		time.Sleep(poll)
	}
}

// soon is when a packet that was lost is sent again.
func soon() time.Time { return time.Now().Add(slack) }
