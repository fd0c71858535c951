package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// MaxFile is how many octets a file of documents may have, and MaxFiles how many all
// files together may.
const (
	MaxFile  = 64 << 20
	MaxFiles = 1 << 30
)

// Entry is an object that stands in a file.
type Entry struct {
	site.Object
	Place string // as file:line
	Text  bool   // it was written as a text, which is the object's
}

// FileError is what is wrong at a place of a file.
type FileError struct {
	File string
	Line int // 0: with the file as a whole
	Err  error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Err.Error()
	}
	return e.File + ":" + strconv.Itoa(e.Line) + ": " + e.Err.Error()
}

func (e *FileError) Unwrap() error { return e.Err }

// Load reads files of documents and of blocks, those of directories, by name, and "-",
// the standard input. Its error holds all that is wrong, one by one.
func Load(stdin io.Reader, paths ...string) ([]Entry, error) {
	l := &loader{left: MaxFiles, places: make(map[objectKey]string)}
	for _, path := range paths {
		l.load(stdin, path)
	}
	return l.entries, errors.Join(l.wrong...)
}

// loader collects what files hold.
type loader struct {
	entries []Entry
	wrong   []error
	left    int64
	places  map[objectKey]string
}

type objectKey struct {
	kind site.ObjectKind
	name string
}

func (l *loader) fail(file string, line int, err error) {
	l.wrong = append(l.wrong, &FileError{file, line, err})
}

func (l *loader) load(stdin io.Reader, path string) {
	if path == "-" {
		l.read("-", stdin, "")
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		l.fail(path, 0, bare(err))
	case info.IsDir():
		l.walk(path)
	default:
		l.open(path)
	}
}

// formats are what files are known by.
func formats() []string { return []string{".yaml", ".yml", ".json", ".conf"} }

// walk reads the files of a directory, and of those in it, in the order of their names.
// Those that are hidden are not looked at.
func (l *loader) walk(dir string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch hidden := path != dir && strings.HasPrefix(d.Name(), "."); {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden, d.IsDir(), !slices.Contains(formats(), filepath.Ext(path)):
			return nil
		}
		if info, err := os.Stat(path); err != nil {
			l.fail(path, 0, bare(err))
		} else if info.Mode().IsRegular() {
			l.open(path)
		}
		return nil
	})
	if err != nil {
		l.fail(dir, 0, bare(err))
	}
}

// bare returns an error about a file without its name, which stands before it anyway.
func bare(err error) error {
	if wrapped := new(fs.PathError); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func (l *loader) open(path string) {
	form := filepath.Ext(path)
	if !slices.Contains(formats(), form) {
		l.fail(path, 0, fmt.Errorf("unknown kind of file: %s are known", strings.Join(formats(), ", ")))
		return
	}
	file, err := os.Open(path)
	if err != nil {
		l.fail(path, 0, bare(err))
		return
	}
	defer file.Close()
	l.read(path, file, form)
}

// read reads a file.
func (l *loader) read(name string, from io.Reader, form string) {
	data, err := io.ReadAll(io.LimitReader(from, min(MaxFile, l.left)+1))
	l.left -= int64(len(data))
	switch {
	case err != nil:
		l.fail(name, 0, bare(err))
		return
	case len(data) > MaxFile:
		l.fail(name, 0, fmt.Errorf("it is larger than %d MiB", MaxFile>>20))
		return
	case l.left < 0:
		l.fail(name, 0, fmt.Errorf("all files together are larger than %d MiB", MaxFiles>>20))
		return
	}
	if form == "" {
		form = formOf(data)
	}
	switch form {
	case ".conf":
		l.texts(name, string(data))
	case ".json":
		l.json(name, data)
	default:
		l.yaml(name, data)
	}
}

// blockStart is how a text of blocks begins, behind comments.
var blockStart = regexp.MustCompile(`\A(?:\s*#[^\n]*\n|\s)*(?:class|origin|cdn|site)[ \t]`)

// formOf tells what a file is that has no name.
func formOf(data []byte) string {
	switch trimmed := bytes.TrimLeft(data, " \t\r\n"); {
	case bytes.HasPrefix(trimmed, []byte("{")), bytes.HasPrefix(trimmed, []byte("[")):
		return ".json"
	case blockStart.Match(data):
		return ".conf"
	}
	return ".yaml"
}

func (l *loader) json(name string, data []byte) {
	nodes, err := jsonNodes(data)
	for _, n := range nodes {
		l.node(name, n)
	}
	if at := new(lineError); errors.As(err, &at) {
		l.fail(name, at.line, at.err)
	}
}

// yamlLine is how an error of the package yaml begins.
var yamlLine = regexp.MustCompile(`^(?:yaml: (?:line (\d+): )?)?`)

func (l *loader) yaml(name string, data []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		if err == io.EOF {
			return
		}
		if err != nil {
			line, _ := strconv.Atoi(yamlLine.FindStringSubmatch(err.Error())[1])
			l.fail(name, line, errors.New(yamlLine.ReplaceAllString(err.Error(), "")))
			return
		}
		for _, content := range n.Content {
			l.node(name, content)
		}
	}
}

