//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package store

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// lockFile refuses: without a lock two processes would spoil each other's files.
func lockFile(string) (*os.File, error) {
	return nil, fmt.Errorf("files cannot be locked on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
