//go:build linux

package test

import (
	"fmt"

	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flipping are the lines of a site that changes sides with every reading of a
// feed, once a second.
var flipping = []string{
	"redirect " + originHost, "feed load json http://127.0.0.1:$feed/ load every 1s", "threshold load last 1 recover 1",
	"threshold response_time 750ms", "enter 1", "failback_delay 0s", "ttl 0s",
}

// flipAt gives a Corefile a feed that says 0 and 2 in turn.
func flipAt(t *testing.T, vars map[string]string) {
	t.Helper()
	var asked atomic.Int64
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"load": %d}`, asked.Add(1)%2*2)
	}))
	t.Cleanup(feed.Close)
	vars["feed"] = listensAt(feed.Listener)
}

// verdict is what the redirector tells operators of an answer.
type verdict struct{ epoch, decision string }

var verdictLine = regexp.MustCompile(`^site="www\.example\.org\."; epoch=(\d+); decision="([^"]+)"; reason="`)

// verdictOf reads it, and where the answer leads.
func verdictOf(resp *http.Response) (verdict, string) {
	parts := verdictLine.FindStringSubmatch(resp.Header.Get("Cdnredirect-Decision"))
	if parts == nil {
		return verdict{}, resp.Header.Get("Location")
	}
	return verdict{parts[1], parts[2]}, resp.Header.Get("Location")
}

// hostOf is where a decision leads.
var hostOf = map[string]string{"origin": originHost, "cdn example": cdnHost}

// TestNoRequestIsLostOrMisled asks 100,000 times while the decision flips, over
// HTTP and HTTPS, and while the Corefile is read again.
func TestNoRequestIsLostOrMisled(t *testing.T) {
	const requests, flips, clients, reloads = 100_000, 6, 4, 3
	vars := at(startOrigin(t))
	flipAt(t, vars)
	vars["cert"], vars["key"], _ = certified(t, "www.example.org")
	s := spec{corefile: block(metrics, redirects(flipping...)), vars: vars}.start(t)

	var asked atomic.Int64
	var mu sync.Mutex
	epochs, sides := map[string]bool{}, map[string]int{}
	over := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return t.Failed() || asked.Load() >= requests && len(epochs) > flips
	}
	var group sync.WaitGroup
	for i := range clients {
		scheme := []string{"http", "https"}[i%2]
		group.Go(func() {
			for n := 0; n%100 > 0 || !over(); n++ {
				path := fmt.Sprintf("/%d/%d?q=%%2F//&%[1]d", i, n)
				resp, err := s.visit(scheme, path)
				if err != nil {
					t.Errorf("Request %d over %s is lost: %v", n, scheme, err)
					return
				}
				why, location := verdictOf(resp)
				if want := scheme + "://" + hostOf[why.decision] + path; location != want || resp.StatusCode != http.StatusFound {
					t.Errorf("Expected %q for %+v, got %d %q", want, why, resp.StatusCode, location)
					return
				}
				asked.Add(1)
				mu.Lock()
				epochs[why.epoch] = true
				sides[why.decision]++
				mu.Unlock()
			}
		})
	}
	for range reloads {
		time.Sleep(time.Second)
		s.reload(t)
	}
	group.Wait()
	t.Logf("%d requests, %d decisions, %v", asked.Load(), len(epochs), sides)
	if sides["origin"] == 0 || sides["cdn example"] == 0 {
		t.Errorf("Expected both sides, got %v", sides)
	}
	served := s.total(t, "coredns_cdnredirect_http_responses_total", "answer", "origin") + s.total(t, "coredns_cdnredirect_http_responses_total", "answer", "cdn")
	if served != float64(asked.Load()) {
		t.Errorf("Expected %d counted, got %g", asked.Load(), served)
	}
}

// TestDNSAndHTTPSayTheSame asks by HTTP, DNS and HTTP again: where the first and
// the last name one epoch, the middle does, too, and the same side.
func TestDNSAndHTTPSayTheSame(t *testing.T) {
	t.Parallel()
	const rounds = 4000
	vars := at(startOrigin(t))
	flipAt(t, vars)
	vars["cert"], vars["key"], _ = certified(t, "www.example.org")
	const format = "    metadata\n    log . \"{name} {type} says {>id} {/cdnredirect/epoch} {/cdnredirect/decision}.\"\n"
	s := spec{corefile: block(format, redirects(flipping...)), vars: vars}.start(t)

	expected, epochs := map[string]bool{}, map[string]bool{}
	for id := uint16(1); id <= rounds; id++ {
		before, _ := verdictOf(s.visited(t))
		q := question(site, typeA)
		q.Id = id
		answer := summary(s.udp().must(t, q))
		after, _ := verdictOf(s.visited(t))
		if before != after {
			continue // the decision flipped meanwhile
		}
		epochs[before.epoch] = true
		if want := map[string]string{"origin": atOrigin, "cdn example": atCDN}[before.decision]; answer != want {
			t.Fatalf("Expected %q of DNS while HTTP says %+v, got %q", want, before, answer)
		}
		expected[fmt.Sprintf("A says %d %s %s.", id, before.epoch, before.decision)] = true
		time.Sleep(time.Millisecond)
	}
	var missing []string
	awaitTrue(t, "all lines in the log", func() bool {
		missing = nil
		text := s.output.String()
		for line := range expected {
			if !strings.Contains(text, line) {
				missing = append(missing, line)
			}
		}
		return len(missing) == 0
	})
	t.Logf("%d of %d rounds in one epoch, %d epochs", len(expected), rounds, len(epochs))
	if len(epochs) < 4 || len(expected) < rounds/2 {
		t.Errorf("Expected several epochs, got %d in %d rounds", len(epochs), len(expected))
	}
}

// visited is visit where an answer has to come.
func (s *server) visited(t *testing.T) *http.Response {
	t.Helper()
	resp, err := s.visit("http", "/")
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// TestF33SlowClientsCostNothing runs slowhttptest in each of its ways, and asks
// meanwhile, over HTTP and DNS.
func TestF33SlowClientsCostNothing(t *testing.T) {
	need(t, "slowhttptest", "slowhttptest")
	vars := at(startOrigin(t))
	vars["cert"], vars["key"], _ = certified(t, "www.example.org")
	s := spec{corefile: block(metrics, redirects()), vars: vars}.start(t)
	await(t, patience, atOrigin, s.answer)
	for name, args := range map[string][]string{
		"slow headers": {"-H"}, "slow bodies": {"-B", "-s", "8192"}, "slow reading": {"-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32"},
	} {
		args = append(args, "-c", "1000", "-r", "500", "-i", "2", "-p", "3", "-l", "10", "-u", "http://"+s.address("http")+"/", "-x", "10")
		tool := exec.Command("slowhttptest", args...)
		out := make(chan string, 1)
		go func() {
			text, _ := tool.CombinedOutput()
			out <- string(text)
		}()
		slowest, asked, report := time.Duration(0), 0, ""
		for report == "" {
			began := time.Now()
			if got := s.location(t, "http", "/"); got != "http://"+originHost+"/" {
				t.Fatalf("%s: expected a redirect, got %q", name, got)
			}
			if got := s.answer(); got != atOrigin {
				t.Fatalf("%s: expected %q of DNS, got %q", name, atOrigin, got)
			}
			slowest = max(slowest, time.Since(began))
			asked++
			select {
			case report = <-out:
			case <-time.After(10 * time.Millisecond):
			}
		}
		if !strings.Contains(report, "service available:") || strings.Contains(plainText(report), "service available: NO") {
			t.Errorf("%s: expected the service to be available, got:\n%s", name, report)
		}
		t.Logf("%s: %d times asked, the slowest took %s", name, asked, slowest)
		if slowest > slack {
			t.Errorf("%s: expected answers at once, the slowest took %s", name, slowest)
		}
	}
	visitor.CloseIdleConnections()
	awaitTrue(t, "no connection to be left", func() bool {
		return s.total(t, "coredns_cdnredirect_http_connections") == 0
	})
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// plainText takes colours and runs of spaces out of what a tool said.
func plainText(text string) string {
	return strings.Join(strings.Fields(colours.ReplaceAllString(text, "")), " ")
}
