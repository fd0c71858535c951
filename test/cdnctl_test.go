//go:build linux

package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// controlled is a server block with the site and a control socket.
func controlled(lines ...string) string {
	return block(metrics, strings.Replace(ours(lines...), "{\n", "{\n        socket $socket\n", 1))
}

// startControlled starts a server with the site on a web server, and a socket.
func startControlled(t *testing.T, web *origin) *server {
	t.Helper()
	s := spec{corefile: controlled(), vars: withSocket(t, at(web))}.start(t)
	await(t, patience, atOrigin, s.answer)
	return s
}

// withSocket gives a Corefile a path for its socket.
func withSocket(t *testing.T, vars map[string]string) map[string]string {
	t.Helper()
	vars["socket"] = filepath.Join(folder(t), "socket")
	return vars
}

// outcome is what a command line came to.
type outcome struct {
	code           int
	stdout, stderr string
}

// ctl runs cdnctl.
func (s *server) ctl(t *testing.T, args ...string) outcome {
	t.Helper()
	return outcomeOf(t, exec.Command(theCtl.built(t), append(args, "--socket", s.vars["socket"])...))
}

// cdnctl runs the command against a control socket, and returns what it said,
// and whether all was well.
func cdnctl(t *testing.T, socket string, args ...string) (text string, good bool) {
	t.Helper()
	got := outcomeOf(t, exec.Command(theCtl.built(t), append(args, "--socket", socket)...))
	return got.stdout + got.stderr, got.code == 0
}

func outcomeOf(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// expect fails unless the command ended with a code and its output has all texts.
func (got outcome) expect(t *testing.T, code int, texts ...string) {
	t.Helper()
	if got.code != code {
		t.Errorf("Expected exit code %d, got %+v", code, got)
	}
	for _, text := range texts {
		if !strings.Contains(got.stdout+got.stderr, text) {
			t.Errorf("Expected %q, got %+v", text, got)
		}
	}
}

func TestCdnctlShowsWhoServes(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := startControlled(t, web)
	s.ctl(t, "states").expect(t, 0, "SITE ", site, " origin ", "below: response_time")
	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, s.answer)
	s.ctl(t, "states").expect(t, 0, " cdn ", "100%", "example", "down: response_time", "connection refused")
	if code := s.ctl(t, "explain", site).code; code != 0 {
		t.Errorf("Expected a site that is down to be no error of explain, got %d", code)
	}
}

func TestCdnctlSpeaksJSON(t *testing.T) {
	t.Parallel()
	s := startControlled(t, startOrigin(t))
	for _, args := range [][]string{{"states"}, {"explain", site}, {"probe", site}} {
		got := s.ctl(t, append(args, "-o", "json")...)
		if got.expect(t, 0, `"127.0.0.1"`); !json.Valid([]byte(got.stdout)) {
			t.Errorf("%q: Expected JSON, got %s", args, got.stdout)
		}
	}
	var states []struct{ Site, Side string }
	if err := json.Unmarshal([]byte(s.ctl(t, "states", "-o", "json").stdout), &states); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(states); got != "[{"+site+" origin}]" {
		t.Errorf("Expected the site at its origin, got %s", got)
	}
}

// TestCdnctlExplainsWhatIsAnswered also asks the DNS, which must say the same.
func TestCdnctlExplainsWhatIsAnswered(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := startControlled(t, web)
	s.ctl(t, "explain", "WWW.example.org", "--client", "192.0.2.1").expect(t, 0,
		"response_time: p50 of ", "limit 300ms", "http http://127.0.0.1:"+web.port+"/", "127.0.0.1 up", site+" ", " IN A 127.0.0.1\n")
	web.kill("127.0.0.1")
	await(t, promisedDown, atCDN, s.answer)
	s.ctl(t, "explain", site, "--client", "192.0.2.1").expect(t, 0, "127.0.0.1 down", " IN CNAME "+target+"\n")
}

