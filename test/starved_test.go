//go:build linux

package test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fewFiles is how many files a starved process may have open: some more than it needs.
const fewFiles = 100

// TestF31NoFileLeft opens so many connections to the redirector that the process has no
// file left, for probes as little as for its state: DNS goes on, and nobody is moved.
func TestF31NoFileLeft(t *testing.T) {
	t.Parallel()
	vars := withStore(t, at(startOrigin(t)))
	corefile := block(metrics, siteBlock([]string{"socket $socket", "state $state", "store sqlite $store", "server one", "redirector 127.0.0.1:$http"}, []string{site, "redirect " + originHost}))
	starved := func(binary string, args ...string) *exec.Cmd {
		return exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, fewFiles), binary}, args...)...)
	}
	s := spec{corefile: corefile, vars: vars, command: starved}.start(t)
	await(t, patience, atOrigin, s.answer)
	s.publish(t, aSite("new"))
	await(t, promisedPublished, atOrigin, s.of("new"))

	release := s.takeFiles(t)
	awaitTrue(t, "a process without a file left", func() bool { return s.output.count("too many open files") > 0 })
	before, began := s.processorTime(t), time.Now()
	for time.Since(began) < 5*period {
		if got := s.answer() + ", " + s.of("new")(); got != atOrigin+", "+atOrigin {
			t.Fatalf("Expected the origin for both sites all the time, got %q after %s", got, time.Since(began))
		}
		time.Sleep(poll)
	}
	if used, took := s.processorTime(t)-before, time.Since(began); used > took/2 {
		t.Errorf("Expected the process to wait, it used %s of %s", used, took)
	}
	if files := s.usage(t).files; files < fewFiles-1 { // some may come and go
		t.Errorf("Expected no file to be left, got %d of %d", files, fewFiles)
	}

	release()
	awaitTrue(t, "the redirector", func() bool {
		_, err := s.visit("http", "/")
		return err == nil
	})
	s.publish(t, aSite("more"))
	await(t, promisedPublished, atOrigin, s.of("more"))
	await(t, patience, "0", func() string { return fmt.Sprint(s.total(t, ownSeries+"state_unsaved")) })
	if moved := s.total(t, ownSeries+"decision_changes_total", "cause", "down"); moved != 0 {
		t.Errorf("Expected nobody to be moved, got %v times", moved)
	}
}

// takeFiles connects to the redirector until nobody takes the connections, and returns
// what gives them back.
func (s *server) takeFiles(t *testing.T) (release func()) {
	t.Helper()
	var conns []net.Conn
	for range 2 * fewFiles {
		conn, err := net.Dial("tcp", s.address("http"))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	release = func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
	t.Cleanup(release)
	return release
}

// processorTime is what the process has used so far.
func (p *process) processorTime(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name
	var ticks time.Duration
	for _, field := range strings.Fields(rest)[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * time.Second / 100 // USER_HZ
}

// TestF51AServerThatSleptDecidesOnce stops a server for longer than its samples are
// fresh: while the origin is well, and while it goes down.
func TestF51AServerThatSleptDecidesOnce(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block(metrics, ours()), vars: at(web)}.start(t)
	await(t, patience, atOrigin, s.answer)
	changes := func() float64 { return s.total(t, ownSeries+"decision_changes_total") }
	before := changes()
	sleep := func(meanwhile func()) {
		s.signal(t, syscall.SIGSTOP)
		meanwhile()
		time.Sleep(6 * period)
		s.signal(t, syscall.SIGCONT)
	}
	sleep(func() {})
	for began := time.Now(); time.Since(began) < 4*period; time.Sleep(poll) {
		if got := s.answer(); got != atOrigin {
			t.Fatalf("Expected still %q, got %q", atOrigin, got)
		}
	}
	sleep(func() { web.kill("127.0.0.1") })
	await(t, promisedDown, atCDN, s.answer)
	for began := time.Now(); time.Since(began) < 4*period; time.Sleep(poll) {
		if got := s.answer(); got != atCDN {
			t.Fatalf("Expected still %q, got %q", atCDN, got)
		}
	}
	if n := changes() - before; n != 1 {
		t.Errorf("Expected one change of the decision, got %v", n)
	}
}
