package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
)

// documentBody is a body that is a document. Its own reader finds all that is wrong
// with it at once, which the schema alone would not.
type documentBody[D any] struct {
	document document.Document
	faults   []error
}

// UnmarshalJSON implements json.Unmarshaler. What is wrong says Resolve.
func (b *documentBody[D]) UnmarshalJSON(text []byte) error {
	var err error
	b.document, err = document.ParseJSON(text)
	var faults document.Faults
	switch _, fits := any(b.document).(*D); {
	case errors.As(err, &faults):
		b.faults = inBody(text, faults)
	case err != nil:
		b.faults = []error{&Fault{Location: "body", Message: err.Error()}}
	case !fits:
		is, wanted := b.document.About().Kind, strings.ToLower(reflect.TypeFor[D]().Name())
		b.faults = []error{&Fault{Location: "body.kind", Message: "expected '" + wanted + "'", Value: string(is)}}
	}
	return nil
}

// inBody are the faults of a document with their places in the body.
func inBody(body []byte, faults document.Faults) []error {
	all := make([]error, len(faults))
	for i, f := range faults {
		all[i] = InBody(body, f)
	}
	return all
}

// InBody is the fault of a document with its place in the body, and with the value
// there: if it has one that the message quotes, others may be secrets.
func InBody(body []byte, f document.Fault) *Fault {
	fault := &Fault{Location: "body", Message: f.Message}
	if f.Field != "" {
		fault.Location += "." + f.Field
	}
	if value := valueAt(body, f.Field); value != nil && strings.Contains(f.Message, quoted(value)) {
		fault.Value = value
	}
	return fault
}

func quoted(value any) string { return fmt.Sprintf("'%v'", value) }

var steps = regexp.MustCompile(`\w+|\[\d+\]`)

// valueAt returns what is at a place such as ttl.full or hosts[1]; nil: nothing.
func valueAt(body []byte, place string) (value any) {
	if json.Unmarshal(body, &value) != nil {
		return nil
	}
	for _, step := range steps.FindAllString(place, -1) {
		switch in := value.(type) {
		case map[string]any:
			value = in[step]
		case []any:
			i, err := strconv.Atoi(strings.Trim(step, "[]"))
			if err != nil || i >= len(in) {
				return nil
			}
			value = in[i]
		default:
			return nil
		}
	}
	return value
}

// Schema implements huma.SchemaProvider.
func (documentBody[D]) Schema(r huma.Registry) *huma.Schema {
	s := r.Schema(reflect.TypeFor[D](), true, "")
	for name, of := range r.Map() {
		if strings.HasPrefix(name, documentPrefix) {
			plain(of)
		}
	}
	return s
}

// plain says what a document's reader takes: no nulls. A truth needs no example of its
// own there.
func plain(s *huma.Schema) {
	for _, p := range s.Properties {
		p.Nullable = false
		if p.Type == huma.TypeBoolean && p.Examples == nil {
			p.Examples = []any{true}
		}
	}
}

// documentPrefix begins the names of the schemas of what is in documents: there is a
// CDN of the API as well.
const documentPrefix = "Document"

// schemaName names schemas.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == reflect.TypeFor[document.Site]().PkgPath() {
		return documentPrefix + name
	}
	return name
}
