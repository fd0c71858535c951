//go:build linux

package test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// canary matches the secrets of these tests, each of which says where it is.
var canary = regexp.MustCompile(`c4n4ry-\w+`)

// free fails the test if a text of the server's has a secret in it.
func free(t *testing.T, what, text string) {
	t.Helper()
	if found := slices.Compact(slices.Sorted(slices.Values(canary.FindAllString(text, -1)))); len(found) > 0 {
		t.Errorf("Expected no secret in %s, got %v in:\n%.2000s", what, found, lineWith(text, found[0]))
	}
}

// lineWith returns the first line that has a word.
func lineWith(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

// chatter are what a web server says that likes to talk, by the name of the
// site that asks it. All of it is the target's own.
var chatter = map[string]string{
	"good":      httpAnswer("200 OK", "", "c4n4ry-good"),
	"denied":    httpAnswer("401 c4n4ry-status", "WWW-Authenticate: c4n4ry-challenge\r\n", "c4n4ry-denied"),
	"moved":     httpAnswer("302 Found", "Location: http://127.0.0.1:1/?c4n4ry-location\r\n", ""),
	"garbage":   "c4n4ry-garbage\r\n\r\n",
	"header":    "HTTP/1.1 200 OK\r\nc4n4ry-header without a colon\r\n\r\n",
	"chunks":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc4n4ry-chunk\r\n",
	"cut":       "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nc4n4ry-cut",
	"json":      httpAnswer("200 OK", "", `{"n": "c4n4ry-json", "status": "error", "errorType": "c4n4ry-type", "error": "c4n4ry-error"}`),
	"promql":    httpAnswer("200 OK", "", `{"status": "success", "data": {"resultType": "scalar", "result": [1, "c4n4ry-value"]}}`),
	"metrics":   httpAnswer("200 OK", "", "# HELP m c4n4ry-help\nm{a=\"c4n4ry-label\"} c4n4ry-number\n"),
	"encrypted": "", // asked over TLS, whose certificate nobody knows
	"absent":    "", // nobody listens
}

func httpAnswer(status, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
}

// hearsay is what targets were told.
type hearsay struct {
	mu  sync.Mutex
	all map[string]bool
}

func (h *hearsay) note(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range canary.FindAllString(text, -1) {
		h.all[secret] = true
	}
}

func (h *hearsay) heard() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(h.all)), " ")
}

// ServeHTTP answers by the first part of the path.
func (h *hearsay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.note(fmt.Sprint(r.RequestURI, " ", r.Header))
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		io.WriteString(conn, chatter[name])
		conn.Close()
	}
}

// serveUDP answers every packet with what no protocol knows.
func (h *hearsay) serveUDP(t *testing.T) (port string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		packet := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			h.note(string(packet[:n]))
			conn.WriteTo([]byte("c4n4ry-packet"), from)
		}
	}()
	_, port, _ = net.SplitHostPort(conn.LocalAddr().String())
	return port
}

// curious is a Corefile with a secret wherever one can be, and a site for each
// answer. Most of what it asks fails.
func curious() string {
	text := strings.Builder{}
	for _, name := range slices.Sorted(maps.Keys(chatter)) {
		base := map[string]string{"encrypted": "https://127.0.0.1:$tls/", "absent": "http://127.0.0.1:1/"}[name]
		if base == "" {
			base = "http://127.0.0.1:$web/"
		}
		text.WriteString(strings.NewReplacer("NAME", name, "BASE", base).Replace(curiousSite))
	}
	return "example.org:$dns {\n    bind 127.0.0.1\n    errors\n    log\n    pprof 127.0.0.1:$pprof\n" + metrics +
		"    cdnredirect {\n        socket $socket\n" + text.String() + "    }\n}\n"
}

const curiousSite = `        cdn NAME {
            operated own
            probe http BASENAME/cdn?key=c4n4ry-query timeout 500ms every 1s header X-CDN c4n4ry-cdn
            feed fci BASENAME/fci?key=c4n4ry-query timeout 500ms every 1s header X-FCI env:CANARY
        }
        site NAME.example.org {
            origin 127.0.0.1
            cdn example ` + target + `
            ready none
            probe http BASENAME/probe?key=c4n4ry-query timeout 500ms every 1s header X-Literal c4n4ry-literal header X-Env env:CANARY header X-File file:$file
            probe tcp 127.0.0.1:$web every 1s send "GET /NAME HTTP/1.0\r\nX: c4n4ry-send\r\n\r\n" expect nothing
            probe dns 127.0.0.1:$udp example.org every 1s timeout 200ms
            probe grpc 127.0.0.1:$web every 1s
            feed load json BASENAME/json?key=c4n4ry-json n every 1s header X-Literal c4n4ry-literal header X-Env env:CANARY header X-File file:$file
            feed requests promql BASENAME/promql?key=c4n4ry-promql q every 1s header X-Env env:CANARY
            feed connections prometheus BASENAME/prometheus?key=c4n4ry-prometheus m every 1s header X-Env env:CANARY
            feed used_bandwidth snmp 127.0.0.1:$udp ifindex 1 community env:COMMUNITY every 1s timeout 200ms
            feed available_bandwidth file $file m every 1s
            threshold response_time 150ms
        }
`

// told are the secrets that must reach the targets: otherwise nothing was tested.
const told = "c4n4ry-cdn c4n4ry-community c4n4ry-environment c4n4ry-file c4n4ry-json c4n4ry-literal c4n4ry-prometheus c4n4ry-promql c4n4ry-query c4n4ry-send"

