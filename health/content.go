package health

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// judge says whether a body has what must be in it.
type judge struct {
	text      string
	pattern   *regexp.Regexp // nil: there is none
	condition *vm.Program    // nil: there is none
}

// read reads and judges a body. No error quotes it.
func (j *judge) read(r io.Reader) (site.Failure, error) {
	if j == nil {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return "", errBody{err}
		}
		return "", nil
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return "", errBody{err}
	}
	if err := j.accept(content); err != nil {
		return site.FailureContent, fmt.Errorf("judging the body: %w", err)
	}
	return "", nil
}

func (j *judge) accept(content []byte) error {
	switch {
	case !bytes.Contains(content, []byte(j.text)):
		return fmt.Errorf("'%s' is not in it", j.text)
	case j.pattern != nil && !j.pattern.Match(content):
		return fmt.Errorf("it does not match '%s'", j.pattern)
	case j.condition != nil:
		return j.holds(content)
	}
	return nil
}

// holds evaluates the condition over the body's JSON object.
func (j *judge) holds(content []byte) error {
	var object map[string]any
	if err := json.Unmarshal(content, &object); err != nil {
		return fmt.Errorf("it is not a JSON object of at most %d bytes", maxBody)
	}
	result, err := expr.Run(j.condition, object)
	if err != nil {
		return fmt.Errorf("'%s' cannot be said of it", j.condition.Source())
	}
	if yes, ok := result.(bool); !ok || !yes {
		return fmt.Errorf("'%s' is not true of it", j.condition.Source())
	}
	return nil
}

// newJudge compiles what an Ask wants of a body. It is nil for nothing.
func newJudge(ask site.Ask) (*judge, error) {
	if ask.Body == "" && ask.Pattern == "" && ask.Condition == "" {
		return nil, nil
	}
	j := &judge{text: ask.Body}
	var err error
	if ask.Pattern != "" {
		if j.pattern, err = regexp.Compile(ask.Pattern); err != nil {
			return nil, fmt.Errorf("reading the pattern: %w", err)
		}
	}
	if ask.Condition != "" {
		if j.condition, err = compile(ask.Condition); err != nil {
			return nil, fmt.Errorf("reading the condition '%s': %w", ask.Condition, err)
		}
	}
	return j, nil
}

// compile reads a condition. One loop within another is refused, as it may take
// as long as it likes.
func compile(condition string) (*vm.Program, error) {
	program, err := expr.Compile(condition, expr.AsBool())
	if err != nil {
		return nil, errors.New(firstLine(err.Error()))
	}
	tree := program.Node()
	var loops nested
	ast.Walk(&tree, &loops)
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

// nested finds a predicate inside a predicate.
type nested struct{ inside, found bool }

// Visit implements ast.Visitor.
func (n *nested) Visit(node *ast.Node) {
	predicate, ok := (*node).(*ast.PredicateNode)
	switch {
	case !ok:
	case n.inside:
		n.found = true
	default:
		inner := nested{inside: true}
		ast.Walk(&predicate.Node, &inner)
		n.found = n.found || inner.found
	}
}

// Check reports what of an Ask over HTTP cannot be asked: a header, a pattern or
// a condition that is none. What secrets stand for it does not read.
func Check(ask site.Ask) error {
	if _, err := newJudge(ask); err != nil {
		return err
	}
	return checkRequest(ask)
}

// maxJudges is how many judges are kept. Beyond, they are made anew.
const maxJudges = 10_000

// judges keeps the judges of all asks, as they take much longer to make than to
// use.
type judges struct {
	mu   sync.Mutex
	made map[site.Asking]*judge
}

// of returns an ask's judge.
func (j *judges) of(asking site.Asking) (*judge, error) {
	ask := asking.Value()
	if ask.Body == "" && ask.Pattern == "" && ask.Condition == "" {
		return nil, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if made := j.made[asking]; made != nil {
		return made, nil
	}
	made, err := newJudge(ask)
	if err != nil {
		return nil, err
	}
	if len(j.made) >= maxJudges || j.made == nil {
		j.made = make(map[site.Asking]*judge)
	}
	j.made[asking] = made
	return made, nil
}
