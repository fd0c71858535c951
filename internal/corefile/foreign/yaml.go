package foreign

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlValue is a value in a YAML file.
type yamlValue struct {
	file string
	node *yaml.Node // nil: there is none
}

// maxAliases is how many anchors may lead to each other.
const maxAliases = 16

// readYAML reads a file that holds one document.
func readYAML(from Files, file string) (yamlValue, error) {
	text, err := from.Read(file)
	if err != nil {
		return yamlValue{}, fmt.Errorf("reading '%s': %w", file, err)
	}
	var document yaml.Node
	err = yaml.NewDecoder(strings.NewReader(text)).Decode(&document)
	if err != nil && !errors.Is(err, io.EOF) {
		return yamlValue{}, fmt.Errorf("'%s': %w", file, err)
	}
	if len(document.Content) == 0 {
		return yamlValue{file: file}, nil
	}
	return yamlValue{file, document.Content[0]}.real(), nil
}

// real follows an alias to what it stands for.
func (v yamlValue) real() yamlValue {
	for range maxAliases {
		if v.node == nil || v.node.Kind != yaml.AliasNode {
			return v
		}
		v.node = v.node.Alias
	}
	return yamlValue{file: v.file}
}

func (v yamlValue) here() place {
	if v.node == nil {
		return place{file: v.file}
	}
	return place{v.file, v.node.Line}
}

func (v yamlValue) is(kind yaml.Kind) bool { return v.node != nil && v.node.Kind == kind }

// text is the text of a scalar; of what is none, or null, it is empty.
func (v yamlValue) text() string {
	if !v.is(yaml.ScalarNode) || v.node.Tag == "!!null" {
		return ""
	}
	return v.node.Value
}

// items returns the values of a list.
func (v yamlValue) items() (items []yamlValue) {
	if !v.is(yaml.SequenceNode) {
		return nil
	}
	for _, node := range v.node.Content {
		items = append(items, yamlValue{v.file, node}.real())
	}
	return items
}

// keys returns those of a mapping, without what is merged into it.
func (v yamlValue) keys() (keys []yamlValue) {
	if !v.is(yaml.MappingNode) {
		return nil
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if key := v.node.Content[i]; key.Tag != "!!merge" {
			keys = append(keys, yamlValue{v.file, key}.real())
		}
	}
	return keys
}

// get returns the value of a key, which may be merged into the mapping.
func (v yamlValue) get(key string) (yamlValue, bool) { return v.find(key, maxAliases) }

func (v yamlValue) find(key string, left int) (yamlValue, bool) {
	if !v.is(yaml.MappingNode) || left == 0 {
		return yamlValue{file: v.file}, false
	}
	var merged []yamlValue
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		name, value := yamlValue{v.file, v.node.Content[i]}.real(), yamlValue{v.file, v.node.Content[i+1]}.real()
		switch {
		case v.node.Content[i].Tag == "!!merge" && value.is(yaml.SequenceNode):
			merged = append(merged, value.items()...)
		case v.node.Content[i].Tag == "!!merge":
			merged = append(merged, value)
		case name.text() == key:
			return value, true
		}
	}
	for _, other := range merged {
		if value, found := other.find(key, left-1); found {
			return value, true
		}
	}
	return yamlValue{file: v.file}, false
}
