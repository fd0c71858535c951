package document

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
)

// Text returns a document as a block of a Corefile. What cannot be written so says
// Check.
func Text(doc Document) string { return write(doc).text() }

// written is a document as lines; the first one is the head.
type written struct {
	doc   Document
	lines []line
}

// line is a line of a block.
type line struct {
	path   string // of what it says, in the document; empty: several fields of it
	number int    // in the text
	words  []word
	units  int
}

// word is a word of a line.
type word struct {
	text    string
	path    string // of the field; empty: it belongs to the line
	unit    int    // 0: of what the line needs; others: of something that it may have
	missing bool   // nobody has said it
	stray   bool   // it does not belong to what else the line says
	slot    *slot  // nil: it is a keyword
}

// write takes a document apart.
func write(doc Document) *written {
	w := &written{doc: doc}
	v := reflect.ValueOf(doc).Elem()
	for i := range blocks[doc.kind()].slots {
		s := &blocks[doc.kind()].slots[i]
		w.add(s, v.FieldByIndex(s.index))
	}
	return w
}

// add writes a field as a line, or as several.
func (w *written) add(s *slot, v reflect.Value) {
	if s.sub != nil && v.Kind() == reflect.Slice {
		for i := range v.Len() {
			w.addLine(s, v.Index(i), element(s.name, i))
		}
		return
	}
	if head := len(w.lines) == 0; head || present(v) {
		w.addLine(s, v, s.name)
	}
}

func (w *written) addLine(s *slot, v reflect.Value, path string) {
	l := line{path: path, words: make([]word, 0, 8)}
	l.words = append(l.words, word{text: s.word})
	l.value(s, v, path, 0)
	w.lines = append(w.lines, l)
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// present reports whether somebody has given a field.
func present(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() > 0
	case reflect.Struct:
		for i := range v.NumField() {
			if present(v.Field(i)) {
				return true
			}
		}
		return false
	}
	return !v.IsZero()
}

// value writes what a field says.
func (l *line) value(s *slot, v reflect.Value, path string, unit int) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		l.fields(s.sub, v, path, unit)
	case reflect.Slice:
		for i := range v.Len() {
			l.words = append(l.words, word{text: v.Index(i).String(), path: element(path, i), unit: unit, slot: s})
		}
	default:
		l.words = append(l.words, word{text: plain(v), path: path, unit: unit, slot: s})
	}
}

// plain writes one word.
func plain(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Bool:
		if v.Bool() {
			return "on"
		}
		return "off"
	}
	return v.String()
}

// fields writes the fields of a struct: first where they stand, then behind their
// words.
func (l *line) fields(g *grammar, v reflect.Value, path string, unit int) {
	selected := g.selected(v)
	var later []int
	for i := range g.slots {
		s := &g.slots[i]
		if s.place == flag || s.place == behind && s.kinds == nil {
			later = append(later, i)
			continue
		}
		l.field(s, v.FieldByIndex(s.index), join(path, s.name), unit, selected)
	}
	for _, i := range later {
		s := &g.slots[i]
		l.option(s, v.FieldByIndex(s.index), join(path, s.name), unit)
	}
}

// field writes what stands at its place. What the line needs is written even if
// nobody has said it.
func (l *line) field(s *slot, v reflect.Value, path string, unit int, selected string) {
	from := len(l.words)
	there, needed := present(v), s.stands(selected) && (!s.optional || s.kinds != nil || s.place == here)
	if s.place == behind && (there || needed) {
		l.words = append(l.words, word{text: s.word, unit: unit})
	}
	switch {
	case there:
		l.value(s, v, path, unit)
	case needed:
		l.words = append(l.words, word{path: path, unit: unit, missing: !s.empty, slot: s})
	}
	for i := range l.words[from:] {
		l.words[from+i].stray = there && !s.stands(selected)
	}
}

// option writes what a line may have.
func (l *line) option(s *slot, v reflect.Value, path string, unit int) {
	switch {
	case !present(v):
	case s.place == flag:
		l.words = append(l.words, word{text: s.word, path: path, unit: l.unit(unit)})
	case s.sub != nil && v.Kind() == reflect.Slice:
		for i := range v.Len() {
			own := l.unit(unit)
			l.words = append(l.words, word{text: s.word, path: element(path, i), unit: own})
			l.value(s, v.Index(i), element(path, i), own)
		}
	default:
		own := l.unit(unit)
		l.words = append(l.words, word{text: s.word, path: path, unit: own})
		l.value(s, v, path, own)
	}
}

// unit returns the unit of an option: a new one, unless it belongs to another.
func (l *line) unit(within int) int {
	if within > 0 {
		return within
	}
	l.units++
	return l.units
}

// text writes the lines as a block, and notes where they stand.
func (w *written) text() string {
	var b strings.Builder
	number := 1
	for i := range w.lines {
		l := &w.lines[i]
		l.number = number
		if i > 0 {
			b.WriteString("    ")
		}
		for j, word := range l.words {
			if j > 0 {
				b.WriteByte(' ')
			}
			text, _ := corefile.Quote(word.text)
			b.WriteString(text)
			number += strings.Count(text, "\n")
		}
		if i == 0 {
			b.WriteString(" {")
		}
		b.WriteByte('\n')
		number++
	}
	b.WriteByte('}')
	return b.String()
}

// texts returns words as plain strings.
func texts(words []word) []string {
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = w.text
	}
	return plain
}
