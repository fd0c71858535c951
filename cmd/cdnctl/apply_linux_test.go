package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// The published objects as documents.
const (
	webYAML = "kind: class\nname: web\nttl: {full: 30s}\n"
	wwwYAML = "kind: site\nname: www.example.org\nclass: web\norigins:\n  - name: fra\ncdns:\n  - {name: edge, target: \"{name}.edge.example.net\"}\n"
)

// folder writes files, and returns their directory.
func folder(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

// applies runs apply against a store whose draft is empty, and returns what it was asked
// for besides the objects.
func applies(t *testing.T, s *store, args ...string) (code int, stdout, stderr string, asked []string) {
	t.Helper()
	code, stdout, stderr = changing(t, s, append([]string{"apply"}, args...)...)
	if len(s.asked) == 0 || s.asked[0] != `objects "" ""` {
		return code, stdout, stderr, s.asked
	}
	return code, stdout, stderr, s.asked[1:]
}

func TestApplyOfWhatIsPublishedDoesNothing(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": webYAML, "b.yaml": wwwYAML})
	code, out, complaint, asked := applies(t, &store{empty: true}, "-f", dir, "-m", "x", "--prune")
	expect(t, code, 0, out, "0 changes: 0 new, 0 changed, 0 removed; 2 the same\n")
	if complaint != "" || len(asked) > 0 {
		t.Errorf("Expected nothing to be asked for, got %q and %q", asked, complaint)
	}
}

func TestApplyPublishesWhatDiffers(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml": strings.Replace(wwwYAML, "fra", "ams", 1),
		"b.conf": "# the CDN\ncdn edge {\n\toperated own # it is ours\n}\n",
	})
	want := `
--- /dev/null
+++ cdn edge (DIR/b.conf:2)
@@ -0,0 +1,3 @@
+cdn edge {
+	operated own # it is ours
+}
--- site www.example.org (published)
+++ site www.example.org (DIR/a.yaml:1)
@@ -1,4 +1,4 @@
 site www.example.org class web {
-	origin fra
-	cdn edge {name}.edge.example.net
+    origin ams
+    cdn edge {name}.edge.example.net
 }
2 changes: 1 new, 1 changed, 0 removed; 0 the same
1 published object in no file, and stays: --prune removes them
`
	want = strings.TrimPrefix(strings.ReplaceAll(want, "DIR", dir), "\n")
	code, out, _, asked := applies(t, &store{empty: true}, "-f", dir, "--dry-run")
	expect(t, code, 2, out, want)
	if len(asked) != 1 || !strings.HasPrefix(asked[0], "check {Base:42 Sources:[{Name:apply Text:cdn edge {") {
		t.Errorf("Expected the server to be asked what would be wrong, got %q", asked)
	}

	code, out, _, asked = applies(t, &store{empty: true}, "-f", dir, "-m", "new origin", "--wait")
	expect(t, code, 2, out, want+"revision 43 is published: 2 changes\nrevision 43 is served by ams1, fra1\n")
	wanted := []string{
		"draft",
		"put {Base:42 Sources:[{Name:apply Text:cdn edge {\n\toperated own # it is ours\n}\nsite www.example.org class web {\n    origin ams\n    cdn edge {name}.edge.example.net\n}\n Customer:}] Removed:[]}",
		"publish {Base:0 Why:new origin}", "await 43 for 10s",
	}
	if !slices.Equal(asked, wanted) {
		t.Errorf("Expected\n%q\ngot\n%q", wanted, asked)
	}
}

func TestApplyPrunes(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": `{"kind": "class", "name": "web", "ttl": {"full": "20s"}}`})
	code, out, _, asked := applies(t, &store{empty: true}, "-f", filepath.Join(dir, "a.json"), "-m", "x", "--prune")
	if code != 2 || !strings.Contains(out, "2 changes: 0 new, 1 changed, 1 removed; 0 the same\nrevision 43") || !strings.Contains(out, "+++ /dev/null\n") {
		t.Errorf("Expected a site to be removed, got %d and\n%s", code, out)
	}
	want := []string{"draft", "put {Base:42 Sources:[{Name:apply Text:class web {\n    ttl 20s\n}\n Customer:}] Removed:[{Kind:site Name:www.example.org}]}", "publish {Base:0 Why:x}"}
	if !slices.Equal(asked, want) {
		t.Errorf("Expected\n%q\ngot\n%q", want, asked)
	}
}

