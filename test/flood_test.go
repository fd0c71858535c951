//go:build linux

package test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestAFloodOfRandomNamesGrowsNothing asks a real server, with the plugins that
// a zone usually has, for names that nobody asked for before.
func TestAFloodOfRandomNamesGrowsNothing(t *testing.T) {
	t.Parallel()
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	wild := strings.Replace(ours(), "site "+site+" class", "site *.w.example.org class tested {\n            host www.example.org\n            cdn example "+target+"\n        }\n        site "+site+" class", 1)
	s := spec{corefile: block(metrics, sized, wild), vars: at(startOrigin(t))}.start(t)
	await(t, patience, atOrigin, s.answer)
	s.flood(t, n/10)
	before, seriesBefore := s.holds(t), len(samples(t, s.page(t)))
	s.flood(t, n)
	var after held
	awaitTrue(t, "the server to hold no more than before", func() bool {
		after = s.holds(t)
		return !after.grown(before)
	})
	if got := len(samples(t, s.page(t))); got > seriesBefore {
		t.Errorf("Expected %d series, got %d", seriesBefore, got)
	}
	t.Logf("before: %v, after: %v", before, after)
	if got := s.answer(); got != atOrigin {
		t.Errorf("Expected still %q, got %q", atOrigin, got)
	}
}

// flood asks for n random names over one socket, a few at a time.
func (s *server) flood(t *testing.T, n int) {
	t.Helper()
	conn, err := net.Dial("udp", s.address("dns"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const atOnce = 32
	answered, buffer := 0, make([]byte, 4096)
	for sent := 0; sent < n; {
		for range atOnce {
			below := []string{"example.org.", "w.example.org.", "x.y.w.example.org."}[sent%3]
			wire, err := question(fmt.Sprintf("%x.%s", rand.Uint64(), below), dns.TypeA).Pack()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(wire); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		for range atOnce {
			conn.SetReadDeadline(time.Now().Add(slack))
			if _, err := conn.Read(buffer); err != nil {
				break // the kernel has dropped some
			}
			answered++
		}
	}
	if answered < n*9/10 {
		t.Errorf("Expected nearly all of %d names answered, got %d", n, answered)
	}
}