// startCurious starts a server with it, and waits until everything was told.
func startCurious(t *testing.T) *server {
	t.Helper()
	h := &hearsay{all: make(map[string]bool)}
	web, encrypted := httptest.NewServer(h), httptest.NewUnstartedServer(h)
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0)
	encrypted.StartTLS()
	t.Cleanup(web.Close)
	t.Cleanup(encrypted.Close)
	s := spec{corefile: curious(), command: withSecrets, vars: withSocket(t, map[string]string{
		"web": portOf(t, web.URL), "tls": portOf(t, encrypted.URL), "udp": h.serveUDP(t),
		"file": write(t, folder(t), "secret", "c4n4ry-file\n"),
	})}.start(t)
	await(t, patience, told, h.heard)
	return s
}

func withSecrets(binary string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "CANARY=c4n4ry-environment", "COMMUNITY=c4n4ry-community")
	return cmd
}

func portOf(t *testing.T, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(url[strings.Index(url, "//")+2:])
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestF43SecretsStayInside has probes and feeds fail in every way that there
// is, and looks at everything that the server says.
func TestF43SecretsStayInside(t *testing.T) {
	t.Parallel()
	s := startCurious(t)
	for _, result := range []string{"ok", "connect", "tls", "timeout", "protocol", "status", "content", "invalid"} {
		awaitTrue(t, "a probe or feed that is "+result, func() bool {
			return s.total(t, ownSeries+"probes_total", "result", result) > 0
		})
	}
	free(t, "/metrics", s.page(t))
	for _, page := range []string{"goroutine?debug=2", "goroutine?debug=1", "cmdline"} {
		free(t, page, s.fetch(t, "http://"+s.address("pprof")+"/debug/pprof/"+page))
	}
	s.freeOfSecrets(t, "states")
	s.freeOfSecrets(t, "cdns")
	for name := range chatter {
		s.freeOfSecrets(t, "explain", name+".example.org", "--client", "192.0.2.1")
		s.freeOfSecrets(t, "probe", name+".example.org", "--debug")
	}
	web := "http://127.0.0.1:" + s.vars["web"]
	for name := range chatter {
		s.freeOfSecrets(t, "probe", web+"/"+name)
		s.freeOfSecrets(t, "probe", web+"/"+name+"?key=c4n4ry-typed")
	}
	s.freeOfSecrets(t, "probe", "ftp://user:c4n4ry-password@127.0.0.1/?c4n4ry-typed")
	free(t, "the log", s.output.String())
}

// freeOfSecrets looks at both forms of what cdnctl says.
func (s *server) freeOfSecrets(t *testing.T, args ...string) {
	t.Helper()
	for _, more := range [][]string{nil, {"-o", "json"}} {
		got := s.ctl(t, append(args, more...)...)
		free(t, fmt.Sprintf("cdnctl %q", args), got.stdout+got.stderr)
	}
}

// fetch returns a page of the server's.
func (s *server) fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := browser.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || len(text) == 0 {
		t.Fatalf("Expected %s, got %s, %v", url, resp.Status, err)
	}
	return string(text)
}

// mistakes are lines with a secret and something wrong, mostly because of it.
var mistakes = []string{
	`probe http http://{origin}/ header Authorization Bearer c4n4ry-bearer`,
	`probe http http://{origin}/ header Authorization c4n4ry-value {`,
	`probe http http://{origin}/ header Authorization c4n4ry-value evry 10s`,
	`probe http http://{origin}/ header Authorization "c4n4ry-one c4n4ry-two" header`,
	`probe http http://{origin}/ header "Authorization: c4n4ry-colon" every 10s`,
	`probe http http://{origin}/ header Authorization: c4n4ry-colon every 10s`,
	`probe http http://{origin}/ header Host c4n4ry-host`,
	"probe http http://{origin}/ header Authorization \"c4n4ry-line\nc4n4ry-break\"",
	`probe http header Authorization c4n4ry-place http://{origin}/`,
	`probe http ftp://{origin}/?key=c4n4ry-query`,
	`probe http http://bob:c4n4ry-password@{origin}/`,
	`probe http http://www.example.org/?key=c4n4ry-query`,
	`probe http http://{origin}:99999/?key=c4n4ry-query&name={name}`,
	`feed load json http://{origin}/%zz?key=c4n4ry-query n`,
	`feed load json http://{origin}/ n header Authorization Bearer c4n4ry-bearer`,
	`feed used_bandwidth snmp {origin} ifindex 1 community c4n4ry-word c4n4ry-rest`,
	`feed used_bandwidth snmp {origin} ifindex 1 community c4n4ry-word {`,
	`feed used_bandwidth snmp {origin} community c4n4ry-word ifindex 1`,
}

// TestF43CorefileErrorsQuoteNoSecret has a reload fail for each mistake.
func TestF43CorefileErrorsQuoteNoSecret(t *testing.T) {
	t.Parallel()
	s := spec{corefile: block(ours()), vars: at(startOrigin(t))}.start(t)
	for _, line := range mistakes {
		s.configure(t, block(ours(line)))
		before := len(s.output.String())
		s.failReload(t)
		said := s.output.String()[before:]
		if free(t, line, said); !strings.Contains(said, filepath.Base(s.conf)+":") {
			t.Errorf("%s: Expected the line to be named, got %s", line, said)
		}
	}
}