func TestApplyForPrograms(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": "kind: class\nname: web\n"})
	code, out, complaint, asked := applies(t, &store{empty: true}, "-f", dir, "-m", "x", "-o", "json", "--wait")
	if complaint != "revision 43 is served by ams1, fra1\n" || asked[len(asked)-1] != "await 43 for 10s" {
		t.Errorf("Expected to hear of the servers beside the output, got %q and %q", complaint, asked)
	}
	var got applied
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 2 || got.Base != 42 || got.Revision != 43 || got.Others != 1 || len(got.Changes) != 1 || got.Changes[0].After != "class web {\n}" {
		t.Errorf("Expected the changes, got %d, %v: %s", code, err, out)
	}
	code, out, _, _ = applies(t, &store{empty: true}, "-f", dir, "--dry-run", "-o", "yaml")
	expect(t, code, 2, out, `
base: 42
changes:
  - kind: class
    name: web
    before: |-
      class web {
      	ttl 30s
      }
    after: |-
      class web {
      }
others: 1
`)
}

func TestApplyLeavesADraftAlone(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": "kind: class\nname: web\n"})
	code, _, complaint, asked := applies(t, new(store), "-f", dir, "-m", "x")
	want := "cdnctl: your draft has 3 changes that would be published, too: see them by 'cdnctl draft', and publish them or forget them by 'cdnctl draft drop'\n"
	if code != 1 || complaint != want || !slices.Equal(asked, []string{"draft"}) {
		t.Errorf("Expected exit code 1 and %q, got %d, %q and %q", want, code, complaint, asked)
	}
}

// refusing is a store that refuses what is put.
type refusing struct {
	store
	faults error
}

func (r *refusing) Check(ctx context.Context, texts api.DraftTexts, by api.Caller) (api.Checked, error) {
	checked, _ := r.store.Check(ctx, api.DraftTexts{}, by)
	return checked, r.faults
}

func (r *refusing) PutDraft(ctx context.Context, texts api.DraftTexts, by api.Caller) (api.Put, error) {
	put, _ := r.store.PutDraft(ctx, api.DraftTexts{}, by)
	return put, r.faults
}

func TestApplySaysInWhichFileIsWhatTheServerRefuses(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml": "# two\n" + wwwYAML + "thresholds:\n  - {signal: response_time, limit: 5s}\n---\n" + "kind: class\nname: web\n",
		"b.conf": "\n\nsite b.example.org {\n  origin fra\n}\n",
	})
	r := &refusing{store: store{empty: true}, faults: api.Faults{
		errors.New("store/site/www.example.org@0:4 - Error during parsing: limit 5s is not below"),
		errors.New("store/site/b.example.org@0:2 - Error during parsing: unknown origin 'fra'"),
		errors.New("store/site/c.example.org@3:2 - Error during parsing: bad"),
		errors.New("all is bad"),
	}}
	code, _, complaint := against(t, api.Config{Engine: fake{}, Store: r, Log: silent{}}, "apply", "-f", dir, "-m", "x")
	want := strings.ReplaceAll(`cdnctl: Bad Request: several things are wrong
  DIR/a.yaml:2: site 'www.example.org': thresholds[0]: limit 5s is not below
  DIR/b.conf:4: unknown origin 'fra'
  store/site/c.example.org@3:2 - Error during parsing: bad
  all is bad
`, "DIR", dir)
	if code != 1 || complaint != want {
		t.Errorf("Expected exit code 1 and\n%s\ngot %d and\n%s", want, code, complaint)
	}
	dry := &refusing{store: store{empty: true}, faults: r.faults}
	code, out, complaint := against(t, api.Config{Engine: fake{}, Store: dry, Log: silent{}}, "apply", "-f", dir, "--dry-run")
	if code != 1 || complaint != want || !strings.Contains(out, "+site b.example.org {") || !slices.Equal(dry.asked, []string{`objects "" ""`, "check {Base:0 Sources:[] Removed:[]}"}) {
		t.Errorf("Expected the diff, exit code 1 and\n%s\ngot %d, %q, %q and\n%s", want, code, dry.asked, out, complaint)
	}
	user := strings.TrimPrefix(r.asked[len(r.asked)-1], "drop by ")
	if user == "" || len(r.asked) != 4 {
		t.Errorf("Expected the draft to be dropped, got %q", r.asked)
	}
}

