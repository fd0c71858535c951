package document

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Fault is what is wrong with a field of a document.
type Fault struct {
	Field   string // such as thresholds[0].recover; empty: the document as a whole
	Message string // quotes the value, unless that may be a secret, and says what would be right
}

func (f Fault) Error() string {
	if f.Field == "" {
		return f.Message
	}
	return f.Field + ": " + f.Message
}

// Faults are all that is wrong with a document.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns them one by one.
func (f Faults) Unwrap() []error {
	all := make([]error, len(f))
	for i, fault := range f {
		all[i] = fault
	}
	return all
}

// Check says all that is wrong with the lines of a document by themselves. Whether they
// go together, and with the other objects, can tell who has these.
func Check(doc Document) Faults { return write(doc).faults() }

func (w *written) faults() (faults Faults) {
	text := w.text()
	if len(text) > corefile.MaxObject {
		return Faults{{"", fmt.Sprintf("a document of %d bytes, as a text, is longer than %d", len(text), corefile.MaxObject)}}
	}
	if about := w.doc.About(); about.Kind != w.doc.kind() {
		faults = append(faults, Fault{"kind", fmt.Sprintf("unexpected kind '%s': the document is of the kind '%s'", about.Kind, w.doc.kind())})
	}
	good := w.readsBack(text)
	given := make(map[string]string)
	for i := range w.lines {
		l := &w.lines[i]
		if !good {
			if bad := l.unwritable(); bad != nil {
				faults = append(faults, bad...)
				continue
			}
		}
		faults = append(faults, l.faults(w.asks(i))...)
		if i > 0 {
			key := corefile.Key(texts(l.words))
			if first, found := given[key]; found {
				faults = append(faults, Fault{l.path, fmt.Sprintf("'%s' is already given in %s", key, first)})
			}
			given[key] = l.path
		}
	}
	return faults
}

// asks returns whom to ask what is wrong with the words of a line.
func (w *written) asks(i int) func([]word) error {
	if i == 0 {
		return func(words []word) error {
			_, err := corefile.CheckHead(texts(words), true)
			return err
		}
	}
	return func(words []word) error { return corefile.CheckLine(w.doc.kind(), texts(words)) }
}

// readsBack reports whether a text has the words of the lines.
func (w *written) readsBack(text string) bool {
	blocks, err := corefile.Lines("document", text)
	if err != nil || len(blocks) != 1 || len(blocks[0].Lines) != len(w.lines)-1 {
		return false
	}
	for i := range w.lines {
		read := blocks[0].Words
		if i > 0 {
			read = blocks[0].Lines[i-1].Words
		}
		if !slices.EqualFunc(w.lines[i].words, read, func(w word, text string) bool { return w.text == text }) {
			return false
		}
	}
	return true
}

// unwritable says which words of a line cannot stand in a Corefile.
func (l *line) unwritable() (faults Faults) {
	for _, word := range l.words {
		text, _ := corefile.Quote(word.text)
		blocks, err := corefile.Lines("document", "class name {\n    word "+text+"\n}")
		switch {
		case err == nil && len(blocks) == 1 && len(blocks[0].Lines) == 1 && slices.Equal(blocks[0].Lines[0].Words, []string{"word", word.text}):
		case strings.ContainsAny(word.text, "{}\""):
			faults = append(faults, Fault{word.path, fmt.Sprintf("'%s' cannot stand in a Corefile: a brace by itself, {$NAME}, {%%NAME%%}, and a backslash before a quotation mark", word.text)})
		default:
			faults = append(faults, Fault{word.path, "it has a character that is NUL, or is not UTF-8"})
		}
	}
	return faults
}

// faults says all that is wrong with a line. To tell it by fields, ask is asked of what
// the line needs first, and then of each thing that it may have.
func (l *line) faults(ask func([]word) error) (faults Faults) {
	if !slices.ContainsFunc(l.words, func(w word) bool { return w.missing || w.stray }) && ask(l.words) == nil {
		return nil
	}
	words, faults := l.given(0)
	words, more := l.mend(words, ask)
	faults = append(faults, more...)
	if words == nil {
		return faults
	}
	for unit := 1; unit <= l.units; unit++ {
		own, lacks := l.given(unit)
		faults = append(faults, lacks...)
		with := slices.Concat(words, own)
		if err := ask(with); err != nil {
			faults = append(faults, faultAt(err, own, own[0].path))
		} else {
			words = with
		}
	}
	return faults
}

