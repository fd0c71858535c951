package document

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// ParseJSON reads one document, or returns Faults.
func ParseJSON(data []byte) (Document, error) {
	nodes, err := jsonNodes(data)
	switch {
	case err != nil:
		return nil, Faults{{"", err.Error()}}
	case len(nodes) != 1 || nodes[0].Kind != yaml.MappingNode:
		return nil, Faults{{"", "expected one document: write {\"kind\": ...}"}}
	}
	doc, faults := decode(nodes[0])
	if faults = faults.with(doc); faults != nil {
		return nil, faults
	}
	return doc, nil
}

// with adds what is wrong with a document to what was wrong with how it is written. What
// could not be read is not missed.
func (f Faults) with(doc Document) Faults {
	if doc == nil || f.about("") {
		return f
	}
	all := f
	for _, fault := range Check(doc) {
		if !f.about(fault.Field) {
			all = append(all, fault)
		}
	}
	return all
}

// about reports whether one of the faults is of a field, of what it is in, or of
// something in it.
func (f Faults) about(path string) bool {
	return slices.ContainsFunc(f, func(known Fault) bool { return within(path, known.Field) || within(known.Field, path) })
}

// within reports whether a field is another one, or in it. Only the document is in the
// document.
func within(path, other string) bool {
	rest, found := strings.CutPrefix(path, other)
	return found && (rest == "" || other != "" && strings.ContainsAny(rest[:1], ".["))
}

// maxValues bounds what a document can have: aliases may stand for much.
const maxValues = 1 << 14

// decoder reads a tree of YAML into a struct.
type decoder struct {
	faults Faults
	values int
}

// decode reads a tree that is a mapping. The document is nil if it says of no kind what
// it is.
func decode(n *yaml.Node) (Document, Faults) {
	kind, found := "", false
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "kind" && n.Content[i+1].Kind == yaml.ScalarNode {
			kind, found = n.Content[i+1].Value, true
		}
	}
	doc, err := New(site.ObjectKind(kind))
	switch {
	case !found:
		return nil, Faults{{"kind", "it is missing: write class, origin, cdn or site"}}
	case err != nil:
		return nil, Faults{{"kind", err.Error()}}
	}
	d := new(decoder)
	d.fields(n, reflect.ValueOf(doc).Elem(), "")
	return doc, d.faults
}

func (d *decoder) fault(path, format string, args ...any) {
	d.faults = append(d.faults, Fault{path, fmt.Sprintf(format, args...)})
}

// value reads a value.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path, example string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.values++
	switch {
	case d.values > maxValues:
		if d.values == maxValues+1 {
			d.fault("", "the document has more than %d values", maxValues)
		}
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		d.fault(path, "it has no value: leave the field out")
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, example)
	case v.Kind() == reflect.Struct:
		d.fields(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path, example)
	case n.Kind != yaml.ScalarNode:
		d.fault(path, "expected one value: write such as '%s'", example)
	default:
		if err := scalar(n, v); err != nil {
			d.fault(path, "%s: write such as '%s'", err, example)
		}
	}
}

// list reads a list.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path, example string) {
	if n.Kind != yaml.SequenceNode {
		d.fault(path, "expected a list: write such as [%s]", strings.ReplaceAll(example, ",", ", "))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), min(len(n.Content), maxValues), min(len(n.Content), maxValues)))
	first, _, _ := strings.Cut(example, ",")
	for i, item := range n.Content[:v.Len()] {
		d.value(item, v.Index(i), element(path, i), first)
	}
}

// fields reads the fields of a struct.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fault(path, "expected fields with values: %s are known", strings.Join(fieldsOf(v.Type()).names, ", "))
		return
	}
	fields, given := fieldsOf(v.Type()), make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		f, known := fields.named[name]
		switch {
		case n.Content[i].Kind != yaml.ScalarNode:
			d.fault(path, "expected names of fields: %s are known", strings.Join(fields.names, ", "))
		case !known:
			d.fault(join(path, name), "unknown field '%s': %s are known", name, strings.Join(fields.names, ", "))
		case given[name]:
			d.fault(join(path, name), "field '%s' is repeated", name)
		default:
			d.value(n.Content[i+1], v.FieldByIndex(f.index), join(path, name), f.example)
		}
		given[name] = true
	}
}

// fields are those of a struct, by their names in documents.
type fields struct {
	names []string
	named map[string]field
}

type field struct {
	index   []int
	example string
}

var known sync.Map // of reflect.Type: fields

func fieldsOf(t reflect.Type) fields {
	if all, found := known.Load(t); found {
		return all.(fields)
	}
	all := fields{named: make(map[string]field)}
	all.add(t, nil)
	known.Store(t, all)
	return all
}

func (all *fields) add(t reflect.Type, above []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(above), i)
		if f.Anonymous {
			all.add(f.Type, index)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all.names = append(all.names, name)
		example := f.Tag.Get("example")
		if f.Type.Kind() == reflect.Bool {
			example = "true"
		}
		all.named[name] = field{index, example}
	}
}

// scalar reads a single value. What a text is for may be written as a number, too.
func scalar(n *yaml.Node, v reflect.Value) (err error) {
	tag := n.ShortTag()
	switch v.Kind() {
	case reflect.String:
		if tag == "!!bool" || tag == "!!binary" {
			return fmt.Errorf("'%s' is no text, unless it is in quotes", n.Value)
		}
		v.SetString(n.Value)
	case reflect.Int:
		number, err := strconv.ParseInt(n.Value, 10, 64)
		if tag != "!!int" || err != nil {
			return fmt.Errorf("'%s' is no whole number", n.Value)
		}
		v.SetInt(number)
	case reflect.Float64:
		number, err := strconv.ParseFloat(n.Value, 64)
		if tag != "!!int" && tag != "!!float" || err != nil {
			return fmt.Errorf("'%s' is no number", n.Value)
		}
		v.SetFloat(number)
	default:
		if tag != "!!bool" {
			return fmt.Errorf("'%s' is neither true nor false", n.Value)
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	}
	return nil
}

var steps = regexp.MustCompile(`\w+|\[\d+\]`)

// lineOf returns the line of a field, or of the nearest thing that it would be in.
func lineOf(n *yaml.Node, path string) int {
	line := n.Line
	for _, step := range steps.FindAllString(path, -1) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next := (*yaml.Node)(nil)
		if i, err := strconv.Atoi(strings.Trim(step, "[]")); err == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
			next = n.Content[i]
			line = next.Line
		}
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				next = n.Content[i+1]
				line = n.Content[i].Line
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return line
}
