//go:build !linux

package api

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
)

// private refuses: without a way to ask who a peer is there is no socket.
func private(_, _ string, _ syscall.RawConn) error {
	return fmt.Errorf("peers cannot be told apart on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func peerUID(*net.UnixConn) (uint32, error) { return 0, errors.ErrUnsupported }
