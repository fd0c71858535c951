package document

import (
	"bytes"
	"encoding/json"
	"io"

	"go.yaml.in/yaml/v3"
)

// WriteYAML writes documents one after the other.
func WriteYAML(w io.Writer, docs ...Document) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	for _, doc := range docs {
		n, err := tree(doc)
		if err != nil {
			return err
		}
		if err := encoder.Encode(n); err != nil {
			return err
		}
	}
	return encoder.Close()
}

// tree returns a document as a tree of YAML: the names and the order of its JSON.
func tree(doc any) (*yaml.Node, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return nil, err
	}
	nodes, err := jsonNodes(b.Bytes())
	if err != nil {
		return nil, err
	}
	flow(nodes[0])
	return nodes[0], nil
}

// flow has lists of plain values stand on one line.
func flow(n *yaml.Node) {
	plain := true
	for _, item := range n.Content {
		plain = plain && item.Kind == yaml.ScalarNode
		flow(item)
	}
	if n.Kind == yaml.SequenceNode && plain {
		n.Style = yaml.FlowStyle
	}
}

// YAML returns any value that is JSON as YAML.
func YAML(v any) ([]byte, error) {
	n, err := tree(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(n); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}
