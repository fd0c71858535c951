//go:build linux

package test

import (
	"strings"
	"syscall"
	"testing"
)

func TestLameduckStillDecides(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	const lameduck = "    health 127.0.0.1:$health {\n        lameduck 5s\n    }\n"
	s := spec{corefile: block(lameduck, ours()), vars: at(web)}.start(t)
	await(t, patience, atOrigin, s.answer)

	s.signal(t, syscall.SIGTERM)
	awaitTrue(t, "the lameduck to begin", func() bool { return s.output.count("Going into lameduck mode") > 0 })
	web.kill("127.0.0.1")
	var last string
	awaitTrue(t, "the answer to change or the process to end", func() bool {
		if got := s.answer(); !strings.HasPrefix(got, "no answer") {
			last = got
		}
		return last == atCDN || s.over()
	})
	if last != atCDN {
		t.Errorf("Expected %q before the exit, got %q", atCDN, last)
	}
	s.expectEnd(t)
}

func TestTerminationIsClean(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := spec{corefile: block(ours()), vars: at(startOrigin(t))}.start(t)
			s.signal(t, sig)
			s.expectEnd(t)
		})
	}
}

// expectEnd waits for the process to end, as one that was asked to.
func (p *process) expectEnd(t *testing.T) {
	t.Helper()
	awaitTrue(t, "the end of the process", p.over)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("Expected exit code 0, got %d", code)
	}
}
