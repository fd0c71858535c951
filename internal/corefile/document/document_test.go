package document_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"
	"pgregory.net/rapid"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// TestADocumentIsWhatItsTextSays has documents become texts, and these documents.
func TestADocumentIsWhatItsTextSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDocument(t)
		text := document.Text(doc)
		read, err := document.Read(text)
		if err != nil {
			t.Fatalf("Expected a document of\n%s\ngot %v", text, err)
		}
		read.About().Customer = doc.About().Customer
		if !reflect.DeepEqual(tidy(read), tidy(doc)) {
			t.Fatalf("Expected of\n%s\n%+v\ngot %+v", text, doc, read)
		}
	})
}

// tidy has empty lists be none.
func tidy(doc document.Document) document.Document {
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice:
			if v.Len() == 0 {
				v.SetZero()
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
	}
	walk(reflect.ValueOf(doc))
	return doc
}

// TestTheReadmesBlocksAreDocuments has each block of the README, and of the Corefile
// beside it, become a document and a text again.
func TestTheReadmesBlocksAreDocuments(t *testing.T) {
	blocks := 0
	for _, corefileText := range corefiles(t) {
		for _, text := range objectsIn(t, corefileText) {
			blocks++
			doc, err := document.Read(text)
			if err != nil {
				t.Errorf("Expected a document of\n%s\ngot %v", text, err)
				continue
			}
			got, want := words(t, document.Text(doc)), words(t, text)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("Expected the words\n%q\ngot\n%q", want, got)
			}
			if faults := document.Check(doc); faults != nil {
				t.Errorf("Expected nothing wrong with\n%s\ngot %v", text, faults)
			}
		}
	}
	if blocks < 45 {
		t.Errorf("Expected the many blocks of the README, got %d", blocks)
	}
}

var fences = regexp.MustCompile(`(?ms)^~~~ (?:corefile|txt)\n(.*?)^~~~$`)

// corefiles returns the texts with cdnredirect in them.
func corefiles(t *testing.T) (texts []string) {
	t.Helper()
	for _, name := range []string{"README.md", "Corefile.example"} {
		text, err := os.ReadFile("../../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		found := [][]string{{"", string(text)}}
		if name == "README.md" {
			found = fences.FindAllStringSubmatch(string(text), -1)
		}
		for _, block := range found {
			texts = append(texts, block[1])
		}
	}
	return texts
}

// objectsIn returns the texts of the objects of a Corefile.
func objectsIn(t *testing.T, text string) (all []string) {
	t.Helper()
	t.Setenv("TOKEN", "x")
	if objects, err := corefile.Objects("blocks", text); err == nil {
		for _, o := range objects {
			all = append(all, o.Text)
		}
		return all
	}
	serverBlocks, err := caddyfile.Parse("Corefile", strings.NewReader(text), nil)
	if err != nil {
		return nil // something else
	}
	for _, sb := range serverBlocks {
		var b strings.Builder
		line := 0
		for i, token := range sb.Tokens["cdnredirect"] {
			if i == 0 || token.Line != line {
				b.WriteByte('\n')
			}
			line = token.Line + strings.Count(token.Text, "\n")
			word, _ := corefile.Quote(token.Text)
			b.WriteString(" " + word)
		}
		all = append(all, blocksOf(b.String())...)
	}
	return all
}

// blocksOf returns the blocks of objects in a block.
func blocksOf(text string) (all []string) {
	var block []string
	depth := 0
	for line := range strings.Lines(text) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if depth == 1 && slices.Contains(site.ObjectKinds(), site.ObjectKind(word)) {
			block = []string{}
		}
		if block != nil {
			block = append(block, line)
		}
		trimmed := strings.TrimSpace(line)
		if strings.HasSuffix(trimmed, "{") {
			depth++
		}
		if trimmed == "}" {
			depth--
		}
		if depth == 1 && block != nil {
			all = append(all, strings.Join(block, ""))
			block = nil
		}
	}
	return all
}

// words returns those of a text's lines: the head, and the others by what they are, as
// the order of different properties says nothing.
func words(t *testing.T, text string) [][]string {
	t.Helper()
	blocks, err := corefile.Lines("text", text)
	if err != nil || len(blocks) != 1 {
		t.Fatalf("Expected a block, got %d of\n%s\n%v", len(blocks), text, err)
	}
	lines := [][]string{blocks[0].Words}
	for _, l := range blocks[0].Lines {
		lines = append(lines, sorted(l.Words))
	}
	slices.SortStableFunc(lines[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return lines
}

// sorted puts the options of a line, which may stand in any order, into one.
func sorted(words []string) []string {
	if len(words) < 3 || words[0] == "origin" || words[0] == "cdn" {
		return words
	}
	rest := slices.Clone(words[2:])
	slices.Sort(rest)
	return append(slices.Clone(words[:2]), rest...)
}
