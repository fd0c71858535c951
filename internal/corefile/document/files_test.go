package document_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestFilesHoldDocuments has documents become YAML and JSON, and the same objects again.
func TestFilesHoldDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDocument(t)
		want, err := document.Object(doc)
		if err != nil {
			t.Fatal(err)
		}
		var asYAML bytes.Buffer
		if err := document.WriteYAML(&asYAML, doc); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal([]document.Document{doc})
		if err != nil {
			t.Fatal(err)
		}
		if one, err := document.ParseJSON(asJSON[1 : len(asJSON)-1]); err != nil || !reflect.DeepEqual(tidy(one), tidy(doc)) {
			t.Fatalf("Expected of\n%s\n%+v\ngot %+v, %v", asJSON, doc, one, err)
		}
		for _, text := range []string{asYAML.String(), string(asJSON)} {
			entries, err := document.Load(strings.NewReader(text), "-")
			if err != nil || len(entries) != 1 || entries[0].Object != want {
				t.Fatalf("Expected of\n%s\n%+v\ngot %+v, %v", text, want, entries, err)
			}
		}
	})
}

func TestADocumentOfTheDesign(t *testing.T) {
	text := `
kind: site
name: www.example.org
names: [example.org]
customer: acme
class: web
hosts: [www.example.org]
origins:
  - address: [192.0.2.10, 2001:db8::10]
  - {name: fra, priority: 1}
cdns:
  - {name: edge, target: "{name}.edge.example.net", priority: 1}
probes:
  - {kind: http, target: "http://{origin}:80/healthz", every: 10s, timeout: 4s, tls_verify: false}
thresholds:
  - {signal: response_time, limit: 300ms, recover: 240ms, no_data: {action: stay, after: 5m}}
  - {signal: connections, limit: 1000}
ttl: {full: 30s, min: 10s}
divert: {mode: fixed, share: 30%}
damping: {suppress: 2.5}
warmup: &urls ["https://{target}/"]
`
	want := `site www.example.org example.org class web {
    host www.example.org
    origin 192.0.2.10 2001:db8::10
    origin fra priority 1
    cdn edge {name}.edge.example.net priority 1
    probe http http://{origin}:80/healthz every 10s timeout 4s tls_verify off
    threshold response_time 300ms recover 240ms no_data stay after 5m
    threshold connections 1000
    damping suppress 2.5
    ttl 30s min 10s
    divert fixed 30%
    warmup https://{target}/
}`
	entries, err := document.Load(strings.NewReader(text), "-")
	if err != nil || len(entries) != 1 {
		t.Fatalf("Expected one object, got %v, %v", entries, err)
	}
	if e := entries[0]; e.Text || e.Place != "-:2" || e.Object != (site.Object{Kind: "site", Name: "www.example.org", Customer: "acme", Text: want}) {
		t.Errorf("Expected\n%s\ngot\n%s\n%+v", want, e.Object.Text, e)
	}
}

// files writes files, and returns their directory.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadReadsADirectoryInOrder(t *testing.T) {
	dir := files(t, map[string]string{
		"b.yaml":         "kind: class\nname: b1\n---\n# nothing\n---\n- {kind: class, name: b2}\n- kind: class\n  name: b3\n",
		"a/z.json":       "[{\"kind\": \"class\", \"name\": \"z1\"}]\n{\"kind\": \"class\", \"name\": \"\\ud83d\\ude00\"}",
		"a/y.yml":        "kind: class\nname: y\n",
		"c.conf":         "# ours\nclass c1 {\n\tttl 30s # half\n}\norigin c2 {\n  address 192.0.2.1\n}",
		".hidden.yaml":   "{{",
		".git/x.yaml":    "{{",
		"notes.txt":      "{{",
		"d/e/empty.yaml": "",
	})
	if err := os.Symlink(filepath.Join(dir, "a/y.yml"), filepath.Join(dir, "a/x.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a/y.yml"), []byte("kind: class\nname: y"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := document.Load(nil, dir)
	if want := dir + "/a/y.yml:1: class 'y' is already at " + dir + "/a/x.yaml:1"; err == nil || err.Error() != want {
		t.Errorf("Expected %s, got %v", want, err)
	}
	os.Remove(filepath.Join(dir, "a/y.yml"))
	if err := os.Remove(filepath.Join(dir, "a/x.yaml")); err != nil {
		t.Fatal(err)
	}
	entries, err := document.Load(nil, dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, strings.TrimPrefix(e.Place, dir+"/")+" "+e.Name)
	}
	want := []string{"a/z.json:1 z1", "a/z.json:2 😀", "b.yaml:1 b1", "b.yaml:6 b2", "b.yaml:7 b3", "c.conf:2 c1", "c.conf:5 c2"}
	if !slices.Equal(got, want) {
		t.Errorf("Expected %q, got %q", want, got)
	}
	if e := entries[5]; !e.Text || e.Object.Text != "class c1 {\n\tttl 30s # half\n}" {
		t.Errorf("Expected the text as it is, got %+v", e)
	}
}

