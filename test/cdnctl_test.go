//go:build linux

package test

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var ctl struct {
	once sync.Once
	path string
	err  error
}

// cdnctl runs the command against a control socket, and returns what it said,
// and whether all was well.
func cdnctl(t *testing.T, socket string, args ...string) (text string, good bool) {
	t.Helper()
	ctl.once.Do(func() {
		ctl.path = filepath.Join(folder(t), "cdnctl")
		ctl.err = goBuild(repository(t), ctl.path, "./cmd/cdnctl")
	})
	if ctl.err != nil {
		t.Fatal(ctl.err)
	}
	output, err := exec.Command(ctl.path, append([]string{"--socket", socket}, args...)...).CombinedOutput()
	return string(output), err == nil
}
