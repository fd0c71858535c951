//go:build linux

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// spec says how to start a server. In the Corefile $NAME stands for a variable
// or, if there is none of that name, for a free port, the same one everywhere.
type spec struct {
	corefile string
	vars     map[string]string
	command  func(binary string, args ...string) *exec.Cmd // nil: exec.Command
}

// server is a running CoreDNS.
type server struct {
	*process
	conf string            // path of the Corefile
	vars map[string]string // with the ports
	near *agent            // who asks it, in its network; nil: the test, on loopback
}

// started is what CoreDNS says once its sockets answer.
const started = "CoreDNS-1"

// start starts the server and waits until it answers. A port that somebody else
// took in the meantime is no failure: others are tried.
func (sp spec) start(t *testing.T) *server {
	t.Helper()
	for range 5 {
		s := sp.try(t)
		awaitTrue(t, "CoreDNS to start or to give up", func() bool { return s.over() || s.output.count(started) > 0 })
		if !s.over() {
			return s
		}
		if !strings.Contains(s.output.String(), "address already in use") {
			t.Fatalf("Expected CoreDNS to start, got:\n%s", s.output.String())
		}
	}
	t.Fatal("Expected free ports in five attempts")
	return nil
}

func (sp spec) try(t *testing.T) *server {
	t.Helper()
	s := &server{vars: make(map[string]string)}
	for name, value := range sp.vars {
		s.vars[name] = value
	}
	s.conf = filepath.Join(folder(t), "Corefile")
	s.configure(t, sp.corefile)
	command := sp.command
	if command == nil {
		command = exec.Command
	}
	s.process = launch(t, command(binary(t), "-conf", s.conf))
	return s
}

// configure writes the Corefile.
func (s *server) configure(t *testing.T, corefile string) {
	t.Helper()
	text := os.Expand(corefile, func(name string) string {
		if _, known := s.vars[name]; !known {
			s.vars[name] = freePort(t)
		}
		return s.vars[name]
	})
	write(t, filepath.Dir(s.conf), filepath.Base(s.conf), text)
}

// reload has CoreDNS read its Corefile again and waits for the end of that.
func (s *server) reload(t *testing.T) {
	t.Helper()
	const complete = "Reloading complete"
	before, last := s.output.count(complete), time.Now()
	s.signal(t, syscall.SIGUSR1)
	awaitTrue(t, complete, func() bool {
		if time.Since(last) > slack {
			s.nudge(t)
			last = time.Now()
		}
		return s.output.count(complete) > before
	})
}

// nudge gets a thread out of accept. To hand a socket over, Go makes it blocking
// for a moment (net.FileListener), and the old instance may sleep in accept from
// then on, with the reload waiting for it. Any signal to the thread ends that.
func (s *server) nudge(t *testing.T) {
	t.Helper()
	t.Log("the reload takes long: nudging")
	pid := s.cmd.Process.Pid
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if tid, err := strconv.Atoi(thread.Name()); err == nil {
			syscall.Tgkill(pid, tid, syscall.SIGURG) // which a Go program is used to
		}
	}
}

// failReload is reload for a Corefile that cannot work.
func (s *server) failReload(t *testing.T) {
	t.Helper()
	const failed = "[ERROR] SIGUSR1: "
	before := s.output.count(failed)
	s.signal(t, syscall.SIGUSR1)
	awaitTrue(t, failed, func() bool { return s.output.count(failed) > before })
}

// address returns where the server listens on the port of that name.
func (s *server) address(port string) string { return "127.0.0.1:" + s.vars[port] }

// udp and tcp return clients of the port named dns.
func (s *server) udp() client { return client{"udp", s.address("dns")} }
func (s *server) tcp() client { return client{"tcp", s.address("dns")} }

// answer asks for the address of the steered site.
func (s *server) answer() string {
	if s.near != nil {
		return s.near.ask(s.address("dns"), site, typeA)
	}
	return s.udp().ask(site, typeA)
}
