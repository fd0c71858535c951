package corefile

import (
	"errors"
	"slices"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// Line is a line of a text as words, with the lines of its block.
type Line struct {
	Number int // of the text, where it begins, from 1 on
	End    int // where it ends, with its block
	Words  []string
	Block  bool // there is a block, maybe an empty one
	Lines  []Line
}

// Lines takes a text of blocks apart, as Objects does, and says nothing of what they
// say.
func Lines(file, text string) ([]Line, error) {
	nodes, err := readObjects(file, text)
	return linesOf(nodes), err
}

func linesOf(nodes []node) []Line {
	lines := make([]Line, len(nodes))
	for i, n := range nodes {
		lines[i] = Line{Number: n.line, End: n.end, Words: n.words, Block: n.block}
		if n.children != nil {
			lines[i].Lines = linesOf(n.children)
		}
	}
	return lines
}

// CheckLine says what is wrong with a line in a block of a kind, by itself.
func CheckLine(kind site.ObjectKind, words []string) error {
	return bare(applyTo(kind, node{words: words}))
}

// applyTo writes what a line says into an example of its kind.
func applyTo(kind site.ObjectKind, line node) error {
	switch kind {
	case site.ObjectOrigin:
		return applyOriginLine(new(site.Origin), line)
	case site.ObjectCDN:
		return applyCDNLine(site.NewWatchedCDN("cdn"), line)
	}
	return applyLine(example(), line)
}

// CheckHead says what is wrong with the first line of an object, which may have a block,
// and returns the name that the object is known by.
func CheckHead(words []string, block bool) (name string, err error) {
	n := node{words: words, block: block}
	if !slices.Contains(objectKinds, site.ObjectKind(n.name())) {
		return "", unknown("block", n.name(), texts(objectKinds)...)
	}
	key, err := keyOf(n)
	if err == nil && key.kind == site.ObjectOrigin {
		err = checkOriginName(key.name)
	}
	return key.name, bare(err)
}

// bare returns an error without its place.
func bare(err error) error {
	if at := new(Error); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// Blame puts what is wrong with a property of an object at the line of its text that has
// the property, or at the first line.
func Blame(o site.Object, err error) error {
	nodes, wrong := readObjects(o.Place(), o.Text)
	if wrong != nil || len(nodes) != 1 {
		return errorAt(o.Place()+":1", err)
	}
	return blameLine(nodes[0], nodes[0].children, err)
}

// Key is what a line may be given for only once in a block.
func Key(words []string) string { return node{words: words}.key() }

// Quote writes a word so that it reads as that word, if there is a way.
func Quote(word string) (text string, ok bool) { return quote(word) }
