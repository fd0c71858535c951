package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// maxPath is what fits into a socket's address besides the final NUL (unix(7)).
const maxPath = 107

// listen makes the socket's file, readable by its owner alone from its first
// moment, and listens.
func listen(path string) (*net.UnixListener, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if err := clearAway(path); err != nil {
		return nil, err
	}
	cfg := net.ListenConfig{Control: private}
	l, err := cfg.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	unix := l.(*net.UnixListener)
	unix.SetUnlinkOnClose(false) // it would not look whose file it is
	return unix, nil
}

// checkPath says of a path that cannot work what is wrong with it, which the
// system would not.
func checkPath(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("the path is not absolute")
	}
	if len(path) > maxPath {
		return fmt.Errorf("the path has %d octets, and %d at most are possible", len(path), maxPath)
	}
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return fmt.Errorf("there is no folder '%s': make it, owned by the server's user", folder)
	}
	return err
}

// clearAway removes the file that a dead process has left.
func clearAway(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file that is no socket")
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return errors.New("another process is serving it")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("asking whether another process is serving it: %w", err)
	}
	return os.Remove(path)
}
