package document

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// grammar is how the fields of a struct stand on a line, or as lines in a block.
type grammar struct {
	slots    []slot
	selector int // index of the slot on which others depend; -1: none does
}

// place is how a field stands on its line.
type place int

// The places, as the tag line names them.
const (
	here   place = iota // .
	chosen              // !
	maybe               // ?
	rest                // ...
	flag                // +WORD
	behind              // WORD
)

// slot is a field.
type slot struct {
	index    []int  // in the struct
	name     string // in a document; empty: that of the struct's own fields are enough
	place    place
	word     string         // of flag and behind
	match    *regexp.Regexp // of maybe
	kinds    []string       // words of the selector with which it stands there; nil: all
	optional bool           // it may be left out
	empty    bool           // it may be empty
	example  string
	sub      *grammar // of a struct
}

// blocks are the grammars of the documents. Their lines begin with the head.
var blocks = map[site.ObjectKind]*grammar{
	site.ObjectSite:   grammarOf(reflect.TypeFor[Site]()),
	site.ObjectClass:  grammarOf(reflect.TypeFor[Class]()),
	site.ObjectOrigin: grammarOf(reflect.TypeFor[Origin]()),
	site.ObjectCDN:    grammarOf(reflect.TypeFor[CDN]()),
}

// grammarOf reads the tags of a struct.
func grammarOf(t reflect.Type) *grammar {
	g := &grammar{selector: -1}
	g.add(t, nil)
	g.selector = slices.IndexFunc(g.slots, func(s slot) bool { return s.place == chosen })
	return g
}

func (g *grammar) add(t reflect.Type, above []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(above), i)
		tag, onLine := f.Tag.Lookup("line")
		switch {
		case onLine:
			g.slots = append(g.slots, slotOf(f, index, tag))
		case f.Anonymous:
			g.add(f.Type, index)
		}
	}
}

func slotOf(f reflect.StructField, index []int, tag string) slot {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	s := slot{index: index, name: name, optional: options != "", example: f.Tag.Get("example"), empty: f.Tag.Get("empty") != ""}
	if f.Type.Kind() == reflect.Slice {
		s.example, _, _ = strings.Cut(s.example, ",")
	}
	switch word, isFlag := strings.CutPrefix(tag, "+"); {
	case isFlag:
		s.place, s.word = flag, word
	case slices.Contains(marks, tag):
		s.place = place(slices.Index(marks, tag))
	default:
		s.place, s.word = behind, tag
	}
	if s.place == maybe {
		s.match = regexp.MustCompile("^(?:" + f.Tag.Get("match") + ")$")
	}
	if kinds := f.Tag.Get("for"); kinds != "" {
		s.kinds = strings.Split(kinds, ",")
	}
	if t := elem(f.Type); t.Kind() == reflect.Struct {
		s.sub = grammarOf(t)
	}
	return s
}

// marks are the places that are no word.
var marks = []string{here: ".", chosen: "!", maybe: "?", rest: "..."}

// elem returns what a pointer or a list is of.
func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// selected returns the word on which slots of a struct depend.
func (g *grammar) selected(v reflect.Value) string {
	if g.selector < 0 {
		return ""
	}
	return v.FieldByIndex(g.slots[g.selector].index).String()
}

// stands reports whether a slot belongs to that word.
func (s slot) stands(selected string) bool {
	return s.kinds == nil || slices.Contains(s.kinds, selected)
}

// join returns the name of a field in another.
func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}
