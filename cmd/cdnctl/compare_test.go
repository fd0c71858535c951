package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestAComparisonHasBothTexts takes the texts out of it again, and asks for no
// line twice that the ends have in common.
func TestAComparisonHasBothTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", ""}), 0, 12)
		before, after := lines.Draw(t, "before"), lines.Draw(t, "after")
		var first, second []string
		kept := 0
		for _, e := range compare(before, after) {
			if e.mark != '+' {
				first = append(first, e.text)
			}
			if e.mark != '-' {
				second = append(second, e.text)
			}
			if e.mark == ' ' {
				kept++
			}
		}
		if fmt.Sprintf("%q", first) != fmt.Sprintf("%q", before) || fmt.Sprintf("%q", second) != fmt.Sprintf("%q", after) {
			t.Errorf("Expected %q and %q, got %q and %q", before, after, first, second)
		}
		if want := keeps(before, after)[0][0]; kept != want {
			t.Errorf("Expected %d lines to be kept, got %d", want, kept)
		}
	})
}

func TestHunksAreWhatChangesAndThreeLinesAround(t *testing.T) {
	var before []string
	for i := range 30 {
		before = append(before, fmt.Sprint(i+1))
	}
	after := append([]string{"new"}, before...)
	after[15] = "changed"
	after = append(after[:29], after[30:]...)
	var out strings.Builder
	p := page{w: &out}
	p.hunks(compare(before, after))
	expect(t, 0, 0, out.String(), `
@@ -1,3 +1,4 @@
+new
 1
 2
 3
@@ -12,7 +13,7 @@
 12
 13
 14
-15
+changed
 16
 17
 18
@@ -26,5 +27,4 @@
 26
 27
 28
-29
 30
`)
}

// TestALongComparisonIsCheap has texts without a common line.
func TestALongComparisonIsCheap(t *testing.T) {
	lines := func(word string) (lines []string) {
		for i := range 5000 {
			lines = append(lines, fmt.Sprint(word, i))
		}
		return lines
	}
	if edits := compare(lines("a"), lines("b")); len(edits) != 10_000 || edits[0].mark != '-' || edits[5000].mark != '+' {
		t.Errorf("Expected one text removed and the other added, got %d edits", len(edits))
	}
}

// TestABlockIsExactUnlessSomebodyLooksOn writes to a file, and to a device.
func TestABlockIsExactUnlessSomebodyLooksOn(t *testing.T) {
	text := "class web {\n\tttl 30s \x1b[2J\n}"
	path := filepath.Join(t.TempDir(), "f")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := page{w: file}
	p.block(text)
	if got, err := os.ReadFile(path); p.err != nil || err != nil || string(got) != text+"\n" {
		t.Errorf("Expected the text as it is, got %q, %v, %v", got, p.err, err)
	}

	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	if !isTerminal(device) || isTerminal(file) || isTerminal(new(bytes.Buffer)) {
		t.Errorf("Expected the device alone to be one that somebody looks at")
	}
	var out strings.Builder
	p = page{w: &out}
	for line := range strings.SplitSeq(text, "\n") {
		p.code(line)
	}
	if want := "class web {\n\tttl 30s \\x1b[2J\n}\n"; out.String() != want {
		t.Errorf("Expected %q, got %q", want, out.String())
	}
}
