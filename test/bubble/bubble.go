// Package bubble runs tests in virtual time.
package bubble

import (
	"runtime"
	"testing"
	"testing/synctest"
)

// Test is synctest.Test on one processor. The race detector keeps one context
// for all timers of a bubble, and on two processors it may be used twice at a
// time, which crashes the process (golang/go#78156, with Go 1.26). On one it
// still sees every race, because it goes by what happens before what. Not for
// parallel tests.
func Test(t *testing.T, f func(*testing.T)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, f)
}
