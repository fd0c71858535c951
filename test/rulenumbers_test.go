package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// documentedRule is a row of the table of rules.
var documentedRule = regexp.MustCompile(`(?m)^\| (\d+) \| `)

// documentedRules returns the numbers of docs/dns-rules.md, which count from 1.
func documentedRules(t *testing.T) []int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "dns-rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, row := range documentedRule.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.Atoi(row[1])
		if err != nil || n != len(numbers)+1 {
			t.Fatalf("Expected the rule %d in docs/dns-rules.md, got %s", len(numbers)+1, row[1])
		}
		numbers = append(numbers, n)
	}
	if len(numbers) != 38 {
		t.Fatalf("Expected 38 rules in docs/dns-rules.md, got %d", len(numbers))
	}
	return numbers
}

var numbered = regexp.MustCompile(`^TestRule(\d\d)[A-Z]`)

// TestEveryRuleHasATest looks for a test with each number, whatever package it
// is in, and for no others.
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
	for _, n := range documentedRules(t) {
		if len(found[n]) == 0 {
			t.Errorf("Expected a test named TestRule%02d", n)
		}
		delete(found, n)
	}
	for n, names := range found {
		t.Errorf("Expected no rule %d, which docs/dns-rules.md does not have: %v", n, names)
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
