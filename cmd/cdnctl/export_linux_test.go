package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// theDocuments are those of the store as apply takes them.
const theDocuments = `kind: class
name: web
ttl:
  full: 30s
---
kind: site
name: www.example.org
class: web
origins:
  - name: fra
cdns:
  - name: edge
    target: '{name}.edge.example.net'
`

func TestExport(t *testing.T) {
	out := asking(t, `objects "" ""`, "export")
	expect(t, 0, 0, out, theDocuments)

	dir := filepath.Join(t.TempDir(), "new", "dir")
	out = asking(t, `objects "" ""`, "export", dir)
	expect(t, 0, 0, out, "2 objects of revision 42 in '"+dir+"'\n")
	class, err := os.ReadFile(filepath.Join(dir, "class", "web.yaml"))
	www, wrong := os.ReadFile(filepath.Join(dir, "site", "www.example.org.yaml"))
	if got := string(class) + "---\n" + string(www); err != nil || wrong != nil || got != theDocuments {
		t.Errorf("Expected\n%s\ngot\n%s\n%v %v", theDocuments, got, err, wrong)
	}
	code, out, _, asked := applies(t, &store{empty: true}, "-f", dir, "-m", "x", "--prune")
	expect(t, code, 0, out, "0 changes: 0 new, 0 changed, 0 removed; 2 the same\n")
	if len(asked) > 0 {
		t.Errorf("Expected that nothing is to be done, got %q", asked)
	}
	code, _, complaint := changing(t, new(store), "export", dir)
	if want := "cdnctl: '" + dir + "' is not empty: what is not published any more would stay there\n"; code != 2 || complaint != want {
		t.Errorf("Expected %q, got %d and %q", want, code, complaint)
	}
}

func TestGetIsWhatApplyTakes(t *testing.T) {
	for _, form := range []string{"yaml", "json"} {
		out := asking(t, `objects "" ""`, "get", "-o", form)
		entries, err := document.Load(strings.NewReader(out), "-")
		var got strings.Builder
		for _, e := range entries {
			got.WriteString(e.Object.Text)
		}
		if want := "class web {\n    ttl 30s\n}site www.example.org class web {\n    origin fra\n    cdn edge {name}.edge.example.net\n}"; err != nil || got.String() != want {
			t.Errorf("%s: Expected the objects, got %v of\n%s\n%s", form, err, out, got.String())
		}
	}
	out := asking(t, `objects "class" ""`, "get", "class", "-o", "table")
	expect(t, 0, 0, out, `
KIND   NAME             REVISION  ADOPTED
class  web              7         no
site   www.example.org  42        yes
`)
}

// odd is a store with names that are none of files.
type odd struct {
	store
	names []string
	lines string
}

func (o *odd) Objects(context.Context, site.ObjectKind, string, api.Caller) (api.Objects, error) {
	var objects api.Objects
	for _, name := range o.names {
		objects.Objects = append(objects.Objects, api.Object{Kind: site.ObjectClass, Name: name, Text: "class \"" + name + "\" {\n" + o.lines + "}"})
	}
	return objects, nil
}

func TestExportHasAFileForEveryName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	long := strings.Repeat("x", 300)
	o := &odd{names: []string{"../../x", ".hidden", "a b", "a/b", "größe", long + "1", long + "2", "*.w", "%2E"}}
	code, _, complaint := against(t, api.Config{Engine: fake{}, Store: o, Log: silent{}}, "export", dir)
	if code != 0 {
		t.Fatal(complaint)
	}
	var got []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, wrong := d.Info(); err == nil && wrong == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("Expected that nobody else reads %s, got %s", path, info.Mode())
		}
		if !d.IsDir() && len(d.Name()) < 100 {
			got = append(got, d.Name())
		}
		return err
	})
	want := []string{"%252E.yaml", "%2E.%2F..%2Fx.yaml", "%2Ehidden.yaml", "*.w.yaml", "a%20b.yaml", "a%2Fb.yaml", "gr%C3%B6%C3%9Fe.yaml"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Expected %q, got %q, %v", want, got, err)
	}
	entries, err := document.Load(nil, dir)
	if err != nil || len(entries) != len(o.names) {
		t.Errorf("Expected %d documents, got %d, %v", len(o.names), len(entries), err)
	}
}

func TestWhatIsNoDocumentIsNamed(t *testing.T) {
	o := &odd{names: []string{"a"}, lines: "  foo\n"}
	for _, args := range []string{"export", "get -o yaml"} {
		code, _, complaint := against(t, api.Config{Engine: fake{}, Store: o, Log: silent{}}, strings.Fields(args)...)
		if code != 3 || !strings.Contains(complaint, "is no document ('-o text' shows it): text:2 - Error during parsing: unknown property 'foo'") {
			t.Errorf("%s: Expected what is wrong, got %d and %q", args, code, complaint)
		}
	}
}

// TestOfAKind has the objects of a kind be shown and deleted by their names.
func TestOfAKind(t *testing.T) {
	asking(t, `objects "site" "www.example.org"`, "site", "WWW.example.org")
	out := asking(t, `objects "class" ""`, "class")
	if !strings.HasPrefix(out, "KIND ") {
		t.Errorf("Expected a list, got %s", out)
	}
	out = asking(t, `objects "origin" "fra"`, "origin", "fra")
	if !strings.HasPrefix(out, "# revision 42\n") {
		t.Errorf("Expected a text, got %s", out)
	}
	s := &store{empty: true}
	code, out, _ := changing(t, s, "class", "delete", "web", "-m", "x", "--wait")
	expect(t, code, 0, out, "revision 43 is published: 1 change\nrevision 43 is served by ams1, fra1\n")
	want := []string{`objects "class" "web"`, "draft", "put {Base:42 Sources:[] Removed:[{Kind:class Name:web}]}", "publish {Base:0 Why:x}", "await 43 for 10s"}
	if !slices.Equal(s.asked, want) {
		t.Errorf("Expected\n%q\ngot\n%q", want, s.asked)
	}
	code, _, complaint := changing(t, new(store), "cdn", "delete", "web", "-m", "x")
	if code != 3 || !strings.HasPrefix(complaint, "cdnctl: your draft has 3 changes") {
		t.Errorf("Expected that the draft stays, got %d and %q", code, complaint)
	}
}
