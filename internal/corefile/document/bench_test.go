package document_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
)

// BenchmarkLoad reads sites of a class, as 'cdnctl apply' does.
func BenchmarkLoad(b *testing.B) {
	const sites = 10_000
	var text strings.Builder
	for i := range sites {
		fmt.Fprintf(&text, "kind: site\nname: s%d.example.org\nclass: web\norigins:\n  - address: [192.0.2.%d]\n---\n", i, i%250)
	}
	b.ReportAllocs()
	for b.Loop() {
		entries, err := document.Load(strings.NewReader(text.String()), "-")
		if err != nil || len(entries) != sites {
			b.Fatalf("Expected all sites, got %d, %v", len(entries), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/sites, "µs/site")
}

// BenchmarkRead reads the text of a site.
func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		doc, err := document.Read("site www.example.org class web {\n    origin 192.0.2.1\n}")
		if err != nil || document.Text(doc) == "" {
			b.Fatal(err)
		}
	}
}
