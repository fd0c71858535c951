package document_test

import (
	"bytes"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
)

// FuzzLoad has any octets be a file. What is taken is an object that internal/corefile
// knows by the same name, and the document that it was.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		"kind: site\nname: www.example.org\nnames: [a.example.org]\nclass: web\norigins:\n  - &o {address: [192.0.2.1]}\nttl: {full: 30s}\n---\n- {kind: class, name: web, damping: {suppress: 2.5}}\n",
		`[{"kind": "cdn", "name": "edge", "nodes": [{"name": "a", "address": ["192.0.2.1"], "drain": true}], "capacity": "1Gbit"}]`,
		"# ours\norigin fra {\n  address 192.0.2.1 # here\n  feed map varnish http://{origin}:9131/metrics\n}\n",
		`{"kind": "class", "name": "\ud83d\ude00 {\"", "probes": [{"kind": "tcp", "target": "{origin}:25", "send": "a\n\\x00\"#"}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, _ := document.Load(bytes.NewReader(data), "-")
		for _, e := range entries {
			objects, err := corefile.Objects("text", e.Object.Text)
			if err != nil || len(objects) != 1 || objects[0].Kind != e.Kind || objects[0].Name != e.Name {
				t.Fatalf("Expected %s '%s', got %+v, %v", e.Kind, e.Name, objects, err)
			}
			doc, err := document.Read(e.Object.Text)
			if err != nil || !e.Text && document.Text(doc) != e.Object.Text {
				t.Fatalf("Expected a document that says\n%s\ngot\n%s\n%v", e.Object.Text, document.Text(doc), err)
			}
		}
	})
}
