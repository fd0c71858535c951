package corefile

import (
	"fmt"
	"strconv"
	"strings"
)

// Error is an error with its place, which it begins with the way CoreDNS does.
type Error struct {
	Place string // as file:line
	Err   error
}

func (e *Error) Error() string { return e.Place + " - Error during parsing: " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Line is the line of the place.
func (e *Error) Line() int {
	line, _ := strconv.Atoi(e.Place[strings.LastIndexByte(e.Place, ':')+1:])
	return line
}

// errorAt puts the place, as file:line, before err.
func errorAt(place string, err error) error { return &Error{place, err} }

// wrap adds the line's place to err, and takes secrets out of it.
func (n node) wrap(err error) error { return errorAt(n.place(), discreet{err, n.secrets()}) }

// errorf makes an error at the line's place.
func (n node) errorf(format string, args ...any) error {
	return n.wrap(fmt.Errorf(format, args...))
}

// argError says that words are missing or too many behind word.
func argError(word string) error {
	//lint:ignore ST1005 CoreDNS's wording
	return fmt.Errorf("Wrong argument count or unexpected line ending after '%s'", word)
}

// argError says that the line has not the words it needs.
func (n node) argError() error { return argError(n.words[len(n.words)-1]) }

// unknown refuses a word and names those that could stand in its place.
func unknown(what, word string, known ...string) error {
	verb := "are"
	if len(known) == 1 {
		verb = "is"
	}
	return fmt.Errorf("unknown %s '%s': %s %s known", what, word, strings.Join(known, ", "), verb)
}

// definedAt refuses a second block of one name.
func (n node) definedAt(first node) error {
	return n.errorf("%s '%s' is already defined at %s", n.name(), n.args()[0], n.otherPlace(first))
}

// otherPlace is where first is, with help for who imports it twice: that makes
// two of one line.
func (n node) otherPlace(first node) string {
	if first.place() == n.place() {
		return first.place() + ": import it once, it is known in all server blocks"
	}
	return first.place()
}

// seen remembers which properties a block has given, and where.
type seen map[string]node

// add refuses a key that the block has already given.
func (s seen) add(key string, n node) error {
	first, found := s[key]
	s[key] = n
	switch {
	case !found:
		return nil
	case first.file == n.file:
		return n.errorf("property '%s' is already given on line %d", key, first.line)
	default:
		return n.errorf("property '%s' is already given at %s", key, first.place())
	}
}
