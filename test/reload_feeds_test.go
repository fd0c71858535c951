//go:build linux

package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// countedPage is a page with a counter of the bytes that somebody sends.
type countedPage struct {
	mu    sync.Mutex
	bytes float64 // until at
	at    time.Time
	rate  float64 // in bit/s, since then
	read  int     // how often it was
}

// ServeHTTP implements http.Handler.
func (p *countedPage) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count()
	p.read++
	fmt.Fprintf(w, "farm_transmit_bytes_total %f\n", p.bytes)
}

// count brings the counter up to date.
func (p *countedPage) count() {
	now := time.Now()
	p.bytes, p.at = p.bytes+p.rate/8*now.Sub(p.at).Seconds(), now
}

// send changes the rate, and returns how often the page was read before.
func (p *countedPage) send(rate float64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count()
	p.rate = rate
	return p.read
}

func (p *countedPage) reads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read
}

// start serves the page and returns its port.
func (p *countedPage) start(t *testing.T) (port string) {
	t.Helper()
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	u, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// TestReloadKeepsTheCountOfAFeed makes a shared origin busy right after a reading.
// The next readings are too much; three are counted, and after a reload the fourth
// must divert: not the fifth, which would be the first to have a counter before
// it, nor the seventh, which would be the fourth to count anew.
func TestReloadKeepsTheCountOfAFeed(t *testing.T) {
	t.Parallel()
	const counted, diverting = 3, 4
	page := new(countedPage)
	vars := at(startOrigin(t))
	vars["page"] = page.start(t)
	s := spec{corefile: block(siteBlock([]string{`origin farm {
            address 127.0.0.1
            capacity 250Mbit
            feed used_bandwidth prometheus http://127.0.0.1:$page/ farm_transmit_bytes_total every 3s
            threshold available_bandwidth last 200Mbit
        }`}, []string{site, "origin farm", "enter 4", lenient})), vars: vars}.start(t)
	awaitTrue(t, "two readings", func() bool { return page.reads() >= 2 })

	before := page.send(busy)
	awaitTrue(t, "the third reading that is too much", func() bool { return page.reads() == before+counted })
	s.reload(t)
	if reads := page.reads() - before; reads > counted {
		t.Fatalf("Expected the reload to be over before reading %d, got it during the reload", reads)
	}
	if got := s.answer(); got != atOrigin {
		t.Errorf("Expected still %q, got %q", atOrigin, got)
	}
	await(t, 3*countingPeriod, atCDN, s.answer)
	if reads := page.reads() - before; reads != diverting {
		t.Errorf("Expected reading %d to divert, got %d", diverting, reads)
	}
}

// socketed is a server block with the control socket at a path.
func socketed(path string) string {
	return block(siteBlock([]string{"socket " + path}, []string{site}))
}

// TestReloadKeepsTheSocket asks at the control socket all the time. It is the same
// file after a reload.
func TestReloadKeepsTheSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(folder(t), "control")
	s := spec{corefile: socketed(path), vars: at(startOrigin(t))}.start(t)
	expectSocket(t, path)
	file := statOf(t, path)

	var asking sync.WaitGroup
	t.Cleanup(asking.Wait)
	asking.Go(func() {
		for t.Context().Err() == nil {
			expectSocket(t, path)
		}
	})
	s.reload(t)
	if !os.SameFile(file, statOf(t, path)) {
		t.Error("Expected the same file after a reload")
	}
}

func TestReloadMovesTheSocket(t *testing.T) {
	t.Parallel()
	old, next := filepath.Join(folder(t), "old"), filepath.Join(folder(t), "next")
	s := spec{corefile: socketed(old), vars: at(startOrigin(t))}.start(t)
	expectSocket(t, old)

	s.configure(t, socketed(next))
	s.reload(t)
	expectSocket(t, next)
	expectNoSocket(t, old)

	s.configure(t, block(ours()))
	s.reload(t)
	expectNoSocket(t, next)
}

// TestFailedReloadKeepsTheSocket has reloads fail that would keep it, or move it.
func TestFailedReloadKeepsTheSocket(t *testing.T) {
	t.Parallel()
	old, next := filepath.Join(folder(t), "old"), filepath.Join(folder(t), "next")
	s := spec{corefile: socketed(old), vars: at(startOrigin(t))}.start(t)
	file := statOf(t, old)
	for _, spoil := range spoilers {
		for _, path := range []string{old, next} {
			s.configure(t, spoil(t, socketed(path)))
			s.failReload(t)
			expectSocket(t, old)
			expectNoSocket(t, next)
		}
	}
	s.configure(t, socketed(filepath.Join(next, "in", "no", "folder")))
	s.failReload(t)
	expectSocket(t, old)
	if !os.SameFile(file, statOf(t, old)) {
		t.Error("Expected the same file after a reload that failed")
	}

	s.configure(t, socketed(next))
	s.reload(t)
	expectSocket(t, next)
}

// expectSocket wants the site's state from a socket.
func expectSocket(t *testing.T, path string) {
	t.Helper()
	if text, good := cdnctl(t, path, "states"); !good || !strings.Contains(text, site) {
		t.Errorf("Expected the state of %s from %s, got %q", site, path, text)
	}
}

// expectNoSocket wants neither an answer nor a file.
func expectNoSocket(t *testing.T, path string) {
	t.Helper()
	if text, good := cdnctl(t, path, "states"); good {
		t.Errorf("Expected no answer from %s, got %q", path, text)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("Expected no file %s, got %v", path, err)
	}
}

func statOf(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
