//go:build linux

package test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// counting are the lines of a site whose samples are far enough apart for a
// reload between two of them. countedSlow is above its limit and below 1.5
// times of that, both by more than a busy machine adds.
const (
	countingPeriod = 3 * time.Second
	counting       = "probe http http://{origin}:$origin/ every 3s timeout 2500ms"
	countingLimit  = "threshold response_time 1s"
	countedSlow    = 1200 * time.Millisecond
)

// TestReloadKeepsTheCountOfSlowSamples makes the origin slow. Over a window of
// three samples the first slow one leaves p50 fast; the second is the first to
// count, the third the second. After a reload the fourth must divert, not the
// sixth, which would be the third to count anew.
func TestReloadKeepsTheCountOfSlowSamples(t *testing.T) {
	t.Parallel()
	const counted, diverting = 3, 4
	web := startOrigin(t)
	s := spec{corefile: block(ours(counting, countingLimit)), vars: at(web)}.start(t)
	awaitTrue(t, "a window of fast samples", func() bool { return web.answered.Load() >= 3 })

	before := web.answered.Load()
	web.slow(countedSlow)
	awaitTrue(t, "the third slow sample", func() bool { return web.answered.Load() == before+counted })
	s.reload(t)
	if asked := web.asked.Load() - before; asked > counted {
		t.Fatalf("Expected the reload to be over before slow sample %d, got it during the reload", asked)
	}
	if got := s.answer(); got != atOrigin {
		t.Errorf("Expected still %q, got %q", atOrigin, got)
	}
	await(t, 3*countingPeriod, atCDN, s.answer)
	if asked := web.asked.Load() - before; asked != diverting {
		t.Errorf("Expected slow sample %d to divert, got %d", diverting, asked)
	}
}

// TestReloadKeepsTheWindow makes one sample slow. The greatest of a minute stays
// above the limit from then on, so that the next fast samples count too, but
// only for one who still knows the slow one.
func TestReloadKeepsTheWindow(t *testing.T) {
	t.Parallel()
	const greatest = "threshold response_time max 1s window 1m"
	web := startOrigin(t)
	s := spec{corefile: block(ours(counting, greatest)), vars: at(web)}.start(t)
	awaitTrue(t, "a fast sample", func() bool { return web.answered.Load() >= 1 })

	before := web.answered.Load()
	web.slow(countedSlow)
	awaitTrue(t, "the slow sample", func() bool { return web.answered.Load() == before+1 })
	web.fast()
	s.reload(t)
	if asked := web.asked.Load() - before; asked > 2 {
		t.Fatalf("Expected the reload to be over before the third sample, got %d during the reload", asked)
	}
	await(t, 3*countingPeriod, atCDN, s.answer)
}

func TestReloadKeepsTheDecision(t *testing.T) {
	t.Parallel()
	web := absentOrigin(t)
	s := spec{corefile: block(ours("failback_delay 5m")), vars: at(web)}.start(t)
	if got := s.answer(); got != atCDN {
		t.Fatalf("Expected %q, got %q", atCDN, got)
	}
	web.revive(t, "127.0.0.1")
	awaitTrue(t, "good samples", func() bool { return web.answered.Load() >= 3 })
	s.reload(t)
	if got := s.answer(); got != atCDN {
		t.Errorf("Expected still %q before failback_delay is over, got %q", atCDN, got)
	}
}

// lenient is a limit that even the first sample of a busy machine keeps.
const lenient = "threshold response_time 750ms"

// second is a server block with one more site.
const second = `example.net:$dns {
    bind 127.0.0.1
    cdnredirect {
        site www.example.net {
            origin 127.0.0.1
            cdn example elsewhere.example.com
            ready none
            probe http http://{origin}:$origin/ every 1s timeout 800ms
            ` + lenient + `
        }
    }
}
`

func TestReloadTakesSitesUpAndLetsThemGo(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	first := block(ours(lenient))
	s := spec{corefile: first, vars: at(web)}.start(t)
	added := func() string { return s.udp().ask("www.example.net.", typeA) }
	expect := func(step, wantFirst, wantSecond string) {
		t.Helper()
		if got := s.answer(); got != wantFirst {
			t.Errorf("Expected %q of the first site %s, got %q", wantFirst, step, got)
		}
		if got := added(); got != wantSecond {
			t.Errorf("Expected %q of the second site %s, got %q", wantSecond, step, got)
		}
	}
	expect("before", atOrigin, "REFUSED")

	s.configure(t, first+second)
	s.reload(t)
	expect("once it is there", atOrigin, atOrigin)

	s.configure(t, second)
	s.reload(t)
	expect("when the other is gone", "REFUSED", atOrigin)

	s.configure(t, block("    whoami\n"))
	s.reload(t)
	expect("without any site", "no records", "REFUSED") // whoami's answer

	web.kill("127.0.0.1")
	s.configure(t, first+second)
	s.reload(t)
	expect("after the origin died and all came back", atCDN, "CNAME elsewhere.example.com.")
}

// spoilers make of a good Corefile one that cannot work.
var spoilers = map[string]func(t *testing.T, good string) string{
	"broken Corefile":  func(_ *testing.T, good string) string { return good + "example.net {" },
	"unknown property": func(_ *testing.T, good string) string { return strings.Replace(good, "ttl 30s", "tll 30s", 1) },
	"DNS port is held": func(t *testing.T, good string) string { return good + heldBlock(t) },
}

// heldBlock returns a server block whose port somebody else has, without
// SO_REUSEPORT.
func heldBlock(t *testing.T) string {
	t.Helper()
	holder, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Close() })
	_, port, err := net.SplitHostPort(holder.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(second, "$dns", port)
}

func TestFailedReloadKeepsAnsweringAndDeciding(t *testing.T) {
	t.Parallel()
	for name, spoil := range spoilers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web := startOrigin(t)
			good := block(ours())
			s := spec{corefile: good, vars: at(web)}.start(t)

			s.configure(t, spoil(t, good))
			s.failReload(t)
			if got := s.answer(); got != atOrigin {
				t.Errorf("Expected still %q, got %q", atOrigin, got)
			}
			web.kill("127.0.0.1")
			await(t, promisedDown, atCDN, s.answer)
			web.revive(t, "127.0.0.1")
			await(t, promisedBack, atOrigin, s.answer)

			s.configure(t, good+second)
			s.reload(t)
			if got := s.udp().ask("www.example.net.", typeA); got != atOrigin {
				t.Errorf("Expected the next good Corefile in force, got %q", got)
			}
		})
	}
}

// TestFailedReloadsLeakNothing measures the least that the process holds over
// a row of failed reloads, and wants to see it hold no more again after that.
// Between two garbage collections it may: CoreDNS leaves the sockets of an
// instance that could not start to the collector, which is told to hurry.
func TestFailedReloadsLeakNothing(t *testing.T) {
	t.Parallel()
	const row = 30
	for name, spoil := range spoilers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := block(ours())
			s := spec{corefile: good, vars: at(startOrigin(t)), command: hurriedCollector}.start(t)
			s.configure(t, spoil(t, good))
			least := s.usage(t)
			for range row {
				s.failReload(t)
				least = least.least(s.usage(t))
			}
			awaitTrue(t, "a process that holds no more than "+least.String(), func() bool {
				s.failReload(t)
				now := s.usage(t)
				return now.files <= least.files+2 && now.threads <= least.threads+4
			})
		})
	}
}

func hurriedCollector(binary string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "GOGC=5")
	return cmd
}
