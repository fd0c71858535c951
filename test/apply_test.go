//go:build linux

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// promisedApplied is within which time as many sites as numerous says are applied.
const promisedApplied = 60 * time.Second

// TestApplyManySites has files with very many sites be the configuration, and what is
// exported of it change nothing.
func TestApplyManySites(t *testing.T) {
	t.Parallel()
	web := startOrigin(t)
	s := spec{corefile: stored([]string{site, lenient}), vars: withStore(t, at(web))}.start(t)
	await(t, patience, atOrigin, s.answer)
	dir := filepath.Join(folder(t), "sites")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "class.yaml", fmt.Sprintf(`kind: class
name: numerous
hosts: [www.example.org]
cdns: [{name: example, target: %s}]
ready: {level: none}
probes: [{kind: http, target: "http://127.0.0.1:%s/", every: 60s}]
thresholds: [{signal: response_time, limit: 4s}]
`, target, web.port))
	writeSites(t, dir, numerous())

	begin := time.Now()
	s.as(t, "alice", "apply", "-f", dir, "-m", "many").expect(t, 2, fmt.Sprintf("%d changes: %[1]d new, 0 changed, 0 removed", numerous()+1), "revision 1 is published")
	took := time.Since(begin)
	t.Logf("%d sites are applied after %s", numerous(), took)
	if took > promisedApplied {
		t.Errorf("Expected them to be applied within %s, got %s", promisedApplied, took)
	}
	await(t, patience, "A 127.0.0.2", s.of(fmt.Sprintf("s%06d", numerous()-1)))
	s.expectSome(t, "A 127.0.0.2")
	s.as(t, "bob", "apply", "-f", dir, "-m", "again").expect(t, 0, fmt.Sprintf("0 removed; %d the same", numerous()+1))

	write(t, dir, "one.yaml", "kind: site\nname: one.example.org\nclass: numerous\norigins: [{address: [127.0.0.3]}]\n")
	s.as(t, "bob", "apply", "-f", dir, "--dry-run").expect(t, 2, "1 new, 0 changed")
	s.as(t, "bob", "apply", "-f", dir, "-m", "one more", "--wait").expect(t, 2, "revision 2 is served by one")
	if got := s.of("one")(); got != "A 127.0.0.3" {
		t.Errorf("Expected the new site as soon as it is served, got %q", got)
	}

	exported := filepath.Join(folder(t), "exported")
	s.ctl(t, "export", exported).expect(t, 0, "of revision 2")
	s.as(t, "bob", "apply", "-f", exported, "--prune", "-m", "the same").expect(t, 0)
	s.ctl(t, "check", s.conf, exported).expect(t, 0, fmt.Sprintf("1 site of a Corefile and %d objects in files are good", numerous()+2))
	s.as(t, "bob", "apply", "-f", filepath.Join(exported, "class"), "--prune", "-m", "all gone", "--wait", "--timeout", "1m").expect(t, 1, "holds revision 3 back")
	s.expectSome(t, "A 127.0.0.2")
}

// writeSites writes documents of sites, a thousand in a file.
func writeSites(t *testing.T, dir string, sites int) {
	t.Helper()
	const inFile = 1000
	for first := 0; first < sites; first += inFile {
		var text strings.Builder
		for i := first; i < min(first+inFile, sites); i++ {
			fmt.Fprintf(&text, "kind: site\nname: s%06d.example.org\nclass: numerous\norigins: [{address: [127.0.0.2]}]\n---\n", i)
		}
		write(t, dir, fmt.Sprintf("sites%03d.yaml", first/inFile), text.String())
	}
}
