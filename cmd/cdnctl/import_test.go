package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// imported runs one command line, for which there is no server.
func imported(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"import"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

// place writes files below a new folder.
func place(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A configuration of gdnsd in several files.
var gdnsdFolder = map[string]string{
	"config":               "options => { listen => any }\n$include{more.d}\n$include{*.cfg}\nplugins => $include{plugins}\n",
	"more.d/.hidden":       "}",
	"more.d/services":      "service_types => { web => { plugin => tcp_connect port => 80 down_thresh => 3 up_thresh => 1 } }",
	"none.cfg":             "",
	"plugins":              "multifo => { r => { service_types => web a => 192.0.2.1 } bare => 192.0.2.2 }",
	"zones/example.org":    "www 60 DYNA multifo!r ; caf\xe9, which is no UTF-8\n",
	"zones/.example.net":   "(",
	"zones/old/example.eu": "(",
}

const gdnsdBlocks = `class r {
    origin 192.0.2.1
    probe tcp {origin}:80 every 10s timeout 5s
    threshold error_ratio 100%
    failback_delay 10s
    damping off
    cdn later later.invalid
    ready none
    divert none
}

site www.example.org class r {
    ttl 60s min 30s
}
`

// TestImportExitCodes has 2 say that something was lost, 1 that there is no output,
// and 0 that all is there.
func TestImportExitCodes(t *testing.T) {
	dir := place(t, gdnsdFolder)
	lost := dir + "/plugins:1: no DYNA or DYNC record leads to multifo!bare\n"
	stays := dir + "/config:1: option 'listen' is of the server, and no part of a site\n"
	if code, stdout, stderr := imported(t, "gdnsd", dir); code != 2 || stderr != stays+lost || stdout != "# "+stays+"# "+lost+"\n"+gdnsdBlocks {
		t.Errorf("Expected 2, the blocks and two notes, got %d, %s\n%s", code, stdout, stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "zones/example.org"), []byte("www 60 DYNA multifo!r\nbare 60 DYNA multifo!bare\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.conf")
	if code, stdout, stderr := imported(t, "gdnsd", dir+"/config", dir+"/zones/example.org", "--probe", "icmp {origin}", "--cdn", "big www.big.example", "-o", out); code != 0 || stderr != stays || stdout != "" {
		t.Errorf("Expected 0, one note and nothing more, got %d, %s\n%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(text), "\n    probe icmp {origin}\n") || !strings.Contains(string(text), "\n    cdn big www.big.example\n") {
		t.Errorf("Expected blocks with the probe and the CDN in a file, got %v\n%s", err, text)
	}
}

// TestImportZone has the flags of zone files.
func TestImportZone(t *testing.T) {
	dir := place(t, map[string]string{"forward": "www 60 A 192.0.2.1\nshop 60 CNAME shop.big.example.\nblog 60 A 192.0.2.2\n"})
	const want = `# FILE: other records stay in the zone: A 1

class imported {
    probe tcp {origin}:80
    threshold error_ratio 100%
    cdn later later.invalid
    ready none
    divert none
}

site www.example.org class imported {
    origin 192.0.2.1
    ttl 60s
}

class imported-cdn {
    probe tcp {origin}:80
    threshold error_ratio 100%
}

site shop.example.org class imported-cdn {
    origin 192.0.2.20 2001:db8::20
    cdn big shop.big.example
    ttl 60s
}
`
	code, stdout, stderr := imported(t, "zone", dir+"/forward", "--zone", "example.org", "--name", "www.*", "--name", "shop.example.org", "--origin", "192.0.2.20,2001:db8::20", "--origin", "192.0.2.20", "--probe", "tcp {origin}:80")
	if got := strings.ReplaceAll(stdout, dir+"/forward:", "FILE:"); code != 0 || got != want || stderr != dir+"/forward: other records stay in the zone: A 1\n" {
		t.Errorf("Expected 0, a note and the blocks, got %d, %s\n%s", code, stderr, got)
	}
}

// TestImportGSLB has a Corefile and a file of records.
func TestImportGSLB(t *testing.T) {
	const record = ":\n    mode: random\n    backends: [ { address: 192.0.2.1, healthchecks: [ { type: tcp } ] } ]\n"
	dir := place(t, map[string]string{"Corefile": ". {\n gslb {\n  zones {\n   example.org. one.yml\n  }\n }\n}\n", "one.yml": "records:\n  www.example.org." + record, "two.yaml": "records:\n  shop.example.org." + record})
	code, stdout, stderr := imported(t, "coredns-gslb", dir+"/Corefile", dir+"/two.yaml", "--cdn", "big www.big.example")
	const rest = " {\n    origin 192.0.2.1\n    probe tcp {origin}:80 every 10s timeout 5s\n    threshold error_ratio 100%\n    failback_delay 0s\n    damping off\n    cdn big www.big.example\n    ttl 30s\n}\n"
	if want := "site www.example.org" + rest + "\nsite shop.example.org" + rest; code != 0 || stdout != want || stderr != "" {
		t.Errorf("Expected 0 and two sites, got %d, %s\n%s", code, stderr, stdout)
	}
}

// importFailures are command lines without output, and what is said of them.
var importFailures = []struct {
	args []string
	want string
}{
	{[]string{"gdnsd"}, "cdnctl: requires at least 1 arg(s), only received 0\n"},
	{[]string{"gdnsd", "DIR", "--no"}, "cdnctl: unknown flag: --no\n"},
	{[]string{"bind", "DIR"}, "cdnctl: unknown command \"bind\" for \"cdnctl import\"\n"},
	{[]string{"gdnsd", "DIR/none"}, "cdnctl: reading 'DIR/none': open DIR/none: no such file or directory\n"},
	{[]string{"gdnsd", "DIR/zones/old"}, "cdnctl: reading 'DIR/zones/old/config': open DIR/zones/old/config: no such file or directory\n"},
	{[]string{"gdnsd", "DIR/config", "DIR/zones/old/example.eu"}, "cdnctl: DIR/zones/old/example.eu:1: ')' is missing\n"},
	{[]string{"gdnsd", "DIR", "--probe", "tcp"}, "cdnctl: --probe 'tcp': write two words at least\n"},
	{[]string{"coredns-gslb"}, "cdnctl: requires at least 1 arg(s), only received 0\n"},
	{[]string{"coredns-gslb", "DIR/config"}, "cdnctl: 'DIR/config' has no gslb block, and is no .yml file\n"},
	{[]string{"zone"}, "cdnctl: requires at least 1 arg(s), only received 0\n"},
	{[]string{"zone", "DIR/zones/old/example.eu"}, "cdnctl: DIR/zones/old/example.eu:1: unbalanced brace: \"unbalanced brace\"\n"},
	{[]string{"zone", "DIR/config", "--origin", "www"}, "cdnctl: --origin: 'www' is not an IPv4 or IPv6 address\n"},
	{[]string{"zone", "DIR/config", "--name", "[a"}, "cdnctl: --name '[a': syntax error in pattern\n"},
	{[]string{"gdnsd", "DIR", "-o", "DIR"}, "cdnctl: writing the blocks: open DIR: is a directory\n"},
}

func TestImportFailures(t *testing.T) {
	dir := place(t, gdnsdFolder)
	for _, tc := range importFailures {
		var args []string
		for _, arg := range tc.args {
			args = append(args, strings.ReplaceAll(arg, "DIR", dir))
		}
		code, stdout, stderr := imported(t, args...)
		if got := strings.ReplaceAll(stderr, dir, "DIR"); code != 1 || stdout != "" || got != tc.want {
			t.Errorf("%q: Expected 1 and %q, got %d and %q, %q", tc.args, tc.want, code, got, stdout)
		}
	}
}

// TestImportHelp has the help say what the codes are.
func TestImportHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"gdnsd", "--help"}} {
		if code, stdout, _ := imported(t, args...); code != 0 || !strings.Contains(stdout, "0 all was taken; 2 something was not; 1 there is no\noutput") {
			t.Errorf("%q: Expected the exit codes in the help, got %d, %s", args, code, stdout)
		}
	}
}