func TestLoadSaysAllThatIsWrongAndWhere(t *testing.T) {
	dir := files(t, map[string]string{
		"a.yaml": `kind: site
name: www.example.org
thresholds:
  - signal: response_time
    limit: 300ms
    recover: 240
  - limit: [1]
    x: 1
ttl: 30s
enter: three
damping: {off: yes, suppress: "2"}
origins:
  - {address: 192.0.2.1, next: "on"}
hosts: [a, {b: c}, ~]
class:
`,
		"b.json": "{\"kind\": \"class\",\n \"name\": \"b\",\n \"enter\": 1.5,\n \"name\": \"c\", \"divert\": {\"mode\": true}}\n\n[1, {\"kind\": \"zone\"},\n {\"name\": 5}]",
		"c.json": "{\"kind\": \"class\",\n\n \"name\": }",
		"d.json": "[{\"kind\": \"class\"",
		"e.yaml": "kind: class\nname: e\n  bad: [\n",
		"f.yaml": "just text",
		"g.conf": "class g {\n  ttl 5\n  foo\n}\nclass h {\n enter x\n}\n",
		"h.conf": "class i {\n",
		"i.conf": "class dup {\n}\nclass dup {\n}\n",
		"j.conf": "\xff",
	})
	_, err := document.Load(nil, dir, "none.yaml", "README.md")
	got := strings.ReplaceAll(err.Error(), dir+"/", "")
	want := `a.yaml:6: site 'www.example.org': thresholds[0].recover: invalid duration '240': write a unit, such as 300ms or 10s
a.yaml:7: site 'www.example.org': thresholds[1].limit: expected one value: write such as '300ms'
a.yaml:7: site 'www.example.org': thresholds[1].signal: it is missing: write such as 'response_time'
a.yaml:8: site 'www.example.org': thresholds[1].x: unknown field 'x': signal, statistic, limit, recover, window, no_data are known
a.yaml:9: site 'www.example.org': ttl: expected fields with values: full, diverted, min are known
a.yaml:10: site 'www.example.org': enter: 'three' is no whole number: write such as '3'
a.yaml:11: site 'www.example.org': damping.off: 'yes' is neither true nor false: write such as 'true'
a.yaml:11: site 'www.example.org': damping.suppress: '2' is no number: write such as '2.5'
a.yaml:13: site 'www.example.org': origins[0].address: expected a list: write such as [192.0.2.10]
a.yaml:13: site 'www.example.org': origins[0].next: 'on' is neither true nor false: write such as 'true'
a.yaml:14: site 'www.example.org': hosts[1]: expected one value: write such as 'www.example.org'
a.yaml:14: site 'www.example.org': hosts[2]: it has no value: leave the field out
a.yaml:15: site 'www.example.org': class: it has no value: leave the field out
b.json:3: class 'b': enter: '1.5' is no whole number: write such as '3'
b.json:4: class 'b': divert.mode: 'true' is no text, unless it is in quotes: write such as 'fixed'
b.json:4: class 'b': name: field 'name' is repeated
b.json:6: expected a document: write 'kind: ...' and so on
b.json:6: kind: unknown kind 'zone': class, origin, cdn, site are known
b.json:7: kind: it is missing: write class, origin, cdn or site
c.json:3: invalid character '}' looking for beginning of value
d.json:1: the end comes too early
e.yaml:3: mapping values are not allowed in this context
f.yaml:1: expected a document: write 'kind: ...' and so on
g.conf:2: invalid duration '5': write a unit, such as 300ms or 10s
g.conf:3: unknown property 'foo': answer, cdn, damping, divert, enter, failback_delay, feed, hides, host, https, no_data, origin, probe, ready, redirect, threshold, ttl, warmup are known
g.conf:6: invalid number 'x': write a whole number, such as 3
h.conf:1: the block that 'class i' opens here is not closed: '}' is missing
i.conf:3: class 'dup' is already at i.conf:1
j.conf:1: a character is NUL, or is not UTF-8
none.yaml: no such file or directory
README.md: no such file or directory`
	lines := strings.Split(got, "\n")
	expected := strings.Split(want, "\n")
	slices.Sort(lines)
	slices.Sort(expected)
	for _, line := range lines {
		if !slices.Contains(expected, line) {
			t.Errorf("Not expected\n%s", line)
		}
	}
	for _, line := range expected {
		if !slices.Contains(lines, line) {
			t.Errorf("Expected\n%s", line)
		}
	}
}

// TestLoadBoundsWhatItReads has few octets stand for very much.
func TestLoadBoundsWhatItReads(t *testing.T) {
	const names = "&n [a.example, b.example, c.example, d.example, e.example, f.example, g.example, h.example]"
	for text, want := range map[string]string{
		"kind: cdn\nname: x\nhosts: " + names + "\nnodes: [&x {name: a, address: *n}" + strings.Repeat(", *x", 9000) + "]": "more than 16384 values",
		"kind: class\nname: &a [*a]\n":                                          "",
		"kind: class\nname: x\nwarmup: [" + strings.Repeat("a, ", 30_000) + "]": "has more than 16384 values",
		"- " + strings.Repeat("[", 200_000):                                     "exceeded max depth",
		strings.Repeat("a: {", 200_000):                                         "exceeded max depth",
		"  " + strings.Repeat(`{"a":`, 10_000) + "":                             "more than 20 times",
	} {
		if _, err := document.Load(strings.NewReader(text), "-"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: Expected %s, got %.300v", text, want, err)
		}
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, document.MaxFile+1); err != nil { // a hole
		t.Fatal(err)
	}
	if _, err := document.Load(nil, large); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("Expected a bound of files, got %v", err)
	}
}
