package health

import (
	"errors"
	"os"
	"slices"
	"syscall"
)

// errLocal is what lies with our configuration, and not with the target.
var errLocal = errors.New("this machine cannot ask")

// exhausted are the errors of a machine that has no more of something: files,
// memory, ports.
var exhausted = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, errLocal}

// local reports whether an error says something of this machine and nothing of
// the target. A socket that may not be made is one; a connection that a
// firewall denies is not.
func local(err error) bool {
	if slices.ContainsFunc(exhausted, func(own error) bool { return errors.Is(err, own) }) {
		return true
	}
	var call *os.SyscallError
	return errors.As(err, &call) && call.Syscall == "socket" &&
		(errors.Is(call.Err, syscall.EACCES) || errors.Is(call.Err, syscall.EPERM))
}
