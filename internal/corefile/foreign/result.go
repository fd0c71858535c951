package foreign

import (
	"fmt"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Result is what became of another product's files.
type Result struct {
	Objects []site.Object
	Notes   []Note
}

// Note says something of a line.
type Note struct {
	Place string // FILE:LINE, or FILE
	Text  string
	Lost  bool // it is not in the objects, or not as it was meant; else it is as good without it
}

func (n Note) String() string { return printable(n.Place + ": " + n.Text) }

// Complete reports whether all was taken.
func (r Result) Complete() bool {
	for _, n := range r.Notes {
		if n.Lost {
			return false
		}
	}
	return true
}

// Text writes the objects as a file, with the notes as comments at its head.
func (r Result) Text() string {
	var b strings.Builder
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "# %s\n", n)
	}
	for i, o := range r.Objects {
		if i > 0 || len(r.Notes) > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(o.Text + "\n")
	}
	return b.String()
}

// printable keeps a text on its line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufeff' {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// Files is where files are read.
type Files interface {
	// Read returns the text of a file.
	Read(path string) (string, error)
	// Match returns the files that a path stands for, in order: itself, those of a
	// folder, or those that a glob matches. Without any, but for a folder that is
	// empty, it is an error.
	Match(path string) ([]string, error)
}

// place is where something stands.
type place struct {
	file string
	line int
}

func (p place) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// errorf makes an error at a place.
func (p place) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", p, fmt.Errorf(format, args...))
}