// given returns the words of a unit, with examples in the place of those that are
// missing, and says which these are, and which do not belong there.
func (l *line) given(unit int) (words []word, faults Faults) {
	for _, w := range l.words {
		switch {
		case w.unit != unit:
			continue
		case w.stray && w.slot == nil:
			continue
		case w.stray:
			faults = append(faults, Fault{w.path, fmt.Sprintf("unexpected '%s': it is of %s only", w.text, strings.Join(w.slot.kinds, ", "))})
			continue
		case w.missing:
			faults = append(faults, Fault{w.path, fmt.Sprintf("it is missing: write such as '%s'", w.slot.example)})
			w.text = w.slot.example
		}
		words = append(words, w)
	}
	return words, faults
}

// mend puts examples in the place of what is wrong, and returns nothing where that does
// not help.
func (l *line) mend(words []word, ask func([]word) error) (mended []word, faults Faults) {
	for len(words) > 1 || l.units == 0 {
		err := ask(words)
		if err == nil {
			break
		}
		i := blamed(err, words)
		if i >= 0 && words[i].missing {
			return nil, faults // its example is one of something else
		}
		if i < 0 || words[i].slot == nil || words[i].text == words[i].slot.example {
			if faults == nil || i < 0 {
				faults = append(faults, faultAt(err, words, l.path))
			}
			return nil, faults
		}
		w := &words[i]
		faults = append(faults, Fault{w.path, err.Error()})
		switch {
		case w.slot.place == chosen:
			return nil, faults
		case strings.HasSuffix(w.path, "]"): // one of several
			words = slices.Delete(words, i, i+1)
		default:
			w.text = w.slot.example
		}
	}
	return words, faults
}

// faultAt is an error with the field that it speaks of, or else that of the line.
func faultAt(err error, words []word, path string) Fault {
	if i := blamed(err, words); i >= 0 && words[i].path != "" {
		path = words[i].path
	}
	return Fault{path, err.Error()}
}

// blamed returns the word that an error quotes first, a name maybe with its final dot; -1:
// none.
func blamed(err error, words []word) int {
	text, found, at := err.Error(), -1, 0
	for i, w := range words {
		j := strings.Index(text, "'"+w.text+"'")
		if j < 0 {
			j = strings.Index(text, "'"+w.text+".'")
		}
		if j >= 0 && strings.HasSuffix(text[:j], "site ") {
			continue // it says whose fault it is, not which
		}
		if j >= 0 && (found < 0 || j < at || j == at && w.slot != nil && words[found].slot == nil) {
			found, at = i, j
		}
	}
	return found
}

// Locate says of an error that somebody found in the text of a document which fields it
// is about. Several errors in one are several faults.
func Locate(doc Document, err error) Faults {
	w := write(doc)
	w.text()
	return w.locate(err)
}

func (w *written) locate(err error) (faults Faults) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			faults = append(faults, w.locate(one)...)
		}
		return faults
	}
	at := new(corefile.Error)
	if !errors.As(err, &at) || !w.isPlace(at.Place) {
		return Faults{{"", err.Error()}}
	}
	l := w.lineAt(at.Line())
	fault := faultAt(at.Err, l.words, l.path)
	if wrong := new(site.PropertyError); fault.Field == "" && errors.As(at.Err, &wrong) {
		fault.Field = w.elsewhere(wrong.Property)
	}
	return Faults{fault}
}

// elsewhere returns the field of a property that no line gives: that of the class, which
// may give it, or else its own.
func (w *written) elsewhere(property string) string {
	if s, ok := w.doc.(*Site); ok && s.Class != "" {
		return "class"
	}
	word, _, _ := strings.Cut(property, " ")
	for _, s := range blocks[w.doc.kind()].slots {
		if s.word == word {
			return s.name
		}
	}
	return ""
}

// isPlace reports whether a place is in the text of the document as an object.
func (w *written) isPlace(place string) bool {
	name, err := corefile.CheckHead(texts(w.lines[0].words), true)
	own, _, _ := strings.Cut(site.Object{Kind: w.doc.kind(), Name: name}.Place(), "@")
	return err == nil && strings.HasPrefix(place, own+"@")
}

// lineAt returns the line of that number in the text.
func (w *written) lineAt(number int) *line {
	for i := len(w.lines) - 1; i > 0; i-- {
		if w.lines[i].number <= number {
			return &w.lines[i]
		}
	}
	return &w.lines[0]
}
