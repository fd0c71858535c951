package foreign

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// maxObject is how long a block may be (corefile.MaxObject).
const maxObject = 64 << 10

// writer collects objects and notes.
type writer struct {
	result  Result
	taken   map[string]bool         // kind and name of objects
	said    map[Note]bool           // each once
	origins map[string][]netip.Addr // of each origin block
}

func newWriter() *writer {
	return &writer{taken: make(map[string]bool), said: make(map[Note]bool), origins: make(map[string][]netip.Addr)}
}

// lost notes what was not taken.
func (w *writer) lost(p place, format string, args ...any) { w.note(p, true, format, args...) }

// stays notes what is as good where it is.
func (w *writer) stays(p place, format string, args ...any) { w.note(p, false, format, args...) }

func (w *writer) note(p place, lost bool, format string, args ...any) {
	n := Note{Place: p.String(), Text: fmt.Sprintf(format, args...), Lost: lost}
	if !w.said[n] {
		w.said[n] = true
		w.result.Notes = append(w.result.Notes, n)
	}
}

// object writes a block.
func (w *writer) object(p place, kind site.ObjectKind, name, head string, lines []string) bool {
	text := head
	if len(lines) > 0 || kind != site.ObjectSite {
		text += " {\n    " + strings.Join(lines, "\n    ") + "\n}"
	}
	if len(text) > maxObject {
		w.lost(p, "%s '%s' would be a block of %d bytes, and %d are possible", kind, name, len(text), maxObject)
		return false
	}
	w.taken[string(kind)+" "+name] = true
	w.result.Objects = append(w.result.Objects, site.Object{Kind: kind, Name: name, Text: text})
	return true
}

// origin writes an origin block, once, and returns its name, which is none of some
// others.
func (w *writer) origin(p place, name string, addrs []netip.Addr, others []string) (string, bool) {
	name = w.free(name, func(name string) bool {
		known, found := w.origins[name]
		return !slices.Contains(others, name) && (!found || slices.Equal(known, addrs))
	})
	if _, found := w.origins[name]; found {
		return name, true
	}
	ok := w.object(p, site.ObjectOrigin, name, "origin "+name, []string{"address " + joinAddresses(addrs)})
	if ok {
		w.origins[name] = addrs
	}
	return name, ok
}

// class returns a name for a class that no other has.
func (w *writer) class(name string) string {
	return w.free(name, func(name string) bool { return !w.taken["class "+name] })
}

var noWord = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// free makes of any name one that a block may have, and that is free.
func (w *writer) free(name string, is func(string) bool) string {
	name = plainName(name)
	for n, base := 2, name; !is(name); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name
}

// plainName makes of any name a word that origins, classes and CDNs may have.
func plainName(name string) string {
	name = strings.Trim(noWord.ReplaceAllString(name, "-"), "-")
	if name == "" || name == "next" || !unicode.IsLetter(rune(name[0])) {
		name = strings.TrimSuffix("x-"+name, "-")
	}
	return name
}

// word writes a word so that it reads as that word. Some cannot be written, or
// would be something else in a Corefile.
func word(text string) (string, error) {
	control := func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }
	if text == "{" || text == "}" || strings.Contains(text, "{$") || strings.Contains(text, "{%") || strings.ContainsFunc(text, control) {
		return "", fmt.Errorf("'%s' cannot be written in a Corefile", text)
	}
	plain := text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r == '#' || r == '"' || unicode.IsSpace(r) })
	if plain {
		return text, nil
	}
	var b strings.Builder
	backslashes := 0
	for _, r := range text {
		if r == '"' {
			if backslashes%2 == 1 {
				return "", fmt.Errorf("'%s' cannot be written in a Corefile", text)
			}
			b.WriteByte('\\')
		}
		if backslashes++; r != '\\' {
			backslashes = 0
		}
		b.WriteRune(r)
	}
	if backslashes%2 == 1 {
		return "", fmt.Errorf("'%s' cannot be written in a Corefile", text)
	}
	return `"` + b.String() + `"`, nil
}

func joinAddresses(addrs []netip.Addr) string {
	words := make([]string, len(addrs))
	for i, addr := range addrs {
		words[i] = addr.String()
	}
	return strings.Join(words, " ")
}
