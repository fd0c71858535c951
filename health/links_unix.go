//go:build unix

package health

import "syscall"

// maxLinks is how many connections may be kept: a quarter of the files that may
// be open, so that there are enough for all else.
func maxLinks() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return 0
	}
	return int(min(uint64(files.Cur)/4, maxPasts))
}
