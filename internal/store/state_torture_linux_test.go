package store_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/store"
)

// longState is a payload that takes several writes, since it cannot be packed.
func longState(revision int) kept {
	text := make([]byte, 300<<10)
	random := rand.NewChaCha8([32]byte{byte(revision)})
	random.Read(text)
	return kept{revision, base64.StdEncoding.EncodeToString(text)}
}

// writerIn makes this binary a process that writes revision 3 into a folder.
const writerIn = "CDNREDIRECT_TEST_STATE_WRITER"

// What that process ends with.
const (
	written  = 0
	reported = 3
)

// init plays that process. All it does is done by one thread, so that system
// calls can be counted.
func init() {
	dir := os.Getenv(writerIn)
	if dir == "" {
		return
	}
	runtime.LockOSThread()
	d, err := store.OpenState(dir)
	if err == nil {
		err = d.Write("sites", longState(3))
	}
	if err != nil {
		os.Exit(reported)
	}
	os.Exit(written)
}

// stateScene is what such a process finds.
type stateScene struct {
	name   string
	keep   []int // revisions that were written before
	cut    bool  // the newest of them is damaged
	before int   // revision that can be read; 0: none
}

var stateScenes = []stateScene{
	{"nothing", nil, false, 0},
	{"one", []int{1}, false, 1},
	{"two", []int{1, 2}, false, 2},
	{"damage", []int{1, 2}, true, 1},
}

func (s stateScene) set(t *testing.T, dir string) {
	t.Helper()
	d := openState(t, dir)
	defer d.Close()
	for _, revision := range s.keep {
		if err := d.Write("sites", longState(revision)); err != nil {
			t.Fatal(err)
		}
	}
	if s.cut {
		if err := os.Truncate(filepath.Join(dir, "sites"), 1000); err != nil {
			t.Fatal(err)
		}
	}
}

// statePoint is one system call that goes wrong.
type statePoint struct {
	scene stateScene
	call  string
	n     int
	fault string // in the words of strace
}

func (p statePoint) String() string {
	return fmt.Sprintf("%s %d of %s: %s", p.call, p.n, p.scene.name, p.fault)
}

var (
	stateFaults = []string{"error=EIO", "error=ENOSPC", "signal=KILL"}
	stateCalls  = regexp.MustCompile(`(?m)^(\d+) +(write|pwrite64|fsync|rename\w*)\(`)
)

// TestF17F19EveryStepOfAWrite has each write, fsync and rename of a process fail,
// or be the last thing that it does. In every case the next process finds what
// was there before or what was written, whole, and can write.
func TestF17F19EveryStepOfAWrite(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		stateLacks(t, "strace is not installed: install the Debian package strace")
	}
	var points []statePoint
	for _, s := range stateScenes {
		points = append(points, s.points(t)...)
	}
	some := samplePoints(points, 40)
	for _, p := range some {
		p.run(t)
	}
	t.Logf("%d of %d points", len(some), len(points))
}

// samplePoints leaves about so many of the points, unless there is time for all.
func samplePoints[P any](points []P, about int) []P {
	if os.Getenv("CDNREDIRECT_TORTURE") != "" {
		return points
	}
	step := max(3, len(points)/about)
	for step%2 == 0 || step%3 == 0 {
		step++ // it would always be the same fault of two or three
	}
	var some []P
	for i := 0; i < len(points); i += step {
		some = append(some, points[i])
	}
	return some
}

// points returns what may go wrong when nothing does.
func (s stateScene) points(t *testing.T) []statePoint {
	t.Helper()
	dir := t.TempDir()
	s.set(t, dir)
	log, status := traceWriter(t, dir)
	if status != written {
		stateLacks(t, "strace does not work here: status %#x: %s", status, log)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	var points []statePoint
	for _, call := range stateCalls.FindAllStringSubmatch(log, -1) {
		if call[1] != strings.TrimSpace(string(pid)) {
			continue
		}
		counts[call[2]]++
		for _, fault := range stateFaults {
			points = append(points, statePoint{s, call[2], counts[call[2]], fault})
		}
	}
	if counts["write"] < 3 || counts["pwrite64"] != 1 || counts["fsync"] != 2 {
		t.Fatalf("Expected several writes of a long file, its header's and two syncs, got %v", counts)
	}
	return points
}

// traceWriter runs the process under strace, and returns what that saw
// and how it ended.
func traceWriter(t *testing.T, dir string, args ...string) (log string, status syscall.WaitStatus) {
	t.Helper()
	args = append([]string{"-e", "trace=write,pwrite64,fsync,/^rename"}, args...)
	log, said, status := traced(t, writerIn+"="+dir, args...)
	return log + said, status
}

// traced runs this binary under strace as the process that a variable makes of it,
// and returns what strace saw, what the process said, and how it ended: strace ends
// as the process did.
func traced(t *testing.T, variable string, args ...string) (log, said string, status syscall.WaitStatus) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "strace")
	args = append([]string{"-f", "-qq", "-o", file, "-e", "signal=none"}, args...)
	cmd := exec.Command("strace", append(args, os.Args[0])...)
	cmd.Env = append(os.Environ(), variable, "GODEBUG=asyncpreemptoff=1") // each signal stops it twice
	text, _ := cmd.CombinedOutput()                                       // the status says it, too
	seen, _ := os.ReadFile(file)
	return string(seen), string(text), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// run has it go wrong.
func (p statePoint) run(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	p.scene.set(t, dir)
	log, status := traceWriter(t, dir, "-e", fmt.Sprintf("inject=%s:%s:when=%d", p.call, p.fault, p.n))
	if p.fault == "signal=KILL" && !status.Signaled() || p.fault != "signal=KILL" && !strings.Contains(log, "(INJECTED)") {
		t.Errorf("%s: it did not happen, status %#x\n%s", p, status, log)
	}
	if p.mustBeReported() && status.ExitStatus() != reported {
		t.Errorf("%s: the process did not say so, status %#x", p, status)
	}
	wanted := []int{3}
	if !status.Exited() || status.ExitStatus() != written {
		wanted = append(wanted, p.scene.before)
	}
	if got := revisionIn(t, dir); !slices.Contains(wanted, got) {
		t.Errorf("%s: expected revision %v, got %d; status %#x\n%s", p, wanted, got, status, log)
	}
	p.goOn(t, dir)
}

// mustBeReported: that the pid cannot be written, which comes first, is no reason
// to stop.
func (p statePoint) mustBeReported() bool {
	return p.fault != "signal=KILL" && (p.call != "write" || p.n > 1)
}

// revisionIn returns the one that the next process finds.
func revisionIn(t *testing.T, dir string) int {
	t.Helper()
	d := openState(t, dir)
	defer d.Close()
	var got kept
	_, err := d.Read("sites", &got)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0
	case err != nil:
		t.Error(err)
		return -1
	case got != longState(got.Revision):
		t.Errorf("Revision %d is not whole", got.Revision)
	}
	return got.Revision
}

// goOn has the next process write.
func (p statePoint) goOn(t *testing.T, dir string) {
	t.Helper()
	d := openState(t, dir)
	defer d.Close()
	if err := d.Write("sites", longState(4)); err != nil {
		t.Errorf("%s: %v", p, err)
	}
	d.Close()
	if got := revisionIn(t, dir); got != 4 {
		t.Errorf("%s: the next process wrote revision 4, and then %d was read", p, got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); left != nil {
		t.Errorf("%s: left behind: %v", p, left)
	}
}
