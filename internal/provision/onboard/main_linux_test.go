package onboard_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain plays a server that is killed where the environment asks for one, and looks
// for leaked goroutines.
func TestMain(m *testing.M) {
	if dir := os.Getenv(serverIn); dir != "" {
		os.Exit(serve(dir))
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
