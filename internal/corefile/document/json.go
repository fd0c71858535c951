package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// jsonNodes reads values of JSON, one after the other, as trees of YAML.
func jsonNodes(data []byte) (nodes []*yaml.Node, err error) {
	r := &jsonReader{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.decoder.UseNumber()
	for {
		n, err := r.next(0)
		if err == io.EOF {
			return nodes, nil
		}
		if err != nil {
			return nodes, r.place(err)
		}
		nodes = append(nodes, n)
	}
}

// jsonReader knows on which line it reads.
type jsonReader struct {
	data    []byte
	decoder *json.Decoder
	at      int // up to where lines are counted
	line    int
}

// count counts lines up to an octet.
func (r *jsonReader) count(to int) {
	if to > r.at && to <= len(r.data) {
		r.line += bytes.Count(r.data[r.at:to], []byte("\n"))
		r.at = to
	}
}

// place says on which line an error is.
func (r *jsonReader) place(err error) error {
	var wrong *json.SyntaxError
	if errors.As(err, &wrong) {
		r.count(int(wrong.Offset))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		err = errors.New("the end comes too early")
	}
	return &lineError{r.line, err}
}

// lineError is an error on a line of a file.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

// maxDepth is deeper than any document.
const maxDepth = 20

// next reads a value.
func (r *jsonReader) next(depth int) (*yaml.Node, error) {
	token, err := r.decoder.Token()
	if err != nil {
		if depth > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	r.count(int(r.decoder.InputOffset()))
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line}
	switch token := token.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(token)
	case json.Number:
		n.Tag, n.Value = "!!float", token.String()
		if _, err := token.Int64(); err == nil {
			n.Tag = "!!int"
		}
	case string:
		n.Tag, n.Value = "!!str", token
	case json.Delim:
		return n, r.several(n, token, depth)
	}
	return n, nil
}

// several reads an array or an object.
func (r *jsonReader) several(n *yaml.Node, open json.Delim, depth int) error {
	if depth == maxDepth {
		return fmt.Errorf("values are in each other more than %d times", maxDepth)
	}
	n.Kind, n.Tag = yaml.MappingNode, "!!map"
	if open == '[' {
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	}
	for r.decoder.More() {
		item, err := r.next(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, item)
	}
	_, err := r.decoder.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
