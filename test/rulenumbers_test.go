package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// lastRule is the number of rules of DNS that an answer must hold.
const lastRule = 38

var numbered = regexp.MustCompile(`^TestRule(\d\d)[A-Z]`)

// TestEveryRuleHasATest looks for a test with each number, whatever package it
// is in.
func TestEveryRuleHasATest(t *testing.T) {
	found := make(map[int][]string)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "build") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") {
			return collectRules(t, path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= lastRule; n++ {
		if len(found[n]) == 0 {
			t.Errorf("Expected a test named TestRule%02d", n)
		}
		delete(found, n)
	}
	for n, names := range found {
		t.Errorf("Expected rules from 1 to %d, got %d in %v", lastRule, n, names)
	}
}

// collectRules adds the numbered tests of a file.
func collectRules(t *testing.T, path string, found map[int][]string) error {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "TestRule") {
			continue
		}
		parts := numbered.FindStringSubmatch(f.Name.Name)
		if parts == nil {
			t.Errorf("%s: expected two digits and a word behind TestRule, got %s", path, f.Name.Name)
			continue
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return err
		}
		found[n] = append(found[n], f.Name.Name)
	}
	return nil
}
