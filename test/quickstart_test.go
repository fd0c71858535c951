//go:build linux

package test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The bounds that the README's quick start tells the reader.
const (
	quickBack   = 10 * time.Second
	quickDivert = 4 * time.Second
)

// documented are the words of the example that the README and its readers rely on.
var documented = []string{
	"example.org:1053",
	"site www.example.org",
	"origin 127.0.0.1",
	"probe http http://{origin}:8080/ every 1s timeout 500ms",
	"threshold response_time 300ms",
	"ttl 5s",
	"failback_delay 5s",
}

// example returns Corefile.example.
func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), "Corefile.example"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range documented {
		if !strings.Contains(string(text), line) {
			t.Errorf("Expected Corefile.example to say %q", line)
		}
	}
	return string(text)
}

// anyPorts makes the ports of the example variable.
var anyPorts = strings.NewReplacer(":1053", ":$dns", ":9153", ":$metrics", ":8181", ":$ready", ":8080", ":$origin")

// unprivileged runs a program as the user nobody if the test runs as root.
func unprivileged(t *testing.T) func(string, ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return func(binary string, args ...string) *exec.Cmd {
		cmd := exec.Command(binary, args...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		return cmd
	}
}

func TestQuickStartDivertsAndComesBackWithoutRoot(t *testing.T) {
	t.Parallel()
	web := absentOrigin(t)
	s := spec{corefile: anyPorts.Replace(example(t)), vars: at(web), command: unprivileged(t)}.start(t)

	if got := s.answer(); got != atCDN {
		t.Errorf("Expected the first answer to be %q, got %q", atCDN, got)
	}
	web.revive(t, "127.0.0.1")
	t.Logf("the origin came up: A after %s", await(t, quickBack, atOrigin, s.answer))
	web.kill("127.0.0.1")
	t.Logf("the origin went: CNAME after %s", await(t, quickDivert, atCDN, s.answer))
}

// TestQuickStartNeedsNoNetworkAndNoRoot starts the example as it is.
func TestQuickStartNeedsNoNetworkAndNoRoot(t *testing.T) {
	t.Parallel()
	need(t, "setpriv", "util-linux")
	ns := newNamespace(t)
	a := startAgent(t, ns)
	spec{corefile: example(t), command: func(binary string, args ...string) *exec.Cmd {
		return ns.command("setpriv", append([]string{"--reuid=nobody", "--regid=nogroup", "--clear-groups", binary}, args...)...)
	}}.start(t)
	answer := func() string { return a.ask("127.0.0.1:1053", site, typeA) }

	if got := answer(); got != atCDN {
		t.Errorf("Expected the first answer to be %q, got %q", atCDN, got)
	}
	a.serveOrigin(t, "127.0.0.1", "8080")
	await(t, quickBack, atOrigin, answer)
}
