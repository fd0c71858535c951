//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// lockFile locks a file, which is made if it is missing, says whose it is, and stays:
// to remove it would let two processes lock two files of one name. The system ends the
// lock when the process ends, however it does. The error is an *inUse if another
// process has it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, syscall.EROFS) {
		f, err = os.Open(path) // that a disk takes no more must not keep us from reading it
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		return nil, notLocked(f, err)
	}
	// The pid is for people: a full disk is no reason to stop.
	if f.Truncate(0) == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

// notLocked says who holds the lock.
func notLocked(f *os.File, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("locking '%s': %w", f.Name(), err)
	}
	text, _ := io.ReadAll(io.LimitReader(f, 20))
	return &inUse{cmp.Or(strings.TrimSpace(string(text)), "(unknown)")} // it may not have written its number yet
}