// node reads a document, or a list of them.
func (l *loader) node(file string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			if item.Kind != yaml.MappingNode {
				l.fail(file, item.Line, errors.New("expected a document: write 'kind: ...' and so on"))
				continue
			}
			l.document(file, item)
		}
	case n.Kind == yaml.MappingNode:
		l.document(file, n)
	case n.ShortTag() != "!!null":
		l.fail(file, n.Line, errors.New("expected a document: write 'kind: ...' and so on"))
	}
}

func (l *loader) document(file string, n *yaml.Node) {
	doc, faults := decode(n)
	o := site.Object{}
	if faults == nil {
		var err error
		if o, err = Object(doc); err == nil {
			l.add(Entry{Object: o}, file, n.Line)
			return
		}
	}
	for _, fault := range faults.with(doc) {
		l.fail(file, lineOf(n, fault.Field), describe(doc, fault))
	}
}

// describe says of which document a fault is.
func describe(doc Document, fault Fault) error {
	if doc == nil {
		return fault
	}
	name := Name(doc)
	if name == "" {
		return fmt.Errorf("%s: %w", KindOf(doc), fault)
	}
	return fmt.Errorf("%s '%s': %w", KindOf(doc), name, fault)
}

// texts reads blocks.
func (l *loader) texts(file, text string) {
	text = strings.TrimPrefix(text, "\ufeff")
	blocks, err := corefile.Lines(file, text)
	if err != nil {
		l.parsing(err)
		return
	}
	lines := strings.Split(text, "\n")
	for _, b := range blocks {
		doc, err := read(file, b)
		if err != nil {
			l.parsing(err)
			continue
		}
		o, err := Object(doc)
		if err != nil {
			l.parsing(err)
			continue
		}
		o.Text = strings.Join(lines[b.Number-1:b.End], "\n")
		l.add(Entry{Object: o, Text: true}, file, b.Number)
	}
}

// parsing takes the errors of internal/corefile apart.
func (l *loader) parsing(err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			l.parsing(one)
		}
		return
	}
	if at := new(corefile.Error); errors.As(err, &at) {
		l.fail(strings.TrimSuffix(at.Place, ":"+strconv.Itoa(at.Line())), at.Line(), at.Err)
		return
	}
	l.wrong = append(l.wrong, err)
}

// add takes an object, once.
func (l *loader) add(e Entry, file string, line int) {
	e.Place = file + ":" + strconv.Itoa(line)
	key := objectKey{e.Kind, e.Name}
	if first, found := l.places[key]; found {
		l.fail(file, line, fmt.Errorf("%s '%s' is already at %s", e.Kind, e.Name, first))
		return
	}
	l.places[key] = e.Place
	l.entries = append(l.entries, e)
}