func TestCdnctlProbes(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := startControlled(t, web)
	url := "http://127.0.0.1:" + web.port + "/some/page"
	s.ctl(t, "probe", site, "--debug").expect(t, 0, "good in ", "first byte", "decision on "+site, "threshold", "verdict")
	s.ctl(t, "probe", url).expect(t, 0, "http "+url+": good in ", "status 200")
	web.fail(true)
	s.ctl(t, "probe", url).expect(t, 1, url+": failed in ", "status 500 is not a good one")
	web.kill("127.0.0.1")
	s.ctl(t, "probe", url, "--debug").expect(t, 1, "failed in ", "connect: ", "connection refused")
}

// TestCdnctlProbesMoveNobody has more probes fail than it takes, while the
// site's own come once a minute.
func TestCdnctlProbesMoveNobody(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: controlled("probe http http://{origin}:$origin/ every 60s timeout 800ms"), vars: withSocket(t, at(web))}.start(t)
	await(t, patience, atOrigin, s.answer)
	web.kill("127.0.0.1")
	for range 4 {
		s.ctl(t, "probe", site).expect(t, 1, "connection refused")
	}
	if got := s.answer(); got != atOrigin {
		t.Errorf("Expected still %q, got %q", atOrigin, got)
	}
}

func TestCdnctlExitCodes(t *testing.T) {
	t.Parallel()
	s := startControlled(t, startOrigin(t))
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"states", 0, site},
		{"probe http://127.0.0.1:1/", 1, "connection refused"},
		{"nonsense", 2, "unknown command"},
		{"explain", 2, "1 arg"},
		{"explain www.example.org --client nobody", 2, "--client 'nobody'"},
		{"explain other.example.org", 3, "no such site"},
		{"explain example.org", 3, "no such site"},
		{"probe other.example.org", 3, "no such site"},
		{"probe ftp://127.0.0.1/", 3, "ftp"},
	} {
		s.ctl(t, strings.Fields(c.args)...).expect(t, c.code, c.says)
	}
	s.kill()
	s.ctl(t, "states").expect(t, 3, "is CoreDNS running")
}

// TestSocketIsForRootAndTheServersUser knocks as somebody else, also where the
// mode of the file has been widened.
func TestSocketIsForRootAndTheServersUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startControlled(t, startOrigin(t))
	as := unprivileged(t)
	knock := func() outcome { return outcomeOf(t, as(theCtl.built(t), "states", "--socket", s.vars["socket"])) }
	knock().expect(t, 3, "permission denied")
	if err := os.Chmod(s.vars["socket"], 0o666); err != nil {
		t.Fatal(err)
	}
	if got := knock(); got.code != 3 || strings.Contains(got.stdout, site) {
		t.Errorf("Expected nobody to be told nothing, got %+v", got)
	}
	if n := s.total(t, ownSeries+"socket_refused_total"); n != 1 {
		t.Errorf("Expected one refusal counted, got %v", n)
	}
	awaitTrue(t, "a word in the log", func() bool { return s.output.count("is neither root nor the server's user") == 1 })
	s.ctl(t, "states").expect(t, 0, site)
}

// seeing is a command line of the README, and what its comment says can be added.
var seeing = regexp.MustCompile(`(?m)^cdnctl ([^#\n]+)(#.*)?$`)

// TestReadmeOnCdnctl runs what the section "Seeing it" shows, on a server of its own.
func TestReadmeOnCdnctl(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := startControlled(t, web)
	_, section, found := strings.Cut(readme(t), "\n### Seeing it\n")
	section, _, ended := strings.Cut(section, "\n### ")
	lines := seeing.FindAllStringSubmatch(section, -1)
	if !found || !ended || len(lines) < 4 {
		t.Fatalf("Expected the README to show cdnctl, got %q", lines)
	}
	here := strings.NewReplacer("https://192.0.2.10/", "http://127.0.0.1:"+web.port+"/")
	for _, line := range lines {
		args := strings.Fields(here.Replace(line[1]))
		s.ctl(t, args...).expect(t, 0)
		for _, more := range regexp.MustCompile(`--?\w+ [\w.]+`).FindAllString(line[2], -1) {
			s.ctl(t, append(args, strings.Fields(more)...)...).expect(t, 0)
		}
	}
}

// readme returns the text of README.md.
func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
