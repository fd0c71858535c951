//go:build linux

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// bulky are classes of the store whose texts take a lot of room.
func bulky(classes int) (text string) {
	for i := range classes {
		text += fmt.Sprintf("class bulky%d {\n%s    origin 127.0.0.1\n}\n", i, strings.Repeat("    # as much as there is to say of this class\n", 1000))
	}
	return text
}

// TestF18ADiskThatTakesNoMoreUnderTheStore has the disk of the SQLite file full, or
// broken, while a draft is published and the origin goes.
func TestF18ADiskThatTakesNoMoreUnderTheStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*testing.T, *server) (mend func())
		says  string
	}{
		"full":   {fillDisk, "disk is full"},
		"broken": {breakDisk, "disk I/O error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := startOrigin(t)
			vars := withStore(t, at(web))
			vars["store"] = filepath.Join(smallDisk(t, "8m"), "store.db")
			s := spec{corefile: stored([]string{site}), vars: vars}.start(t)
			s.publish(t, aSite("new"))
			await(t, promisedPublished, atOrigin, s.of("new"))
			s.kept(t, "configuration", "new.example.org")
			s.put(t, "alice", bulky(10)+aSite("more")).expect(t, 0)

			mend := c.spoil(t, s)
			s.isRefused(t, c.says)
			await(t, 0, atOrigin, s.of("new"))
			if name == "full" {
				s.again(t)
				await(t, 0, atOrigin, s.of("new"))
			}
			web.kill("127.0.0.1")
			await(t, promisedDown, atCDN, s.of("new"))
			await(t, promisedDown, atCDN, s.answer)

			mend()
			awaitTrue(t, "the publication", func() bool { return s.as(t, "alice", "publish", "-m", "once more").code == 0 })
			await(t, promisedPublished+promisedDown, atCDN, s.of("more"))
			s.ctl(t, "history").expect(t, 0, "as tested", "once more", "\n2  ")
			awaitTrue(t, "what was decided meanwhile in the journal", func() bool {
				return strings.Contains(s.ctl(t, "journal", "www.example.org").stdout, "100%")
			})
		})
	}
}

// isRefused has a publication and a draft be refused with what the disk says.
func (s *server) isRefused(t *testing.T, says string) {
	t.Helper()
	s.as(t, "alice", "publish", "-m", "too much").expect(t, 3, "Insufficient Storage: ", "the store cannot take it: publishing the draft: ", says)
	s.put(t, "bob", bulky(10)).expect(t, 3, "Insufficient Storage: ", "writing the draft: ", says)
	s.as(t, "alice", "override", "set", "all", "origin", "--for", "1h", "-m", "x").expect(t, 3, "Insufficient Storage: ", says)
}

// fillDisk takes all the room that is left beside the store.
func fillDisk(t *testing.T, s *server) (mend func()) {
	t.Helper()
	ballast := filepath.Join(filepath.Dir(s.vars["store"]), "ballast")
	os.WriteFile(ballast, make([]byte, 8<<20), 0o600) // as much as there is room for
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

// breakDisk has each write to a place in a file fail, and each that is to reach the disk.
func breakDisk(t *testing.T, s *server) (mend func()) {
	t.Helper()
	need(t, "strace", "strace")
	const calls = "pwrite64,fsync,fdatasync,ftruncate"
	tracer := launch(t, exec.Command("strace", "-f", "-o", os.DevNull, "-p", fmt.Sprint(s.cmd.Process.Pid), "-e", "trace="+calls, "-e", "inject="+calls+":error=EIO"))
	awaitTrue(t, "strace to begin or to give up", func() bool { return tracer.over() || tracer.output.count(" attached") > 0 })
	if tracer.over() {
		missing(t, "strace cannot trace CoreDNS here: %s", tracer.output.String())
	}
	return func() {
		tracer.signal(t, syscall.SIGINT)
		awaitTrue(t, "the end of strace", tracer.over)
	}
}