// TestApplyIsWrong has exit code 1 for whatever is wrong.
func TestApplyIsWrong(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": webYAML, "b.yaml": "kind: site\nname: x..y\nttl: {full: 3}\n", "e.json": "[]"})
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct{ args, want string }{
		{"", "say why with -m TEXT"},
		{"-m x", "say what to apply with -f DIR, -f FILE or -f -"},
		{"-m x -f", "flag needs an argument"},
		{"-m x -f none", "none: no such file or directory"},
		{"-m x x", "1 argument too many: 'x'"},
		{"--dry-run -f " + file("e.json"), "there is no document in '" + file("e.json") + "'"},
		{"--prune --dry-run -f " + file("e.json"), "there is no document in"},
		{"--dry-run -f " + dir + " -f " + file("a.yaml"), file("b.yaml") + ":2: site 'x..y': name: 'x..y' is not a domain name"},
		{"--dry-run -f " + dir, file("b.yaml") + ":3: site 'x..y': ttl.full: invalid duration '3'"},
		{"--dry-run -o table -f " + file("a.yaml"), "unknown output 'table': write text or json or yaml"},
		{"-m x --wait --timeout 0s -f " + file("a.yaml"), "--timeout 0s is not a time above 0"},
	} {
		s := &store{empty: true}
		code, _, complaint, asked := applies(t, s, strings.Fields(c.args)...)
		if code != 1 || !strings.Contains(complaint, c.want) || asked != nil {
			t.Errorf("%s: Expected exit code 1 and %q, got %d, %q and %q", c.args, c.want, code, complaint, asked)
		}
	}
	s := &store{empty: true, err: fmt.Errorf("doing: %w", api.ErrUnavailable)}
	code, _, complaint, _ := applies(t, s, "-m", "x", "-f", file("a.yaml"))
	if want := "cdnctl: Service Unavailable: doing: the store is away\n"; code != 1 || complaint != want {
		t.Errorf("Expected exit code 1 and %q, got %d and %q", want, code, complaint)
	}
}

// TestApplyOfManyIsPutInParts has more texts than a request may hold.
func TestApplyOfManyIsPutInParts(t *testing.T) {
	p := new(plan)
	for i := range 5 {
		p.changes = append(p.changes, api.Change{Kind: "site", Name: fmt.Sprint(i), Before: "gone"}, api.Change{After: strings.Repeat("\t", 10<<20)}) // two octets each in JSON
	}
	var got []string
	for part := range p.parts() {
		got = append(got, fmt.Sprint(len(part.Removed), " ", len(part.Sources[0].Text)>>20))
	}
	if !slices.Equal(got, []string{"5 30", "0 20"}) {
		t.Errorf("Expected two parts, the first with what goes, got %q", got)
	}
	if part := slices.Collect((&plan{changes: p.changes[:1]}).parts()); len(part) != 1 || part[0].Sources != nil || part[0].Removed[0] != (api.Named{Kind: "site", Name: "0"}) {
		t.Errorf("Expected a part with nothing but what goes, got %v", part)
	}
}

// TestApplyReadsTheStandardInput has all forms of it.
func TestApplyReadsTheStandardInput(t *testing.T) {
	for _, text := range []string{webYAML, "[" + `{"kind": "class", "name": "web", "ttl": {"full": "30s"}}` + "]", "# web\nclass web {\n\tttl 30s\n}"} {
		path := filepath.Join(t.TempDir(), "in")
		write(t, path, text)
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		old := os.Stdin
		os.Stdin = file
		code, out, complaint, _ := applies(t, &store{empty: true}, "-f", "-", "--dry-run")
		os.Stdin = old
		file.Close()
		expect(t, code, 0, out, "0 changes: 0 new, 0 changed, 0 removed; 1 the same\n1 published object in no file, and stays: --prune removes them\n")
		if complaint != "" {
			t.Errorf("Expected no complaint, got %q", complaint)
		}
	}
}

// TestADryRunOfTooMuchSaysSo without asking the server.
func TestADryRunOfTooMuchSaysSo(t *testing.T) {
	var p plan
	for range 2 {
		p.changes = append(p.changes, api.Change{After: strings.Repeat("x", api.MaxDraft*3/4)})
	}
	err := check(t.Context(), nil, &p)
	want := "these changes are more than the 64 MiB that the server checks at once: what it would say of them is not known"
	if err == nil || err.Error() != want {
		t.Errorf("Expected %q, got %v", want, err)
	}
}
