package corefile

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/coredns/caddy/caddyfile"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// MaxObject is how long the text of an object may be, in bytes.
const MaxObject = 64 << 10

// Objects splits a text of blocks as they stand in a cdnredirect block into
// objects, with the lines of each as they were written. What stands between the
// blocks, comments, is dropped. file is what errors call the text. Environment
// variables and imports belong to the Corefile: the store's texts stand for
// themselves, on every server.
func Objects(file, text string) ([]site.Object, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	nodes, err := readObjects(file, text)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(text, "\n")
	first := make(map[objectKey]node)
	objects := make([]site.Object, 0, len(nodes))
	for _, n := range nodes {
		key, err := keyOf(n)
		if err != nil {
			return nil, err
		}
		if other, found := first[key]; found {
			return nil, n.errorf("%s '%s' is already defined on line %d", key.kind, key.name, other.line)
		}
		first[key] = n
		own := strings.Join(lines[n.line-1:n.end], "\n")
		if len(own) > MaxObject {
			return nil, n.tooLong(len(own))
		}
		objects = append(objects, site.Object{Kind: key.kind, Name: key.name, Text: own})
	}
	return objects, nil
}

// objectKey is what an object is known by.
type objectKey struct {
	kind site.ObjectKind
	name string
}

func (n node) tooLong(size int) error {
	return n.errorf("a block of %d bytes is longer than %d", size, MaxObject)
}

// readObject reads the text of one object.
func readObject(o site.Object) (node, error) {
	nodes, err := readObjects(o.Place(), o.Text)
	if err != nil {
		return node{}, err
	}
	whole := node{file: o.Place(), line: 1, words: []string{string(o.Kind)}}
	switch {
	case len(o.Text) > MaxObject:
		return node{}, whole.tooLong(len(o.Text))
	case len(nodes) == 0:
		return node{}, whole.errorf("the text of %s '%s' has no block", o.Kind, o.Name)
	case len(nodes) > 1:
		return node{}, nodes[1].errorf("the text of %s '%s' has a second block", o.Kind, o.Name)
	}
	key, err := keyOf(nodes[0])
	if err == nil && key != (objectKey{o.Kind, o.Name}) {
		err = nodes[0].errorf("the text of %s '%s' is that of %s '%s'", o.Kind, o.Name, key.kind, key.name)
	}
	return nodes[0], err
}

