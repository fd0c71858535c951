package corefile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/coredns/caddy/caddyfile"
)

// node is one line with, if it ends in '{', the lines of its block.
type node struct {
	file     string
	line     int
	words    []string // at least one, without braces
	children []node
	block    bool // there is a block, maybe an empty one
	end      int  // line of the '}', or where the last word ends
}

// name is the line's first word.
func (n node) name() string { return n.words[0] }

// args are the words behind the name.
func (n node) args() []string { return n.words[1:] }

// place is where the line begins, as file:line.
func (n node) place() string { return fmt.Sprintf("%s:%d", n.file, n.line) }

// holds reports whether other is written between the braces of n, and not
// brought there from a class or an import.
func (n node) holds(other node) bool {
	return n.file == other.file && n.line <= other.line && other.line <= n.end
}

// maxDepth is how deep blocks nest: cdnredirect > site.
const maxDepth = 2

// reader makes a tree of a dispenser's tokens. Lines are told apart as CoreDNS
// does it, so that imported tokens and quoted line breaks come out right.
type reader struct {
	d    *caddyfile.Dispenser
	word string
	file string
	line int
	more bool // there is a word
	same bool // it stands on the line of the word before it
}

// readTree reads all of a dispenser.
func readTree(d *caddyfile.Dispenser) ([]node, error) {
	r := &reader{d: d}
	r.next()
	nodes, err := r.lines(0)
	if err != nil {
		return nil, err
	}
	if r.more {
		return nil, r.errorf("unexpected '}': no block is open")
	}
	if len(nodes) == 0 {
		//lint:ignore ST1005 CoreDNS's wording
		return nil, errorAt(fmt.Sprintf("%s:%d", d.File(), d.Line()), errors.New("Unexpected EOF"))
	}
	return nodes, nil
}

// next takes the next word.
func (r *reader) next() {
	file, end := r.file, r.line+strings.Count(r.word, "\n")
	if r.more = r.d.Next(); !r.more {
		r.same = false
		return
	}
	r.word, r.file, r.line = r.d.Val(), r.d.File(), r.d.Line()
	r.same = r.file == file && r.line == end
}

// errorf makes an error at the present word.
func (r *reader) errorf(format string, args ...any) error {
	return errorAt(fmt.Sprintf("%s:%d", r.file, r.line), fmt.Errorf(format, args...))
}

// lines reads up to the '}' of the block that it is in, or to the end.
func (r *reader) lines(depth int) ([]node, error) {
	var nodes []node
	for r.more && r.word != "}" {
		n, err := r.readLine(depth)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// readLine reads one line with its block. A '}' ends a line too, so that a
// block may stand on one line.
func (r *reader) readLine(depth int) (node, error) {
	if r.word == "{" {
		return node{}, r.errorf("unexpected '{': it must end the line whose block it opens")
	}
	n := node{file: r.file, line: r.line, words: []string{r.word}}
	n.end = r.line + strings.Count(r.word, "\n")
	r.next()
	for r.more && r.same && r.word != "{" && r.word != "}" {
		n.words = append(n.words, r.word)
		n.end = r.line + strings.Count(r.word, "\n")
		r.next()
	}
	if !r.more || !r.same || r.word == "}" {
		return n, nil
	}
	return r.readBlock(n, depth+1)
}

// readBlock reads the block that n opens.
func (r *reader) readBlock(n node, depth int) (node, error) {
	opener := strings.Join(n.words, " ")
	if depth > maxDepth {
		return n, n.errorf("unexpected '{' after '%s': a property has no block; is a '}' missing above?", opener)
	}
	r.next()
	children, err := r.lines(depth)
	if err != nil {
		return n, err
	}
	if !r.more {
		return n, n.errorf("the block that '%s' opens here is not closed: '}' is missing", opener)
	}
	n.block, n.children, n.end = true, children, r.line
	r.next()
	if r.more && r.same && r.word != "}" {
		return n, r.errorf("unexpected '%s' behind '}': begin a new line", r.word)
	}
	return n, nil
}
