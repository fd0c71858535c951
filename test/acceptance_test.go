//go:build linux

package test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// acceptance are the tests of CoreDNS that look at every plugin in its tree.
// Some are left out: TestImportOrdering, for our own imports have a block between
// Go's and CoreDNS's; TestMetricNaming, which finds no metric that promauto makes
// (TestMetricsAreWellNamed asks the same of a running server); TestLowercaseLog
// and TestImportTesting, which cannot fail.
const acceptance = "^Test(Readme|FileNameHyphen)$"

// acceptanceFiles hold them and what they need. The others test plugins that
// our program does not have.
var acceptanceFiles = []string{"doc.go", "server.go", "example_test.go", "readme_test.go", "presubmit_test.go"}

// TestCoreDNSAcceptsThePlugin runs these with our plugin in the tree: the
// README has the sections in order, each of its Corefiles starts, and no file has
// a hyphen in its name. They run in a network namespace: the Corefiles have ports
// and origins that must not be the real ones. That these tests do look at ours,
// one mistake shows.
func TestCoreDNSAcceptsThePlugin(t *testing.T) {
	t.Parallel()
	need(t, "go", "golang-go")
	ns := newNamespace(t)
	dir := copyCoreDNS(t)
	slimDown(t, dir)
	addPlugin(t, dir)
	generate(t, dir)
	onlyAcceptance(t, dir)
	place := filepath.Join(dir, "plugin", "cdnredirect")
	enterTree(t, place)
	tests, program := filepath.Join(dir, "test"), filepath.Join(dir, "acceptance")
	goRun(t, tests, editable, "test", "-c", "-trimpath", "-buildvcs=false", "-o", program, ".")
	run := func() (text string, passed bool) {
		cmd := ns.command(program, "-test.v", "-test.run", acceptance, "-test.timeout", patience.String())
		cmd.Dir = tests
		output, err := cmd.CombinedOutput()
		return string(output), err == nil
	}

	text, passed := run()
	if ran := strings.Count(text, "--- PASS: "); !passed || ran != strings.Count(acceptance, "|")+1 {
		t.Errorf("Expected all of %s to pass, got:\n%s", acceptance, text)
	}
	readme, err := os.ReadFile(filepath.Join(place, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, place, "README.md", string(readme)+"\n~~~ corefile\nexample.org {\n    cdnredirect {\n        nonsense\n    }\n}\n~~~\n")
	if text, passed = run(); passed || !strings.Contains(text, "nonsense") {
		t.Errorf("Expected a mistake in an example to be found, got:\n%s", text)
	}
}

// onlyAcceptance leaves away CoreDNS's other tests, and the READMEs of its
// plugins, of which our program has some only.
func onlyAcceptance(t *testing.T, dir string) {
	t.Helper()
	for _, pattern := range []string{"plugin/*/README.md", "test/*.go"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("Expected files like %s in CoreDNS, got %v", pattern, err)
		}
		for _, file := range files {
			if slices.Contains(acceptanceFiles, filepath.Base(file)) {
				continue
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// enterTree copies our README and sources to where those of a plugin of CoreDNS
// are. They are looked at there, and compiled from where they belong. The socket
// is to be there, too.
func enterTree(t *testing.T, place string) {
	t.Helper()
	root := repository(t)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" && name != "README.md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name == "README.md" {
			text = bytes.ReplaceAll(text, []byte("socket /run/cdnredirect"), []byte("socket "+place))
		}
		copied := filepath.Join(place, name)
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			return err
		}
		return os.WriteFile(copied, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
