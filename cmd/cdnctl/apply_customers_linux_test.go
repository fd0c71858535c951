package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// provider is a store with a class and a site of the operator's, and sites of two
// customers.
type provider struct{ store }

func (p *provider) Objects(context.Context, site.ObjectKind, string, api.Caller) (api.Objects, error) {
	of := func(kind site.ObjectKind, name, customer string) api.Object {
		return api.Object{Kind: kind, Name: name, Customer: customer, Text: string(kind) + " " + name + " {\n\tttl 30s\n}"}
	}
	return api.Objects{Revision: 42, Objects: []api.Object{
		of(site.ObjectClass, "web", ""), of(site.ObjectSite, "a.example.org", "acme"),
		of(site.ObjectSite, "b.example.org", "beta"), of(site.ObjectSite, "c.example.org", ""),
	}}, nil
}

// appliesTo runs apply against it, and returns what it was asked for besides the objects.
func appliesTo(t *testing.T, args ...string) (code int, stdout, stderr string, asked []string) {
	t.Helper()
	p := &provider{store{empty: true}}
	code, stdout, stderr = against(t, api.Config{Engine: fake{}, Store: p, Log: silent{}}, append([]string{"apply"}, args...)...)
	return code, stdout, stderr, p.asked
}

// TestExportSaysWhoseObjectsAre so that apply of it changes nothing.
func TestExportSaysWhoseObjectsAre(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	p := &provider{store{empty: true}}
	cfg := api.Config{Engine: fake{}, Store: p, Log: silent{}}
	if code, _, complaint := against(t, cfg, "export", dir); code != 0 {
		t.Fatal(complaint)
	}
	code, out, _ := against(t, cfg, "export")
	expect(t, code, 0, out, `
kind: class
name: web
ttl:
  full: 30s
---
kind: site
customer: acme
name: a.example.org
ttl:
  full: 30s
---
kind: site
customer: beta
name: b.example.org
ttl:
  full: 30s
---
kind: site
name: c.example.org
ttl:
  full: 30s
`)
	code, out, _, asked := appliesTo(t, "-f", dir, "-m", "x", "--prune")
	expect(t, code, 0, out, "0 changes: 0 new, 0 changed, 0 removed; 4 the same\n")
	if len(asked) > 0 {
		t.Errorf("Expected that nothing is to be done, got %q", asked)
	}
}

// TestApplyForCustomers changes a site of one whose document does not say so, hands over
// another one, and makes a third.
func TestApplyForCustomers(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml": "kind: site\nname: a.example.org\nttl: {full: 20s}\n",
		"b.yaml": "kind: site\nname: b.example.org\ncustomer: acme\nttl: {full: 30s}\n",
		"d.yaml": "kind: site\nname: d.example.org\ncustomer: beta\n",
	})
	code, out, complaint, asked := appliesTo(t, "-f", dir, "-m", "x")
	expect(t, code, 2, out, strings.ReplaceAll(`
--- site a.example.org (published)
+++ site a.example.org (DIR/a.yaml:1)
@@ -1,3 +1,3 @@
 site a.example.org {
-	ttl 30s
+    ttl 20s
 }
--- site b.example.org (published)
+++ site b.example.org (DIR/b.yaml:1)
-# customer beta
+# customer acme
@@ -1,3 +1,3 @@
 site b.example.org {
-	ttl 30s
+    ttl 30s
 }
--- /dev/null
+++ site d.example.org (DIR/d.yaml:1)
+# customer beta
@@ -0,0 +1,2 @@
+site d.example.org {
+}
3 changes: 1 new, 2 changed, 0 removed; 0 the same
2 published objects in no file, and stay: --prune removes them
revision 43 is published: 3 changes
`, "DIR", dir))
	want := []string{
		"draft",
		"put {Base:42 Sources:[{Name:apply Text:site a.example.org {\n    ttl 20s\n}\nsite b.example.org {\n    ttl 30s\n}\n Customer:acme} {Name:apply Text:site d.example.org {\n}\n Customer:beta}] Removed:[]}",
		"publish {Base:0 Why:x}",
	}
	if complaint != "" || !slices.Equal(asked, want) {
		t.Errorf("Expected\n%q\ngot\n%q and %q", want, asked, complaint)
	}
}

// TestApplyPrunesWhatIsNobodyElses has an operator's prune leave what customers have put
// there.
func TestApplyPrunesWhatIsNobodyElses(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": webYAML})
	code, out, _, asked := appliesTo(t, "-f", dir, "-m", "x", "--prune")
	expect(t, code, 2, out, `
--- site c.example.org (published)
+++ /dev/null
@@ -1,3 +0,0 @@
-site c.example.org {
-	ttl 30s
-}
1 change: 0 new, 0 changed, 1 removed; 1 the same
2 published objects of customers in no file, and stay: they are not yours to prune
revision 43 is published: 1 change
`)
	want := []string{"draft", "put {Base:42 Sources:[] Removed:[{Kind:site Name:c.example.org}]}", "publish {Base:0 Why:x}"}
	if !slices.Equal(asked, want) {
		t.Errorf("Expected\n%q\ngot\n%q", want, asked)
	}
}
