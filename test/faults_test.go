package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	faultRow  = regexp.MustCompile(`(?m)^\| (F\d+) \|.*\| (.+) \|$`)
	namedTest = regexp.MustCompile("`(Test\\w+)`")
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	fuzzFunc  = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)
	faultTest = regexp.MustCompile(`^Test(F\d+)[A-Z]`)
)

// faults are those that docs/faults.md must have.
var faults = strings.Fields("F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23 F24 F25 F26 F27 F28 F29 F30 F31 F32 F33 F34 F35 F36 F37 F38 F41 F42 F43 F44 F47 F51 F53")

// TestEveryFaultHasATest looks for the tests that docs/faults.md names, and for
// faults in the names of tests that it does not.
func TestEveryFaultHasATest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	existing := declared(t, testFunc)
	var rows []string
	for _, row := range faultRow.FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, row[1])
		named := namedTest.FindAllStringSubmatch(row[2], -1)
		for _, name := range named {
			if !slices.Contains(existing, name[1]) {
				t.Errorf("%s: Expected the test %s of docs/faults.md", row[1], name[1])
			}
		}
		if len(named) == 0 {
			t.Errorf("Expected a test of %s in docs/faults.md", row[1])
		}
	}
	if !slices.Equal(rows, faults) {
		t.Errorf("Expected the faults %v in docs/faults.md, got %v", faults, rows)
	}
	for _, name := range existing {
		if fault := faultTest.FindStringSubmatch(name); fault != nil && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("Expected %s in docs/faults.md", name)
		}
	}
}

// TestEveryFuzzTargetIsRun looks for them in the Makefile.
func TestEveryFuzzTargetIsRun(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join("..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := declared(t, fuzzFunc)
	for _, target := range targets {
		if !strings.Contains(string(makefile), " -fuzz "+target+" ") {
			t.Errorf("Expected %s in the Makefile", target)
		}
	}
	if len(targets) == 0 {
		t.Error("Expected fuzz targets")
	}
}

// declared returns what a pattern finds in all files of tests.
func declared(t *testing.T, pattern *regexp.Regexp) (names []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range pattern.FindAllSubmatch(text, -1) {
			names = append(names, string(found[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
