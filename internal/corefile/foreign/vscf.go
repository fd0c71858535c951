package foreign

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// value is a value of gdnsd's configuration language: a string, an array or a hash.
type value struct {
	place
	kind kind
	text string  // of a string
	list []value // of an array
	hash []pair  // of a hash, in order
}

type kind int

const (
	isString kind = iota
	isArray
	isHash
)

// pair is a key of a hash with its value.
type pair struct {
	place
	key   string
	value value
}

// get returns the value of a key.
func (v value) get(key string) (value, bool) {
	i := slices.IndexFunc(v.hash, func(p pair) bool { return p.key == key })
	if i < 0 {
		return value{}, false
	}
	return v.hash[i].value, true
}

// items returns the values of an array; a value that is none stands for an array
// of itself.
func (v value) items() []value {
	if v.kind == isArray {
		return v.list
	}
	return []value{v}
}

// Bounds of what is read: of nested braces, of nested files, and of files in all.
const (
	maxNesting  = 32
	maxIncludes = 8
	maxFiles    = 1000
)

// vscf reads one file.
type vscf struct {
	from    Files
	file    string
	text    string
	at      int
	line    int
	include int  // how many files lead here
	files   *int // that were read so far
}

// readVSCF reads a file with all that it includes.
func readVSCF(from Files, file string) (value, error) {
	return (&vscf{from: from, files: new(int)}).open(file, 0)
}

// open reads another file.
func (s *vscf) open(file string, include int) (value, error) {
	if *s.files++; *s.files > maxFiles {
		return value{}, fmt.Errorf("'%s': more than %d files are included", file, maxFiles)
	}
	text, err := s.from.Read(file)
	if err != nil {
		return value{}, fmt.Errorf("reading '%s': %w", file, err)
	}
	return (&vscf{from: s.from, file: file, text: text, line: 1, include: include, files: s.files}).top()
}

// top reads a file as a whole: a hash without braces, or an array.
func (s *vscf) top() (value, error) {
	s.space()
	v := value{place: s.here(), kind: isHash}
	if !s.accept("[") {
		pairs, err := s.pairs("", 0)
		v.hash = pairs
		return v, err
	}
	list, err := s.list(0)
	if err != nil {
		return v, err
	}
	if s.space(); s.at < len(s.text) {
		return v, s.unexpected("the end of the file")
	}
	return value{place: v.place, kind: isArray, list: list}, nil
}

func (s *vscf) here() place { return place{s.file, s.line} }

// space skips what separates: blanks, line ends and comments.
func (s *vscf) space() {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		case '#', ';':
			for s.at+1 < len(s.text) && s.text[s.at+1] != '\n' {
				s.at++
			}
		default:
			return
		}
	}
}

// accept takes a token if it comes next.
func (s *vscf) accept(token string) bool {
	found := strings.HasPrefix(s.text[s.at:], token)
	if found {
		s.at += len(token)
	}
	return found
}

// unexpected says what should have come.
func (s *vscf) unexpected(want string) error {
	if s.at >= len(s.text) {
		return s.here().errorf("unexpected end of the file: expected %s", want)
	}
	rest := []rune(strings.ToValidUTF8(s.text[s.at:min(len(s.text), s.at+4)], "?"))
	return s.here().errorf("unexpected '%c': expected %s", rest[0], want)
}

// pairs reads the assignments of a hash up to its end: a brace, or that of the file.
func (s *vscf) pairs(end string, depth int) ([]pair, error) {
	var pairs []pair
	seen := make(map[string]bool)
	for {
		s.space()
		if end == "" && s.at == len(s.text) || end != "" && s.accept(end) {
			return pairs, nil
		}
		more, err := s.pair(depth)
		if err != nil {
			return nil, err
		}
		for _, p := range more {
			if seen[p.key] {
				return nil, p.errorf("the key '%s' is repeated", p.key)
			}
			seen[p.key] = true
			pairs = append(pairs, p)
		}
		s.space()
		s.accept(",")
	}
}

// pair reads one assignment, or all of a file that is included in their place.
func (s *vscf) pair(depth int) ([]pair, error) {
	p := pair{place: s.here()}
	if s.accept("$include{") {
		return s.merge()
	}
	var err error
	if p.key, err = s.word("a key"); err != nil {
		return nil, err
	}
	s.space()
	if !s.accept("=") {
		return nil, s.unexpected("'=' behind the key '" + p.key + "'")
	}
	s.accept(">")
	s.space()
	p.value, err = s.value(depth)
	return []pair{p}, err
}

