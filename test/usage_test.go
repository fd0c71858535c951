//go:build linux

package test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// usage is what a process holds of the system.
type usage struct {
	files, threads int
	memory         int // resident, in KiB
}

func (u usage) String() string {
	return fmt.Sprintf("%d files, %d threads, %d KiB", u.files, u.threads, u.memory)
}

// least returns the lesser of each.
func (u usage) least(other usage) usage {
	return usage{min(u.files, other.files), min(u.threads, other.threads), min(u.memory, other.memory)}
}

// usage reads what the process holds now.
func (p *process) usage(t *testing.T) usage {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	files, err := os.ReadDir(proc + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		t.Fatal(err)
	}
	return usage{
		files:   len(files),
		threads: field(t, string(status), "Threads:"),
		memory:  field(t, string(status), "VmRSS:"),
	}
}

// field returns the number behind a name in /proc/PID/status.
func field(t *testing.T, status, name string) int {
	t.Helper()
	_, rest, found := strings.Cut(status, name)
	if words := strings.Fields(rest); found && len(words) > 0 {
		if n, err := strconv.Atoi(words[0]); err == nil {
			return n
		}
	}
	t.Fatalf("Expected %s in %q", name, status)
	return 0
}
