//go:build linux

package test

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
)

// namespace is a network of its own: a loopback interface and nothing else.
type namespace string

var namespaces atomic.Int64

// newNamespace makes a namespace for the time of the test. Its loopback
// interface has the addresses given besides its own.
func newNamespace(t *testing.T, addresses ...string) namespace {
	t.Helper()
	needRoot(t)
	need(t, "ip", "iproute2")
	ns := namespace(fmt.Sprintf("cdnredirect-%d-%d", os.Getpid(), namespaces.Add(1)))
	if text, err := exec.Command("ip", "netns", "add", string(ns)).CombinedOutput(); err != nil {
		missing(t, "making a network namespace is not allowed here: %s", text)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "delete", string(ns)).Run() })
	ns.ip(t, "link", "set", "lo", "up")
	for _, address := range addresses {
		ns.ip(t, "address", "add", address+"/32", "dev", "lo")
	}
	return ns
}

// ip configures the namespace.
func (ns namespace) ip(t *testing.T, args ...string) {
	t.Helper()
	if text, err := exec.Command("ip", append([]string{"-n", string(ns)}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v in %s: %v\n%s", args, ns, err, text)
	}
}

// command returns a command that runs inside the namespace.
func (ns namespace) command(program string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", string(ns), program}, args...)...)
}
