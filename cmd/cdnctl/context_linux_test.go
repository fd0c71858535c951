package main

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// aConsole is a server over TLS that knows who shows the token, and the file of its
// certificate.
func aConsole(t *testing.T) (url, ca string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer "+aSecret {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"title": "Unauthorized", "status": 401, "detail": "show a token"}`)
			return
		}
		io.WriteString(w, `{"name": "bob", "role": "customer-admin", "customer": "acme"}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return server.URL, ca
}

// alone has nobody's contexts and no environment until the test is over.
func alone(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	for _, name := range []string{socketVar, contextVar, tokenVar} {
		t.Setenv(name, "")
	}
	return dir
}

// good runs a command line that is to be good.
func goodLine(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	code, out, complaint := plain(t, args...)
	if code != 0 || complaint != "" {
		t.Fatalf("%q: Expected it to be good, got %d, %q", args, code, complaint)
	}
	return out
}

func TestContextsSayWhomToAsk(t *testing.T) {
	dir := alone(t)
	url, ca := aConsole(t)
	token := filepath.Join(dir, "token")
	write(t, token, aSecret+"\n")
	const him = "bob, customer-admin of acme\n"

	goodLine(t, "context", "add", "prod", "--url", url, "--token-file", token, "--ca", ca)
	goodLine(t, "context", "add", "here", "--socket", "/nowhere/s")
	info, err := os.Stat(filepath.Join(dir, "cdnredirect", "contexts.yaml"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("Expected a file of its owner's alone, got %v, %v", info, err)
	}
	if out := goodLine(t, "context", "list"); !strings.Contains(out, "prod  yes") || !strings.Contains(out, "here  no      /nowhere/s") || strings.Contains(out, aSecret) {
		t.Errorf("Expected both contexts, got %s", out)
	}
	if out, want := goodLine(t, "context", "list", "-o", "yaml"), "- name: here\n  in_use: false\n  socket: /nowhere/s\n"; !strings.HasSuffix(out, want) {
		t.Errorf("Expected %q at the end, got %q", want, out)
	}
	expect(t, 0, 0, goodLine(t, "whoami"), him)
	for _, c := range []struct {
		env  map[string]string
		args string
		want string // of what is shown, or complained of
	}{
		{nil, "whoami --context here", "asking socket '/nowhere/s'"},
		{nil, "whoami --socket /nowhere/other", "asking socket '/nowhere/other'"},
		{nil, "whoami --socket /nowhere/other --context here", "give one of them"},
		{nil, "whoami --context none", "there is no context 'none'"},
		{map[string]string{contextVar: "here"}, "whoami", "asking socket '/nowhere/s'"},
		{map[string]string{contextVar: "here"}, "whoami --context prod", him},
		{map[string]string{contextVar: "here", socketVar: "/nowhere/env"}, "whoami", "asking socket '/nowhere/s'"},
		{map[string]string{socketVar: "/nowhere/env"}, "whoami", "asking socket '/nowhere/env'"},
		{map[string]string{tokenVar: strings.Replace(aSecret, "0", "1", 1)}, "whoami", "Unauthorized: show a token"},
		{map[string]string{tokenVar: "hunter2"}, "whoami", "what is there is no token"},
	} {
		for _, name := range []string{socketVar, contextVar, tokenVar} {
			t.Setenv(name, c.env[name])
		}
		_, out, complaint := plain(t, strings.Fields(c.args)...)
		if said := out + complaint; !strings.Contains(said, c.want) || strings.Contains(said, "hunter2") || strings.Contains(said, aSecret[5:]) {
			t.Errorf("%v %s: Expected %q, got %q", c.env, c.args, c.want, said)
		}
	}
	alone := map[string]string{socketVar: "", contextVar: "", tokenVar: ""}
	for name, value := range alone {
		t.Setenv(name, value)
	}
	goodLine(t, "context", "use", "here")
	if code, _, complaint := plain(t, "whoami"); code != 3 || !strings.Contains(complaint, "/nowhere/s") {
		t.Errorf("Expected the other server to be asked, got %d, %s", code, complaint)
	}
	goodLine(t, "context", "remove", "here")
	if out := goodLine(t, "context", "list"); strings.Contains(out, "here") || !strings.Contains(out, "prod  no") {
		t.Errorf("Expected the other context alone, not in use, got %s", out)
	}
}

func TestATokenThatOthersMayReadIsNotUsed(t *testing.T) {
	dir := alone(t)
	url, ca := aConsole(t)
	token := filepath.Join(dir, "token")
	write(t, token, aSecret)
	goodLine(t, "context", "add", "prod", "--url", url, "--token-file", token, "--ca", ca)
	for _, mode := range []os.FileMode{0o640, 0o604} {
		if err := os.Chmod(token, mode); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"whoami"}, {"context", "add", "two", "--url", url, "--token-file", token}} {
			code, _, complaint := plain(t, args...)
			if code == 0 || !strings.Contains(complaint, "others may read '"+token+"' as well") || strings.Contains(complaint, aSecret) {
				t.Errorf("%q: Expected the file to be refused, got %d, %s", args, code, complaint)
			}
		}
	}
}

func TestContextsThatAreRefused(t *testing.T) {
	dir := alone(t)
	bad := filepath.Join(dir, "bad")
	write(t, bad, "no certificate")
	for line, want := range map[string]string{
		"add a":                                     "say whom to ask",
		"add a --url https://h --socket /s":         "say whom to ask",
		"add a --socket /s --token-file " + bad:     "a socket needs neither",
		"add a --url http://192.0.2.1":              "to this machine only",
		"add a --url https://h --ca " + bad:         "there are none in",
		"add a --url https://h --token-file none":   "no such file",
		"add a --url https://h --token-file " + bad: "what is there is no token",
		"use none":    "there is no context 'none'",
		"remove none": "there is no context 'none'",
	} {
		code, _, complaint := plain(t, append([]string{"context"}, strings.Fields(line)...)...)
		if code != 2 || !strings.Contains(complaint, want) {
			t.Errorf("%s: Expected exit code 2 and %q, got %d and %q", line, want, code, complaint)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "cdnredirect")); !os.IsNotExist(err) {
		t.Errorf("Expected no file, got %v", err)
	}
}
