package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/cdnredirect/cdnredirect"

// levels are the rooms of the house, from the bottom up. A package imports
// those of lower levels only; "" is the root package.
var levels = [][]string{
	{"internal/site"},
	{"internal/corefile", "internal/control", "internal/route", "internal/usage", "health"},
	{"internal/corefile/document"},
	{"internal/corefile/foreign"},
	{"internal/billing", "plugin", "internal/redirect"},
	{"internal/store"},
	{"internal/provision"},
	{"internal/api", "internal/console"},
	{"internal/engine"},
	{""},
	{"cmd/coredns", "cmd/cdnctl", "bench"},
}

// noDNSServer are the rooms that must not know CoreDNS.
var noDNSServer = []string{
	"internal/site", "internal/corefile", "internal/corefile/document", "internal/control", "internal/route", "internal/billing", "health", "cmd/cdnctl",
}

// TestImportsGoDown holds the table of rooms in docs/design.md. Tests may
// import what they like.
func TestImportsGoDown(t *testing.T) {
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "test" || d.Name() == "build") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			checkImports(t, root, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, root, path string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	own := level(t, filepath.ToSlash(strings.TrimPrefix(folder, ".")))
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if rest, ours := strings.CutPrefix(name+"/", module+"/"); ours && level(t, strings.TrimSuffix(rest, "/")) >= own {
			t.Errorf("%s imports %s, which is not below it", path, name)
		}
		if strings.HasPrefix(name, "github.com/coredns/coredns") && slices.Contains(noDNSServer, filepath.ToSlash(folder)) {
			t.Errorf("%s imports %s, but must not know CoreDNS", path, name)
		}
	}
}

// level returns how high a package of ours stands, with its folder or the nearest one above
// it.
func level(t *testing.T, folder string) int {
	t.Helper()
	found, of := -1, ""
	for i, rooms := range levels {
		for _, room := range rooms {
			if (folder == room || room != "" && strings.HasPrefix(folder, room+"/")) && len(room) >= len(of) {
				found, of = i, room
			}
		}
	}
	if found < 0 {
		t.Fatalf("folder %q is no room of the house: docs/design.md and this test list them", folder)
	}
	return found
}
