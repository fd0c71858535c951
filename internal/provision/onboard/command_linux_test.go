package onboard_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// deployed is a provider whose command is a shell script; $1 is a folder of the test.
func deployed(t *testing.T, kind site.DeployKind, text string) (onboard.Provider, string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "script", text)
	return onboard.New("edge", site.Provision{Deploy: &site.Deploy{Kind: kind, Command: []string{"/bin/sh", filepath.Join(dir, "script"), dir}}}, nil), dir
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

// plainRequest asks for a site with an origin that nobody asks.
func plainRequest(t *testing.T, hosts ...string) onboard.Request {
	t.Helper()
	return requestOf(t, &httptest.Server{URL: "http://127.0.0.1:8080"}, hosts...)
}

// TestCommand: it gets the files, what to do with them, and an environment that is small.
func TestCommand(t *testing.T) {
	t.Setenv("SOME_SECRET", "hunter2")
	p, dir := deployed(t, site.DeployNginx, `set -e; echo "$2" >>"$1/did"; env | sort >"$1/env"; tar -t -f - >"$1/files"`)
	r := plainRequest(t, "www.example.org")
	_, err := p.Create(context.Background(), r)
	must(t, err)
	_, err = p.Remove(context.Background(), r)
	must(t, err)
	expect(t, "What it was to do", readFile(t, filepath.Join(dir, "did")), "check\napply\nundo\n")
	expect(t, "Files", readFile(t, filepath.Join(dir, "files")), "www.example.org.conf\n")
	env := readFile(t, filepath.Join(dir, "env"))
	for _, line := range []string{"CDNREDIRECT_CDN=edge\n", "CDNREDIRECT_SITE=www.example.org\n", "CDNREDIRECT_KEY=id/cdn/edge/create\n", "LANG=C.UTF-8\n"} {
		if !strings.Contains(env, line) {
			t.Errorf("Expected %q in the environment, got %q", line, env)
		}
	}
	if strings.Contains(env, "hunter2") {
		t.Error("Expected nothing of the server's own environment")
	}
}

// TestCommandsThatFail says which of them are tried again.
func TestCommandsThatFail(t *testing.T) {
	for script, want := range map[string]struct {
		words string
		final bool
	}{
		`echo "no such node" >&2; exit 1`: {`exit status 1: "no such node"`, true},
		`printf 'a\tb\033[1m\n'; exit 2`:  {`exit status 2: "a\tb\x1b[1m"`, true},
		`exit 75`:                         {`exit status 75`, false},
		`exit 255`:                        {`exit status 255`, false},
		`kill -9 $$`:                      {`signal: killed`, false},
		`yes | head -c 9000 | tr -d '\n'; exit 3`: {`exit status 3: "...` + strings.Repeat("y", 297) + `..."`, true},
	} {
		p, dir := deployed(t, site.DeployNginx, script)
		_, err := p.Create(context.Background(), plainRequest(t, "www.example.org"))
		command := "'/bin/sh " + filepath.Join(dir, "script") + " " + dir + " check' of cdn 'edge': "
		if err == nil || err.Error() != command+want.words || onboard.Final(err) != want.final {
			t.Errorf("%s: Expected '%s' (final: %t), got '%v' (final: %t)", script, want.words, want.final, err, onboard.Final(err))
		}
	}
}

// TestACommandThatHangs is killed with all that it has started.
func TestACommandThatHangs(t *testing.T) {
	defer onboard.SetCommandLimit(onboard.SetCommandLimit(300 * time.Millisecond))
	p, dir := deployed(t, site.DeployNginx, `echo waiting; (sleep 1; touch "$1/survived") & sleep 60`)
	began := time.Now()
	_, err := p.Create(context.Background(), plainRequest(t, "www.example.org"))
	if err == nil || !strings.HasSuffix(err.Error(), ` check' of cdn 'edge' took longer than 300ms: "waiting"`) || onboard.Final(err) {
		t.Errorf("Expected it to be killed, got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Expected it to be over at once, got %s", took)
	}
	time.Sleep(1200 * time.Millisecond)
	if _, err := os.Stat(filepath.Join(dir, "survived")); err == nil {
		t.Error("Expected its children to be killed, too")
	}
}

