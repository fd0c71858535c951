//go:build linux

package test

import (
	"os"
	"os/exec"
	"testing"
)

// need skips the test unless program is installed.
func need(t *testing.T, program, debianPackage string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		missing(t, "%s is not installed: install the Debian package %s", program, debianPackage)
	}
}

// needRoot skips the test unless it may make network namespaces.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		missing(t, "making a network namespace needs root")
	}
}

// missing skips the test, or fails it where everything has to be there.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if requireAll() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// requireAll reports whether nothing may be skipped.
func requireAll() bool { return os.Getenv("CDNREDIRECT_REQUIRE_ALL") == "1" }
