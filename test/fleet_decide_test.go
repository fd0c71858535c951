//go:build linux

package test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// agreed is how long at most servers may answer differently.
const agreed = time.Second + slack

func TestFleetServesWhatIsPublishedByOne(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 3)
	f.publish(t, f.servers[1], "site new.example.org class tested\n")
	t.Logf("live on all %s after cdnctl has said so", await(t, time.Second, atOrigin, func() string {
		return f.alike(func(s *server) string { return s.udp().ask("new.example.org.", typeA) })
	}))
	for _, s := range f.servers {
		awaitTrue(t, "all to be at revision 2", func() bool {
			return strings.Count(s.ctl(t, "servers", "-o", "json").stdout, `"revision": 2`) == len(f.servers)
		})
	}
}

// TestFleetDecidesAsOne has three servers, one of them on a slow way to the store,
// follow an origin that dies and comes back.
func TestFleetDecidesAsOne(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 3)
	f.wires[2].slow(50 * time.Millisecond)
	f.decider(t)
	for round, step := range []func(){func() { f.web.kill("127.0.0.1") }, func() { f.web.revive(t, "127.0.0.1") }} {
		step()
		differed := f.differ(8 * time.Second)
		if t.Logf("round %d: they differed for %s", round, differed); differed > agreed {
			t.Errorf("Round %d: Expected all servers to answer alike within a second, they differed for %s", round, differed)
		}
		f.await(t, 5*time.Second, []string{atCDN, atOrigin}[round])
	}
	f.servers[1].ctl(t, "servers").expect(t, 0, "s1", "s2", "s3", "decides", "follows")
	f.servers[2].ctl(t, "journal").expect(t, 0, "www.example.org", "down")
}

// TestF26AnotherServerTakesOver ends the one that decides, and has the origin die
// after that.
func TestF26AnotherServerTakesOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signal syscall.Signal
		bound  time.Duration
	}{"killed": {syscall.SIGKILL, takeover}, "stopped in order": {syscall.SIGTERM, time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := startFleet(t, 3)
			gone := f.decider(t)
			f.servers[gone].signal(t, c.signal)
			<-f.servers[gone].ended
			f.gone(gone)
			t.Logf("another one decides after %s", await(t, c.bound, "decides", func() string { return f.decides(t) }))
			f.web.kill("127.0.0.1")
			f.await(t, promisedDown+2*time.Second, atCDN)
		})
	}
}

// TestF26ADeciderWithASlowWayHoldsUpNobody has the way of the one that decides become
// so slow that a second is two or three round trips.
func TestF26ADeciderWithASlowWayHoldsUpNobody(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 2)
	f.wires[f.decider(t)].slow(200 * time.Millisecond)
	f.web.kill("127.0.0.1")
	f.turn(t, promisedDown+2*time.Second, atCDN)
}

// TestF51AServerThatSleptFollows stops the one that decides for longer than its lease,
// and has it go on.
func TestF51AServerThatSleptFollows(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 2)
	slept := f.decider(t)
	f.servers[slept].signal(t, syscall.SIGSTOP)
	awake := f.servers[1-slept]
	awaitTrue(t, "the other one to decide", func() bool { return awake.total(t, ownSeries+"decides") == 1 })
	f.web.kill("127.0.0.1")
	await(t, promisedDown+2*time.Second, atCDN, awake.answer)
	f.servers[slept].signal(t, syscall.SIGCONT)
	f.await(t, 5*time.Second, atCDN)
	for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(poll) {
		if got := f.answers(); got != atCDN {
			t.Fatalf("Expected what the other one decided to stay, got %q", got)
		}
	}
	f.awaitTogether(t) // whoever decides by then: on a busy machine a lease may be over again
	f.servers[slept].ctl(t, "journal").expect(t, 0, fmt.Sprintf("s%d", 2-slept))
}

// TestF26AServerThatIsCutOffDecidesAlone cuts one of three off from the store, half
// open, and connects it again.
func TestF26AServerThatIsCutOffDecidesAlone(t *testing.T) {
	t.Parallel()
	f, _ := startFleet(t, 3)
	cut := f.decider(t)
	f.wires[cut].cut()
	awaitAlone(t, f.servers[cut])
	f.web.kill("127.0.0.1")
	f.await(t, promisedDown+takeover, atCDN)
	f.wires[cut].mend()
	f.awaitTogether(t)
	if got := f.answers(); got != atCDN {
		t.Errorf("Expected all to be at the CDN still, got %q", got)
	}
	f.web.revive(t, "127.0.0.1")
	f.await(t, 2*promisedBack, atOrigin)
}
