//go:build linux

package test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// consoled is a server whose API is at an address, by HTTP and by HTTPS.
type consoled struct {
	*server
	token string // of an operator
}

// startConsole starts a server with a store, a site and a console, and makes an operator.
// Lines come to the block of the console.
func startConsole(t *testing.T, lines ...string) *consoled {
	t.Helper()
	vars := withStore(t, at(startOrigin(t)))
	vars["cert"], vars["key"], _ = certified(t, "localhost")
	console := "console 127.0.0.1:$console {\n" + strings.Join(lines, "\n") + "\n}"
	if lines == nil {
		console = "console 127.0.0.1:$console"
	}
	s := spec{corefile: block(metrics, siteBlock([]string{"socket $socket", "state $state", "store sqlite $store", console}, []string{site})), vars: vars}.start(t)
	await(t, patience, atOrigin, s.answer)
	return &consoled{s, s.invite(t, "init", "alice")}
}

// invite runs a command that makes a token, and returns that.
func (s *server) invite(t *testing.T, args ...string) (token string) {
	t.Helper()
	file := filepath.Join(folder(t), "token")
	s.ctl(t, append(args, "--token-file", file)...).expect(t, 0)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// states asks the console who serves the sites, over a connection of its own, and fails
// the test unless it says so.
func (c *consoled) states(t *testing.T, scheme, from string) {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: scheme == "https", DisableKeepAlives: true,
		DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext,
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), "GET", scheme+"://"+c.address("console")+"/v1/states", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), `"site":"`+site+`"`) {
		t.Fatalf("Expected the site, got %s %s, %v", resp.Status, text, err)
	}
}

// TestF33SlowClientsOfTheConsole runs slowhttptest in each of its ways against the API, from
// one address. Another one is answered meanwhile, and so is DNS.
func TestF33SlowClientsOfTheConsole(t *testing.T) {
	need(t, "slowhttptest", "slowhttptest")
	s := startConsole(t)
	for name, args := range map[string][]string{
		"slow headers": {"-H"}, "slow bodies": {"-B", "-s", "8192"}, "slow reading": {"-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32"},
	} {
		args = append(args, "-c", "1000", "-r", "500", "-i", "2", "-p", "3", "-l", "10", "-u", "http://"+s.address("console")+"/v1/states", "-x", "10")
		out := make(chan string, 1)
		go func() {
			text, _ := exec.Command("slowhttptest", args...).CombinedOutput()
			out <- string(text)
		}()
		slowest, asked, report := time.Duration(0), 0, ""
		for report == "" {
			began := time.Now()
			s.states(t, "http", "127.0.0.2")
			if got := s.answer(); got != atOrigin {
				t.Fatalf("%s: expected %q of DNS, got %q", name, atOrigin, got)
			}
			slowest = max(slowest, time.Since(began))
			asked++
			select {
			case report = <-out:
			case <-time.After(50 * time.Millisecond): // 50 times a second are a caller's
			}
		}
		if !strings.Contains(report, "slow HTTP test status") {
			t.Errorf("%s: expected a report, got:\n%s", name, report)
		}
		t.Logf("%s: %d times asked, the slowest took %s\n%s", name, asked, slowest, plainText(report[strings.LastIndex(report, "slow HTTP test status"):]))
		if slowest > slack {
			t.Errorf("%s: expected answers at once, the slowest took %s", name, slowest)
		}
	}
	s.states(t, "http", "127.0.0.1")
}

// frames speaks HTTP/2 with a console, frame by frame.
type frames struct {
	*http2.Framer
	conn  net.Conn
	token string
	text  bytes.Buffer
	pack  *hpack.Encoder
}

// frames opens a connection, and reads what comes over it unless it is not to.
func (c *consoled) frames(t *testing.T, token string, reads bool) *frames {
	t.Helper()
	raw, err := net.Dial("tcp", c.address("console"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	if !reads {
		raw.(*net.TCPConn).SetReadBuffer(2048)
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	conn.SetDeadline(time.Now().Add(2 * patience))
	f := &frames{Framer: http2.NewFramer(conn, conn), conn: conn, token: token}
	f.pack = hpack.NewEncoder(&f.text)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	if reads {
		go io.Copy(io.Discard, conn)
	}
	return f
}

// ask begins a request, and reports whether the connection is there still.
func (f *frames) ask(id uint32, ends bool) bool {
	f.text.Reset()
	for _, h := range []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "localhost"}, {Name: ":path", Value: "/v1/states"},
		{Name: "authorization", Value: "Bearer " + f.token},
	} {
		f.pack.WriteField(h)
	}
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: f.text.Bytes(), EndStream: true, EndHeaders: ends}) == nil
}

// attacks of HTTP/2. Each returns how many frames it could send.
var attacks = map[string]struct {
	reads bool
	run   func(f *frames) (sent int)
}{
	"resets": {true, func(f *frames) (sent int) {
		for id := uint32(1); id < 40_000 && f.ask(id, true) && f.WriteRSTStream(id, http2.ErrCodeCancel) == nil; id += 2 {
			sent++
		}
		return sent
	}},
	"a header without an end": {true, func(f *frames) (sent int) {
		f.ask(1, false)
		f.text.Reset()
		for i := range 100 {
			f.pack.WriteField(hpack.HeaderField{Name: "x" + strconv.Itoa(i), Value: strings.Repeat("a", 100), Sensitive: true})
		}
		for sent < 10_000 && f.WriteContinuation(1, false, f.text.Bytes()) == nil {
			sent++
		}
		return sent
	}},
	"nothing is read": {false, func(f *frames) (sent int) {
		for id := uint32(1); id < 4000 && f.ask(id, true); id += 2 {
			sent++
		}
		return sent
	}},
	"pings": {true, func(f *frames) (sent int) {
		for sent < 100_000 && f.WritePing(false, [8]byte{}) == nil {
			sent++
		}
		return sent
	}},
	"settings": {true, func(f *frames) (sent int) {
		for sent < 100_000 && f.WriteSettings() == nil {
			sent++
		}
		return sent
	}},
}

// TestF34AttacksOnTheConsole of somebody with a good token, and of somebody without one.
// Others are answered meanwhile, over HTTP/2 and by DNS, and few requests run at a time.
func TestF34AttacksOnTheConsole(t *testing.T) {
	t.Parallel()
	s := startConsole(t, "tls $cert $key")
	s.ctl(t, "user", "put", "mallory", "--role", "operator").expect(t, 0)
	rest := s.total(t, "go_goroutines")
	for _, token := range []string{s.invite(t, "token", "create", "mallory"), "cdr_" + strings.Repeat("x", 43)} {
		for name, attack := range attacks {
			f := s.frames(t, token, attack.reads)
			sent := make(chan int, 1)
			go func() { sent <- attack.run(f) }()
			for n, asked := -1, 0; n < 0 || asked < 5; asked++ {
				s.others(t, name, rest)
				select {
				case n = <-sent:
					t.Logf("%.8s: %s: %d frames", token, name, n)
				case <-time.After(100 * time.Millisecond):
				}
			}
			f.conn.Close()
		}
	}
}

// others wants somebody else to be served, and the process to be as large as ever.
func (c *consoled) others(t *testing.T, name string, rest float64) {
	t.Helper()
	c.states(t, "https", "127.0.0.2")
	if got := c.answer(); got != atOrigin {
		t.Fatalf("%s: expected %q of DNS, got %q", name, atOrigin, got)
	}
	if now := c.total(t, "go_goroutines"); now > rest+300 {
		t.Fatalf("%s: expected a bounded number of requests at once, got %v goroutines, %v before", name, now, rest)
	}
}