// readObjects makes trees of the blocks of a text.
func readObjects(file, text string) ([]node, error) {
	if err := checkText(file, text); err != nil {
		return nil, err
	}
	// A last line shows whether a quotation mark has swallowed the end.
	const mark = "end"
	buffer := buffers.Get().(*bufio.Reader)
	defer buffers.Put(buffer)
	buffer.Reset(strings.NewReader(text + "\n" + mark))
	d := caddyfile.NewDispenser(file, buffer)
	r := &reader{d: &d}
	r.next()
	nodes, err := r.lines(1)
	if err != nil {
		return nil, err
	}
	if r.more {
		return nil, r.errorf("unexpected '}': no block is open")
	}
	last := nodes[len(nodes)-1]
	if last.line != strings.Count(text, "\n")+2 {
		return nil, last.errorf("a quotation mark is not closed")
	}
	nodes = nodes[:len(nodes)-1]
	for _, n := range nodes {
		if err := n.checkStored(); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// buffers are what the lexer reads from; it would make one for each text otherwise.
var buffers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// checkText refuses what a database would not take as a text.
func checkText(file, text string) error {
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		if !utf8.ValidString(line) || strings.Contains(line, "\x00") {
			return errorAt(fmt.Sprintf("%s:%d", file, i+1), errors.New("a character is NUL, or is not UTF-8"))
		}
	}
	return nil
}

// objectKinds are the blocks that an object may be.
var objectKinds = []site.ObjectKind{site.ObjectClass, site.ObjectOrigin, site.ObjectCDN, site.ObjectSite}

// checkStored refuses what only a Corefile may hold.
func (n node) checkStored() error {
	if n.name() != "import" && !slices.Contains(objectKinds, site.ObjectKind(n.name())) {
		return n.wrap(unknown("block", n.name(), texts(objectKinds)...))
	}
	for _, line := range append([]node{n}, n.children...) {
		if line.name() == "import" {
			return line.errorf("import is of a Corefile only: write the lines themselves")
		}
		if n.name() == "cdn" && line.name() == "deploy" {
			return line.errorf("deploy is of a Corefile only: commands are for whoever owns the machine to name")
		}
		for _, word := range line.words {
			if found := variable.FindString(word); found != "" {
				return line.errorf("'%s' is replaced in a Corefile only: write what it stands for, or env:NAME where a secret may stand", found)
			}
		}
	}
	return nil
}

// variable is what stands for an environment variable in a Corefile.
var variable = regexp.MustCompile(`\{\$[^}]*\}|\{%[^%]*%\}`)

// keyOf reads what a block is known by.
func keyOf(n node) (objectKey, error) {
	key := objectKey{kind: site.ObjectKind(n.name())}
	if key.kind == site.ObjectSite {
		e := &entry{node: n}
		if err := e.readHead(); err != nil {
			return key, n.wrap(err)
		}
		key.name = strings.TrimSuffix(e.names[0], ".")
		return key, nil
	}
	if len(n.args()) != 1 {
		return key, n.wrap(n.argError())
	}
	key.name = n.args()[0]
	if err := checkWord(n.name(), key.name); err != nil {
		return key, n.wrap(err)
	}
	return key, n.needBlock()
}

// Object returns a site of the Corefile, by its first name, as an object that
// takes its place: the site's own lines, whichever file they came from. Whatever
// the Corefile has environment variables for is written out. It is false where
// there is no such site, or one that cannot be written down.
func (c *Config) Object(name string) (site.Object, bool) {
	i := slices.IndexFunc(c.entries, func(e *entry) bool { return strings.TrimSuffix(e.names[0], ".") == strings.TrimSuffix(name, ".") })
	if i < 0 {
		return site.Object{}, false
	}
	n := c.entries[i].node
	text, ok := n.write()
	if !ok {
		return site.Object{}, false
	}
	o := site.Object{Kind: site.ObjectSite, Name: strings.TrimSuffix(c.entries[i].names[0], "."), Text: text, Adopted: true}
	if read, err := readObject(o); err != nil || !n.says(read) {
		return site.Object{}, false
	}
	return o, true
}

// says reports whether other has the same words.
func (n node) says(other node) bool {
	return slices.Equal(n.words, other.words) && slices.EqualFunc(n.children, other.children, node.says)
}

// write returns the lines that n was read from, as far as they can be written.
func (n node) write() (text string, ok bool) {
	var b strings.Builder
	ok = writeWords(&b, n.words)
	if n.block {
		b.WriteString(" {\n")
		for _, line := range n.children {
			b.WriteString("    ")
			ok = writeWords(&b, line.words) && ok
			b.WriteByte('\n')
		}
		b.WriteByte('}')
	}
	return b.String(), ok
}

func writeWords(b *strings.Builder, words []string) bool {
	all := true
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		quoted, ok := quote(word)
		b.WriteString(quoted)
		all = all && ok
	}
	return all
}

// quote writes a word so that it reads as that word. There is no way to write some
// words that need quotes: those with a backslash before a quotation mark.
func quote(word string) (string, bool) {
	plain := word != "" && word[0] != '"' && !strings.ContainsFunc(word, func(r rune) bool { return r == '#' || unicode.IsSpace(r) })
	if plain {
		return word, true
	}
	var b strings.Builder
	b.WriteByte('"')
	backslashes := 0
	for _, r := range word {
		switch r {
		case '\\':
			backslashes++
		case '"':
			if backslashes%2 == 1 {
				return "", false
			}
			b.WriteByte('\\')
			backslashes = 0
		default:
			backslashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String(), backslashes%2 == 0
}
