//go:build linux

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// scratch is the one folder that tests write to. It is made when first used,
// readable for every user, and removed at the end.
var scratch struct {
	once sync.Once
	dir  string
	err  error
}

// folder returns a new folder that every user may read, unlike t.TempDir.
func folder(t testing.TB) string {
	t.Helper()
	scratch.once.Do(func() {
		if scratch.dir, scratch.err = os.MkdirTemp("", "cdnredirect-test-"); scratch.err == nil {
			scratch.err = os.Chmod(scratch.dir, 0o755)
		}
	})
	if scratch.err != nil {
		t.Fatal(scratch.err)
	}
	dir, err := os.MkdirTemp(scratch.dir, "")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// write makes a file that every user may read and returns its path.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// repository returns the root of the source tree.
func repository(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// command is one of our commands, which is built once.
type command struct {
	name string
	once sync.Once
	path string
	err  error
}

var theServer, theCtl = command{name: "coredns"}, command{name: "cdnctl"}

// binary returns the path of the server.
func binary(t testing.TB) string { return theServer.built(t) }

// built returns the path of the command.
func (c *command) built(t testing.TB) string {
	t.Helper()
	c.once.Do(func() {
		c.path = filepath.Join(folder(t), c.name)
		c.err = goBuild(repository(t), c.path, "./cmd/"+c.name)
	})
	if c.err != nil {
		t.Fatal(c.err)
	}
	return c.path
}

// goBuild builds a package as a release does, without C.
func goBuild(dir, output, pkg string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", output, pkg)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s in %s: %w\n%s", pkg, dir, err, text)
	}
	return nil
}