// list reads the values of an array up to its bracket.
func (s *vscf) list(depth int) ([]value, error) {
	var list []value
	for {
		s.space()
		if s.accept("]") {
			return list, nil
		}
		v, err := s.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		s.space()
		s.accept(",")
	}
}

// value reads a value of any kind.
func (s *vscf) value(depth int) (v value, err error) {
	v = value{place: s.here()}
	if depth >= maxNesting {
		return v, s.here().errorf("more than %d braces or brackets are open", maxNesting)
	}
	switch {
	case s.accept("{"):
		v.kind = isHash
		v.hash, err = s.pairs("}", depth+1)
	case s.accept("["):
		v.kind = isArray
		v.list, err = s.list(depth + 1)
	case s.accept("$include{"):
		var all []value
		if all, err = s.included(); err == nil && len(all) != 1 {
			return v, v.errorf("'$include' stands for %d files where one value is expected", len(all))
		}
		if err == nil {
			v = all[0]
		}
	default:
		v.text, err = s.word("a value")
	}
	return v, err
}

// merge reads the files whose keys stand here.
func (s *vscf) merge() (pairs []pair, err error) {
	at := s.here()
	all, err := s.included()
	for _, v := range all {
		if v.kind != isHash {
			return nil, at.errorf("an included file holds an array where keys are expected")
		}
		pairs = append(pairs, v.hash...)
	}
	return pairs, err
}

// included reads the rest of $include{PATH}, and what that stands for.
func (s *vscf) included() ([]value, error) {
	at := s.here()
	s.space()
	path, err := s.word("a path")
	if err != nil {
		return nil, err
	}
	if s.space(); !s.accept("}") {
		return nil, s.unexpected("'}' behind the path '" + path + "'")
	}
	if s.include >= maxIncludes {
		return nil, at.errorf("more than %d files include each other", maxIncludes)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(s.file), path)
	}
	files, err := s.from.Match(path)
	if err != nil {
		return nil, at.errorf("'%s': %w", path, err)
	}
	var all []value
	for _, file := range files {
		v, err := s.open(file, s.include+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// word reads a string, with quotation marks or without.
func (s *vscf) word(what string) (string, error) {
	begin := s.here()
	quoted := s.accept(`"`)
	if !quoted && s.at < len(s.text) && s.text[s.at] == '$' {
		return "", s.unexpected(what)
	}
	var b strings.Builder
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == '\\':
			if err := s.escape(&b); err != nil {
				return "", err
			}
			continue
		case quoted && c == '"':
			s.at++
			return b.String(), nil
		case !quoted && strings.IndexByte("}{;# \t\r\n,\"=[]", c) >= 0:
			return s.plain(b.String(), what)
		case c == '\n':
			s.line++
		}
		b.WriteByte(c)
		s.at++
	}
	if quoted {
		return "", begin.errorf("a quotation mark is not closed")
	}
	return s.plain(b.String(), what)
}

// plain returns a string without quotation marks, which cannot be empty.
func (s *vscf) plain(text, what string) (string, error) {
	if text == "" {
		return "", s.unexpected(what)
	}
	return text, nil
}

// escape reads a backslash and what it stands before: three digits, which are an
// octet, or an octet that means itself.
func (s *vscf) escape(b *strings.Builder) error {
	octet, size, ok := unescape(s.text[s.at:])
	if !ok {
		return s.here().errorf("a backslash stands before three digits up to 255, or before what is no digit")
	}
	if octet == '\n' && size == 2 {
		s.line++
	}
	b.WriteByte(octet)
	s.at += size
	return nil
}

// unescape reads an escape (RFC 1035, section 5.1) and how long it is.
func unescape(text string) (octet byte, size int, ok bool) {
	digit := func(i int) bool { return i < len(text) && text[i] >= '0' && text[i] <= '9' }
	switch {
	case len(text) < 2:
		return 0, 0, false
	case !digit(1):
		return text[1], 2, true
	case !digit(2) || !digit(3):
		return 0, 0, false
	}
	n := int(text[1]-'0')*100 + int(text[2]-'0')*10 + int(text[3]-'0')
	return byte(n), 4, n <= 255
}
