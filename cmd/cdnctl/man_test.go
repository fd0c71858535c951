package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManHasAPageForEveryCommand(t *testing.T) {
	dir := t.TempDir()
	if code, out, complaint := plain(t, "man", dir); code != 0 || out != "" || complaint != "" {
		t.Fatalf("Expected nothing to be said, got %d, %q and %q", code, out, complaint)
	}
	for _, page := range []string{"cdnctl", "cdnctl-apply", "cdnctl-draft-put", "cdnctl-override-set", "cdnctl-completion-bash"} {
		text, err := os.ReadFile(filepath.Join(dir, page+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, want := range []string{".TH \"" + strings.ReplaceAll(strings.ToUpper(page), "-", `\-`) + "\" \"1\"", ".SH \"SYNOPSIS\"\ncdnctl", ".SH \"OPTIONS\"\n.TP\n", `\-\-socket PATH`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("Expected %s of %s, got\n%s", want, page, text)
			}
		}
	}
	code, _, complaint := plain(t, "man", filepath.Join(dir, "none"))
	if code != 3 || !strings.Contains(complaint, "no such file or directory") {
		t.Errorf("Expected that the directory is missing, got %d and %q", code, complaint)
	}
}

func TestAManualIsText(t *testing.T) {
	m := new(manuscript)
	m.macro("SH", `a "b"`)
	m.paragraphs("one -x\n.two\n\n  three \\n\n  four\nfive\n\n  'six")
	want := `.SH "a \(dqb\(dq"
one \-x
\&.two
.PP
.nf
  three \en
  four
.fi
five
.PP
.nf
  'six
.fi
`
	if got := m.String(); got != want {
		t.Errorf("Expected\n%s\ngot\n%s", want, got)
	}
}
