package onboard_test

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// generous is a deadline for what takes a moment.
const generous = 60 * time.Second

// need skips the test unless program is installed.
func need(t *testing.T, program, debianPackage string) {
	t.Helper()
	_, err := exec.LookPath(program)
	switch {
	case err == nil:
	case os.Getenv("CDNREDIRECT_REQUIRE_ALL") == "1":
		t.Fatalf("%s is not installed: install the Debian package %s", program, debianPackage)
	default:
		t.Skipf("%s is not installed: install the Debian package %s", program, debianPackage)
	}
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(generous); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("Waited in vain for %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
