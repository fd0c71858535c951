//go:build linux

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The answers of two origins that sites share.
const atFirst, atSecond = atOrigin, "A 127.0.0.2"

// twoOrigins is a server block of two sites that have both, with options, and
// with lines of the first one's block.
func twoOrigins(first, second string, lines ...string) string {
	both := []string{"origin first " + first, "origin second " + second}
	return block(siteBlock([]string{
		"ecs 127.0.0.1",
		"origin first {\n            address 127.0.0.1\n            " + strings.Join(lines, "\n            ") + "\n        }",
		"origin second {\n            address 127.0.0.2\n        }",
	}, slices.Concat([]string{site}, both), slices.Concat([]string{"shop.example.org"}, both)))
}

// TestTheNextOriginTakesOver kills one origin after the other. Both sites go to
// the next one, to the CDN when there is none, and back to the first.
func TestTheNextOriginTakesOver(t *testing.T) {
	t.Parallel()
	web := startOrigin(t, "127.0.0.1", "127.0.0.2")
	s := spec{corefile: twoOrigins("", "priority 1"), vars: at(web)}.start(t)
	await(t, patience, atFirst, s.answer)

	web.kill("127.0.0.1")
	s.passage(t, promisedDown, atFirst, atSecond, "origin first -> origin second: down: response_time of origin first ")
	web.kill("127.0.0.2")
	s.passage(t, promisedDown, atSecond, atCDN, "origin second -> cdn example: down: response_time of origin second ")
	web.revive(t, "127.0.0.1")
	s.passage(t, promisedBack, atCDN, atFirst, "cdn example -> origin first: recovered: response_time of origin first ")
}

// passage waits until both sites are answered with to, and the log says why.
// Until then they may be answered with from, but with nothing else.
func (s *server) passage(t *testing.T, bound time.Duration, from, to, why string) {
	t.Helper()
	for _, name := range []string{site, "shop.example.org."} {
		took := await(t, bound, to, func() string {
			got := s.udp().ask(name, typeA)
			if got != from && got != to {
				t.Fatalf("Expected %s from %q to %q, and nothing between, got %q", name, from, to, got)
			}
			return got
		})
		t.Logf("%s: %s after %s", name, to, took)
		said := `site "` + name + `": ` + why
		awaitTrue(t, said, func() bool { return s.output.count(said) == 1 })
	}
}

// TestAnOverloadedOriginHandsOver has the load of the first origin in a file. What
// is too much for that one says nothing of the other.
func TestAnOverloadedOriginHandsOver(t *testing.T) {
	t.Parallel()
	var load atomic.Int64
	load.Store(2)
	s := spec{
		corefile: twoOrigins("", "priority 1", "feed load file "+keepWriting(t, "first_load", &load)+" first_load every 1s", "threshold load 10"),
		vars:     at(startOrigin(t, "127.0.0.1", "127.0.0.2")),
	}.start(t)
	await(t, patience, atFirst, s.answer)

	load.Store(12)
	s.passage(t, promisedSlow, atFirst, atSecond, "origin first -> origin second: threshold: load of origin first 12 is 120 % of the limit 10 ")
	load.Store(2)
	// Which threshold is then the worst of those that are well, the machine says.
	s.passage(t, promisedBack, atSecond, atFirst, "origin second -> origin first: recovered: ")
}

// keepWriting has somebody write a metric to a file again and again, as a script
// does, and returns its path.
func keepWriting(t *testing.T, metric string, value *atomic.Int64) (path string) {
	t.Helper()
	dir := folder(t)
	path = filepath.Join(dir, metric)
	once := func() error { return os.Rename(write(t, dir, "new", fmt.Sprintln(metric, value.Load())), path) }
	if err := once(); err != nil {
		t.Fatal(err)
	}
	var writer sync.WaitGroup
	t.Cleanup(writer.Wait)
	writer.Go(func() {
		for t.Context().Err() == nil && once() == nil {
			time.Sleep(300 * time.Millisecond)
		}
	})
	return path
}

// TestOriginsShareTheClients has each client go to one of two origins, and all
// to the one that is left.
func TestOriginsShareTheClients(t *testing.T) {
	t.Parallel()
	const clients = 4096
	web := startOrigin(t, "127.0.0.1", "127.0.0.2")
	s := spec{corefile: twoOrigins("weight 1", "weight 1"), vars: at(web)}.start(t)
	atSecond := func() []bool { return s.sides(t, site, typeA, clients, []byte{127, 0, 0, 2}, originV4) }
	awaitTrue(t, "both origins to serve", func() bool { return share(atSecond()) > 0 })
	if got := share(atSecond()); got < 40 || got > 60 {
		t.Errorf("Expected half of the clients at each origin, got %g %% at the second", got)
	}
	web.kill("127.0.0.1")
	await(t, promisedDown, "100 %", func() string { return fmt.Sprintf("%g %%", share(atSecond())) })
	web.revive(t, "127.0.0.1")
	awaitTrue(t, "both origins to serve again", func() bool { return share(atSecond()) < 60 })
}
