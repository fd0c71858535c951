package foreign

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// zoneSource are the files of one zone, and how far they are read. The parser reads
// octet by octet, and no further than the record that it returns.
type zoneSource struct {
	from     Files
	absolute bool // the zone's own file has an absolute path
	stack    []*zoneText
	files    int
	untimed  []place // where names are generated without a TTL
}

// zoneText is a file that is being read.
type zoneText struct {
	source *zoneSource
	name   string
	text   string
	at     int
	line   int
}

// open begins another file.
func (s *zoneSource) open(name string) (*zoneText, error) {
	if s.files++; s.files > maxFiles {
		return nil, errors.New("too many files are included")
	}
	text, err := s.from.Read(name)
	if err != nil {
		return nil, err
	}
	t := &zoneText{source: s, name: name, text: text, line: 1}
	s.stack = append(s.stack, t)
	s.findUntimed(t)
	return t, nil
}

// findUntimed finds lines that generate names without a TTL, which the parser takes
// for an hour.
func (s *zoneSource) findUntimed(t *zoneText) {
	line := 0
	for text := range strings.Lines(t.text) {
		line++
		words := strings.Fields(text)
		if len(words) < 5 || !strings.EqualFold(words[0], "$GENERATE") {
			continue
		}
		if ttl, _ := takeTTL(words[3:]); ttl == "" {
			s.untimed = append(s.untimed, place{t.name, line})
		}
	}
}

// Open implements fs.FS for what is included, of which the parser takes the slash
// at the begin.
func (s *zoneSource) Open(name string) (fs.File, error) {
	names := []string{name, "/" + name}
	if s.absolute {
		names = []string{"/" + name, name}
	}
	t, err := s.open(names[0])
	if err != nil {
		if other, found := s.open(names[1]); found == nil {
			return other, nil
		}
		return nil, err
	}
	return t, nil
}

// ReadByte implements io.ByteReader.
func (t *zoneText) ReadByte() (byte, error) {
	if t.at == len(t.text) {
		return 0, io.EOF
	}
	c := t.text[t.at]
	t.at++
	if c == '\n' {
		t.line++
	}
	return c, nil
}

// Read implements io.Reader.
func (t *zoneText) Read(p []byte) (int, error) {
	c, err := t.ReadByte()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// Close implements io.Closer.
func (t *zoneText) Close() error {
	if n := len(t.source.stack); n > 1 {
		t.source.stack = t.source.stack[:n-1]
	}
	return nil
}

// Stat implements fs.File. Nobody asks.
func (t *zoneText) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// here is where the last record ended.
func (s *zoneSource) here() place {
	t := s.stack[len(s.stack)-1]
	line := t.line
	if t.at > 0 && t.text[t.at-1] == '\n' {
		line--
	}
	return place{t.name, line}
}

// blame puts an error of the parser at its place.
func (s *zoneSource) blame(err error) error {
	if err == nil {
		return nil
	}
	at := s.here()
	text := err.Error()
	if file, rest, found := strings.Cut(text, ": dns: "); found {
		at.file, text = file, rest
	}
	text, where, _ := strings.Cut(text, " at line: ")
	line, _, _ := strings.Cut(where, ":")
	if n, err := strconv.Atoi(line); err == nil {
		at.line = n
	}
	return at.errorf("%s", text)
}
