package onboard_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestTheFolderOfModules is that of the nginx that runs, also for a site that is tried out.
func TestTheFolderOfModules(t *testing.T) {
	need(t, "nginx", "nginx-light")
	dir := nodeFolder(t)
	write(t, dir, "nginx.conf", "load_module modules/none.so;\nevents {}\n")
	said, err := exec.Command("nginx", "-t", "-c", filepath.Join(dir, "nginx.conf")).CombinedOutput()
	want := regexp.MustCompile(`"[^"]+/modules/none.so"`).FindString(string(said))
	if err == nil || want == "" {
		t.Fatalf("Expected nginx to miss its module, got %v, %s", err, said)
	}
	n := &node{dir: dir, command: deployment(t, site.DeployNginx, dir)}
	for _, what := range []string{"check", "apply", "undo"} {
		if code, said := n.deploy(t, what, "www.example.org", ""); code != 75 || !strings.Contains(said, want) {
			t.Errorf("%s: Expected 75, and %s to be missed, got %d: %s", what, want, code, said)
		}
	}
}

// TestSitesElsewhere are those of a folder that is a link: what is only tried out is not
// written there.
func TestSitesElsewhere(t *testing.T) {
	n := startNginx(t)
	elsewhere := nodeFolder(t)
	must(t, os.Symlink(elsewhere, filepath.Join(n.dir, "sites")))
	at, _ := origin(t, "origin")
	for _, text := range []string{"", "nonsense;"} {
		want := map[string]int{"": 0, "nonsense;": 1}[text]
		if code, said := n.deploy(t, "check", "www.example.org", text); code != want {
			t.Errorf("%q: Expected %d, got %d: %s", text, want, code, said)
		}
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("Expected nothing of a site that was tried out, got %v, %v", left, err)
	}
	www := requestOf(t, at, "www.example.org")
	for range 2 {
		_, err := n.provider.Create(context.Background(), www)
		must(t, err)
	}
	n.await(t, "www.example.org", "/", "origin: www.example.org/")
	if code, said := n.deploy(t, "check", "www.example.org", "nonsense;"); code != 1 {
		t.Errorf("Expected a change to be refused, got %d: %s", code, said)
	}
	if text, err := os.ReadFile(filepath.Join(elsewhere, "www.example.org.conf")); err != nil || !strings.HasPrefix(string(text), "# site www.example.org") {
		t.Errorf("Expected the site as it was, got %q, %v", text, err)
	}
	_, err := n.provider.Remove(context.Background(), www)
	must(t, err)
	n.await(t, "www.example.org", "/", "no answer")
}

// TestNoKeyIsCopied to try a site out.
func TestNoKeyIsCopied(t *testing.T) {
	need(t, "flock", "util-linux")
	dir, temporary, programs := t.TempDir(), t.TempDir(), t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "certificates"), 0o700))
	write(t, filepath.Join(dir, "certificates"), "www.example.org.key", "PRIVATE KEY\n")
	write(t, dir, ".key", "PRIVATE KEY\n")
	write(t, programs, "nginx", "#!/bin/sh\n! grep -r 'PRIVATE KEY' "+temporary+"\ngrep -q PRIVATE ${4%nginx.conf}certificates/www.example.org.key ${4%nginx.conf}.key\n")
	must(t, os.Chmod(filepath.Join(programs, "nginx"), 0o755))
	t.Setenv("TMPDIR", temporary)
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	n := &node{dir: dir, command: deployment(t, site.DeployNginx, dir)}
	if code, said := n.deploy(t, "check", "www.example.org", ""); code != 0 || said != "" {
		t.Errorf("Expected nginx to read the keys where they are, got %d: %s", code, said)
	}
}
