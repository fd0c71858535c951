package health

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// wanted is what must be in a body.
type wanted struct {
	text      string
	pattern   *regexp.Regexp // nil: there is none
	condition *vm.Program    // nil: there is none
}

// read reads and judges a body. No error quotes it.
func (w *wanted) read(r io.Reader) (site.Failure, error) {
	if w == nil {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return "", errBody{err}
		}
		return "", nil
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return "", errBody{err}
	}
	if err := w.accept(content); err != nil {
		return site.FailureContent, fmt.Errorf("judging the body: %w", err)
	}
	return "", nil
}

func (w *wanted) accept(content []byte) error {
	switch {
	case !bytes.Contains(content, []byte(w.text)):
		return fmt.Errorf("'%s' is not in it", w.text)
	case w.pattern != nil && !w.pattern.Match(content):
		return fmt.Errorf("it does not match '%s'", w.pattern)
	case w.condition != nil:
		return w.holds(content)
	}
	return nil
}

// holds evaluates the condition over the body's JSON object.
func (w *wanted) holds(content []byte) error {
	var object map[string]any
	if err := json.Unmarshal(content, &object); err != nil {
		return fmt.Errorf("it is not a JSON object of at most %d bytes", maxBody)
	}
	result, err := expr.Run(w.condition, object)
	if err != nil {
		return fmt.Errorf("'%s' cannot be said of it", w.condition.Source())
	}
	if yes, ok := result.(bool); !ok || !yes {
		return fmt.Errorf("'%s' is not true of it", w.condition.Source())
	}
	return nil
}

// newWanted compiles what an Ask wants of a body. It is nil for nothing.
func newWanted(ask site.Ask) (*wanted, error) {
	if ask.Body == "" && ask.Pattern == "" && ask.Condition == "" {
		return nil, nil
	}
	w := &wanted{text: ask.Body}
	var err error
	if ask.Pattern != "" {
		if w.pattern, err = regexp.Compile(ask.Pattern); err != nil {
			return nil, fmt.Errorf("invalid pattern '%s': %w", ask.Pattern, err)
		}
	}
	if ask.Condition != "" {
		if w.condition, err = compile(ask.Condition); err != nil {
			return nil, fmt.Errorf("reading the condition '%s': %w", ask.Condition, err)
		}
	}
	return w, nil
}

// compile reads a condition. One loop within another is refused, as it may take
// as long as it likes.
func compile(condition string) (*vm.Program, error) {
	program, err := expr.Compile(condition, expr.AsBool())
	if err != nil {
		return nil, errors.New(firstLine(err.Error()))
	}
	tree, err := parser.Parse(condition) // as written, since an optimized tree hides some of its loops
	if err != nil {
		return nil, errors.New(firstLine(err.Error()))
	}
	var loops nested
	ast.Walk(&tree.Node, &loops)
	if loops.found {
		return nil, errors.New("one loop within another")
	}
	return program, nil
}

// firstLine leaves out the drawing below it.
func firstLine(text string) string {
	line, _, _ := bytes.Cut([]byte(text), []byte("\n"))
	return string(line)
}

// quick are the functions that a predicate may call: they do not go through a
// list.
var quick = []string{
	"len", "type", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix",
	"upper", "lower", "hasPrefix", "hasSuffix", "now", "duration", "date", "get",
}

// nested finds a loop inside a predicate, which is a loop's own inside, and the
// function that is two loops by itself.
type nested struct{ inside, found bool }

// Visit implements ast.Visitor.
func (n *nested) Visit(node *ast.Node) {
	switch v := (*node).(type) {
	case *ast.BuiltinNode:
		n.found = n.found || v.Name == "uniq" || n.inside && !slices.Contains(quick, v.Name)
	case *ast.BinaryNode:
		_, literal := v.Right.(*ast.ArrayNode)
		n.found = n.found || n.inside && v.Operator == "in" && !literal
	case *ast.PredicateNode:
		inner := nested{inside: true}
		ast.Walk(&v.Node, &inner)
		n.found = n.found || inner.found
	}
}

// Check reports what of an Ask over HTTP cannot be asked: a header, a pattern or
// a condition that is none, and a body where there is none. What secrets stand
// for it does not read.
func Check(ask site.Ask) error {
	w, err := newWanted(ask)
	if err != nil {
		return err
	}
	if w != nil && ask.Method == http.MethodHead {
		return errors.New("the answer to HEAD has no body to judge")
	}
	return checkRequest(ask)
}

// maxWants is of how many asks that is kept. Beyond, they are made anew.
const maxWants = 10_000

// wants keeps what asks want, compiled, as that takes much longer to make than to
// use.
type wants struct {
	mu   sync.Mutex
	made map[site.Asking]*wanted
}

// of returns what an ask wants.
func (w *wants) of(asking site.Asking) (*wanted, error) {
	ask := asking.Value()
	if ask.Body == "" && ask.Pattern == "" && ask.Condition == "" {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if made := w.made[asking]; made != nil {
		return made, nil
	}
	made, err := newWanted(ask)
	if err != nil {
		return nil, err
	}
	if len(w.made) >= maxWants || w.made == nil {
		w.made = make(map[site.Asking]*wanted)
	}
	w.made[asking] = made
	return made, nil
}
