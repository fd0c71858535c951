package api

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// private sets the mode that the file of a socket will have. Done before the
// file is made, it leaves no moment in which the umask decides, and no umask of
// the whole process is touched.
func private(_, _ string, conn syscall.RawConn) error {
	var mode error
	if err := conn.Control(func(fd uintptr) { mode = unix.Fchmod(int(fd), 0o600) }); err != nil {
		return err
	}
	if mode != nil {
		return fmt.Errorf("setting the mode to 0600: %w", mode)
	}
	return nil
}

// peerUID returns the user who made a connection (SO_PEERCRED, unix(7)).
func peerUID(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	var asked error
	err = raw.Control(func(fd uintptr) { peer, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil {
		return 0, err
	}
	if asked != nil {
		return 0, asked
	}
	return peer.Uid, nil
}
