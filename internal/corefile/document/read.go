package document

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Read reads the text of an object. Comments are not part of a document.
func Read(text string) (Document, error) {
	blocks, err := corefile.Lines("text", text)
	switch {
	case err != nil:
		return nil, err
	case len(blocks) != 1:
		return nil, fmt.Errorf("a text with %d blocks is no document: it has one", len(blocks))
	}
	return read("text", blocks[0])
}

// read reads one block.
func read(file string, block corefile.Line) (Document, error) {
	var faults []error
	fault := func(l corefile.Line, err error) {
		faults = append(faults, &corefile.Error{Place: fmt.Sprintf("%s:%d", file, l.Number), Err: err})
	}
	if _, err := corefile.CheckHead(block.Words, block.Block); err != nil {
		fault(block, err)
		return nil, faults[0]
	}
	kind := site.ObjectKind(block.Words[0])
	doc, err := New(kind)
	if err != nil {
		return nil, err
	}
	v := reflect.ValueOf(doc).Elem()
	for i, l := range slices.Insert(slices.Clone(block.Lines), 0, block) {
		err := error(nil)
		if i > 0 {
			err = corefile.CheckLine(kind, l.Words)
		}
		if err == nil {
			err = blocks[kind].readLine(v, l.Words)
		}
		if err != nil {
			fault(l, err)
		}
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	return doc, nil
}

// readLine reads a line of a block.
func (g *grammar) readLine(v reflect.Value, words []string) error {
	i := slices.IndexFunc(g.slots, func(s slot) bool { return s.word == words[0] })
	if i < 0 {
		return fmt.Errorf("'%s' has no place in a document", words[0])
	}
	rest, err := g.slots[i].read(v.FieldByIndex(g.slots[i].index), words[1:], nil)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("'%s' has no place in a document", rest[0])
	}
	return err
}

// keywords are the fields of a line that stand behind words of theirs, or are these.
type keywords map[string]func(words []string) (rest []string, err error)

// read reads a field's value, and returns the words behind it. Within a line, others are
// the words that end a list.
func (s *slot) read(v reflect.Value, words []string, others keywords) ([]string, error) {
	switch {
	case s.sub == nil && v.Kind() == reflect.Slice:
		for len(words) > 0 && others[words[0]] == nil {
			v.Set(reflect.Append(v, reflect.ValueOf(words[0])))
			words = words[1:]
		}
		return words, nil
	case s.sub == nil:
		if len(words) == 0 {
			return nil, errors.New("a word is missing at the end of the line")
		}
		return words[1:], set(v, words[0])
	case v.Kind() == reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		v = v.Index(v.Len() - 1)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if others != nil { // options of the struct may stand anywhere: see keywordsOf
		return s.sub.readPlaces(v, words, others)
	}
	others = s.sub.keywordsOf(func() reflect.Value { return v })
	words, err := s.sub.readPlaces(v, words, others)
	for err == nil && len(words) > 0 {
		read := others[words[0]]
		if read == nil {
			return words, nil
		}
		words, err = read(words[1:])
	}
	return words, err
}

// keywordsOf collects those of a struct, which is there when one of them is read, and
// those of structs in it.
func (g *grammar) keywordsOf(within func() reflect.Value) keywords {
	all := make(keywords)
	for i := range g.slots {
		s := &g.slots[i]
		field := func() reflect.Value { return within().FieldByIndex(s.index) }
		switch {
		case s.place == flag:
			all[s.word] = func(words []string) ([]string, error) {
				field().SetBool(true)
				return words, nil
			}
		case s.place == behind:
			all[s.word] = func(words []string) ([]string, error) { return s.read(field(), words, all) }
			if s.sub != nil && s.sub.options() {
				for word, read := range s.sub.keywordsOf(func() reflect.Value { return allocated(field()) }) {
					all[word] = read
				}
			}
		}
	}
	return all
}

// options reports whether a struct has fields that stand anywhere.
func (g *grammar) options() bool {
	return slices.ContainsFunc(g.slots, func(s slot) bool { return s.place == behind || s.place == flag })
}

// allocated returns what a pointer points to, which is made if need be.
func allocated(v reflect.Value) reflect.Value {
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

// readPlaces reads the fields that stand at their places.
func (g *grammar) readPlaces(v reflect.Value, words []string, others keywords) (_ []string, err error) {
	for i := range g.slots {
		s := &g.slots[i]
		f := v.FieldByIndex(s.index)
		switch {
		case s.place == behind:
			continue
		case s.place == flag:
			if len(words) == 0 || words[0] != s.word {
				continue
			}
			f.SetBool(true)
			words = words[1:]
			continue
		case s.place == maybe:
			if len(words) == 0 || others[words[0]] != nil || !s.match.MatchString(words[0]) {
				continue
			}
		case !s.stands(g.selected(v)):
			continue
		}
		if words, err = s.read(f, words, others); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// set stores a word.
func set(v reflect.Value, word string) (err error) {
	if v.Kind() == reflect.Pointer {
		v = allocated(v)
	}
	switch v.Kind() {
	case reflect.Int:
		var n int64
		n, err = strconv.ParseInt(word, 10, 64)
		v.SetInt(n)
	case reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(word, 64)
		v.SetFloat(x)
	case reflect.Bool:
		v.SetBool(word == "on")
	default:
		v.SetString(word)
	}
	return err
}