// TestNothingGetsIntoAConfiguration but words, addresses and numbers.
func TestNothingGetsIntoAConfiguration(t *testing.T) {
	for _, kind := range []site.DeployKind{site.DeployNginx, site.DeployVarnish} {
		p, dir := deployed(t, kind, `touch "$1/ran"`)
		for _, bad := range []string{
			"www.example.org; include /etc/passwd", "a}\nserver {", `a"b`, "$host", "{%x%}", "a b", "../../etc/cron", "a/b", "a\\059b.example.org", "WWW.example.org", "", ".", "a..b", "*.*.example.org",
		} {
			for _, r := range []onboard.Request{plainRequest(t, bad), plainRequest(t, "www.example.org", bad)} {
				if len(r.Site.Hosts) > 1 && bad == "*.*.example.org" {
					continue
				}
				_, err := p.Create(context.Background(), r)
				if err == nil || !onboard.Final(err) {
					t.Errorf("Expected %q to be refused, got %v", bad, err)
				}
				_, err = p.Remove(context.Background(), r)
				must(t, err) // it was never set up
			}
		}
		wild := plainRequest(t, "www.example.org")
		wild.Site.Names = []string{"*.example.org."}
		next := plainRequest(t, "www.example.org")
		next.Site.Origins = []site.Origin{{Next: true}}
		_, err := p.Create(context.Background(), next)
		expect(t, "Without addresses", err.Error(), "writing the configuration of "+string(kind)+" for site 'www.example.org': 'origin next' has no addresses of its own: a CDN that is to be set up needs them")
		if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
			t.Error("Expected no command to run")
		}
		_, err = p.Create(context.Background(), wild)
		must(t, err)
	}
}

// TestWrittenForManyOrigins holds what is written against what was meant.
func TestWrittenForManyOrigins(t *testing.T) {
	addr := netip.MustParseAddr
	for kind, want := range map[site.DeployKind][]string{
		site.DeployNginx:   {"server 192.0.2.1:8080 weight=3;", "server [2001:db8::1]:8080 weight=1;", "server 192.0.2.9:8080 weight=1 backup;"},
		site.DeployVarnish: {`.host = "192.0.2.1";`, `.host = "2001:db8::1";`, "_0, 3.0);", "_1, 1.0);", "_backup.add_backend(", "_2, 1.0);"},
	} {
		p, dir := deployed(t, kind, `tar -x -O -f - >"$1/text"`)
		r := plainRequest(t, "www.example.org")
		r.Site.Origins = []site.Origin{
			{Addresses: []netip.Addr{addr("192.0.2.1")}, Weight: 3}, {Addresses: []netip.Addr{addr("2001:db8::1")}, Weight: 1},
			{Addresses: []netip.Addr{addr("192.0.2.9")}, Priority: 1},
		}
		_, err := p.Create(context.Background(), r)
		must(t, err)
		text := readFile(t, filepath.Join(dir, "text"))
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%s: Expected %q in\n%s", kind, line, text)
			}
		}
		r.Site.Probes[0].URL = "https://{origin}/"
		_, err = p.Create(context.Background(), r)
		switch text := readFile(t, filepath.Join(dir, "text")); {
		case kind == site.DeployVarnish && (err == nil || !strings.HasSuffix(err.Error(), "its probe asks the origin over https, and Varnish speaks http to origins")):
			t.Errorf("Expected https to be refused, got %v", err)
		case kind == site.DeployNginx && (err != nil || !strings.Contains(text, "server 192.0.2.1:443 ") || !strings.Contains(text, "proxy_pass https://") || !strings.Contains(text, "proxy_ssl_name $host;")):
			t.Errorf("Expected the origin to be asked over https, got %v:\n%s", err, text)
		}
	}
}
