//go:build unix && !linux

package pg

import "syscall"

func attributes(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner}
}

// children are not looked for here: Pause stops the server's first process only.
func children(int) []int { return nil }
