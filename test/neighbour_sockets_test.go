//go:build linux

package test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// sockets counts the UDP sockets on the port named dns. The system's table may
// lack some while others open and close.
func (s *server) sockets(t *testing.T) int {
	t.Helper()
	port, err := strconv.Atoi(s.vars["dns"])
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/udp", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(table), fmt.Sprintf("0100007F:%04X 00000000:0000", port))
}

// askInParallel asks for the site from several sockets at once.
func (s *server) askInParallel(t *testing.T, want string) {
	t.Helper()
	const clients, questions = 8, 200
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range questions {
				if got := s.answer(); got != want {
					t.Errorf("Expected %q, got %q", want, got)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestEverySocketOfMultisocketAnswersTheSame asks from so many ports that each
// socket gets some of the questions.
func TestEverySocketOfMultisocketAnswersTheSame(t *testing.T) {
	t.Parallel()
	corefile := block("    multisocket 4\n", ours())
	inBothStates(t, corefile, usual, func(t *testing.T, s *server, diverted bool) {
		awaitTrue(t, "4 sockets in the system's table", func() bool { return s.sockets(t) == 4 })
		s.askInParallel(t, usual.in(diverted))
		s.expectState(t, diverted)
	})
}

// TestMultisocketFollowsAFlip wants no socket to lag behind.
func TestMultisocketFollowsAFlip(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: block("    multisocket 4\n", ours()), vars: at(web)}.start(t)
	await(t, patience, atOrigin, s.answer)
	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, s.answer)
	s.askInParallel(t, atCDN)
}

func TestShedAnswersEveryQuestionOfAModestCrowd(t *testing.T) {
	t.Parallel()
	inBothStates(t, block(metrics, "    shed\n", ours()), usual, func(t *testing.T, s *server, diverted bool) {
		s.askInParallel(t, usual.in(diverted))
		s.expectState(t, diverted)
		if got := s.total(t, "coredns_shed_dropped_total"); got != 0 {
			t.Errorf("Expected nothing shed, got %g", got)
		}
	})
}

// largeCount is how many addresses do not fit into 1232 octets.
const largeCount = 100

// large is ours with that many.
func large() string {
	var addresses strings.Builder
	for i := range largeCount {
		fmt.Fprintf(&addresses, " 192.0.2.%d", i+1)
	}
	return ours("origin"+addresses.String(), oneProbe)
}

// TestBufsizeTruncatesABigAnswer has a client that would take it whole.
func TestBufsizeTruncatesABigAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		directive string
		truncated bool
	}{"with bufsize": {"    bufsize 1232\n", true}, "without": {"", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startIn(t, false, block(tc.directive, large()))
			q := question(site, dns.TypeA).SetEdns0(4096, false)
			awaitTrue(t, "all addresses over TCP", func() bool {
				whole := s.tcp().must(t, q)
				return len(whole.Answer) == largeCount && !whole.Truncated
			})
			m := s.udp().must(t, q)
			m.Compress = true // as it came
			if m.Truncated != tc.truncated || (m.Len() > 1232) == tc.truncated {
				t.Errorf("Expected TC to be %t, got %t in %d octets", tc.truncated, m.Truncated, m.Len())
			}
		})
	}
}

// TestBufsizeLeavesTheCNAME has the same site diverted.
func TestBufsizeLeavesTheCNAME(t *testing.T) {
	t.Parallel()
	s := startIn(t, true, block("    bufsize 1232\n", large()))
	await(t, patience, atCDN, s.answer)
	if m := s.udp().must(t, question(site, dns.TypeA).SetEdns0(4096, false)); m.Truncated || summary(m) != atCDN {
		t.Errorf("Expected the CNAME whole, got %v", m)
	}
}
